#pragma once

#include <optional>
#include <string>
#include <vector>

namespace rhoflux::apps {

/// The answer to a command line that asks about the program: --help and --version, COMMAND --help,
/// train --help-deck, and, for the build, --man and --bash-completion. None for a command line that asks for
/// work. Needs no MPI, so that it can be given where no job can be started.
/// @param arguments of the program, without those of Kokkos
std::optional<std::string> answer_to(const std::vector<std::string>& arguments);

/// True in the one process of a job that is to print an answer, as far as its launcher tells by the
/// environment.
bool is_first_process();

}  // namespace rhoflux::apps
