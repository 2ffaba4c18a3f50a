#include "answers.hpp"

#include <algorithm>
#include <cstdlib>

#include "commands.hpp"
#include "completion.hpp"
#include "manual.hpp"
#include "provenance.hpp"
#include "rhoflux/cli/deck.hpp"

namespace rhoflux::apps {
namespace {

bool contains(const std::vector<std::string>& arguments, const std::string& text) {
  return std::find(arguments.begin(), arguments.end(), text) != arguments.end();
}

bool asks_for_help(const std::vector<std::string>& arguments) {
  return contains(arguments, "--help") || contains(arguments, "-h");
}

}  // namespace

std::optional<std::string> answer_to(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return std::nullopt;
  const std::string& first = arguments.front();
  if (first == "--man") return man_page();
  if (first == "--bash-completion") return bash_completion();
  if (first == "--version") return version_text() + "\n";
  if (first == "help" && arguments.size() > 1)
    if (const Command* command = find_command(arguments[1])) return command->make_arguments().help();
  if (first == "--help" || first == "-h" || first == "help") return program_usage();
  const Command* command = find_command(first);
  if (command == nullptr) return std::nullopt;
  if (asks_for_help(arguments)) return command->make_arguments().help();
  if (first == "train" && contains(arguments, "--help-deck")) return cli::help_deck() + "\n";
  return std::nullopt;
}

bool is_first_process() {
  // Open MPI, PMIx, MPICH and Intel MPI, SLURM; that of mpirun before that of SLURM, which it may run under.
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})
    if (const char* rank = std::getenv(name)) return std::string(rank) == "0";
  return true;
}

}  // namespace rhoflux::apps
