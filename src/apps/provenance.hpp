#pragma once

#include <string>

#include "rhoflux/training/checkpoint.hpp"

namespace rhoflux::apps {

/// What `--version` prints.
std::string version_text();

/// Program, libraries, machine and command line, for the files this run writes.
training::Provenance provenance(const std::string& command_line, int ranks);

}  // namespace rhoflux::apps
