#pragma once

#include <string>

#include "context.hpp"
#include "rhoflux/checkpoint/checkpoint.hpp"

namespace rhoflux::apps {

/// What `--version` prints.
std::string version_text();

/// Says that this run is about to read a file, for the provenance of what it writes: the root hashes it now.
/// Collective. A file that is not there is left to whoever opens it. Throws Error (see io::sha256_of_file).
/// @param hash false for a file that is not to be read once more for its SHA-256
void note_input(const Context& context, const std::string& path, bool hash = true);

/// Program, libraries, machine, command line and, on the root, executable and input files, for the files that
/// this run writes. The entry `inputs` has a line "SHA-256  PATH" for each file noted so far, as `sha256sum`
/// prints and checks it.
checkpoint::Provenance provenance(const Context& context);

/// The part of it that is the same whenever the same command makes the same data, so that these have the same
/// bytes.
checkpoint::Provenance provenance_of_data(const Context& context);

}  // namespace rhoflux::apps
