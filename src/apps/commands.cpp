#include "commands.hpp"

namespace rhoflux::apps {

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"train", "train a model as an input deck says", train_arguments, command_train},
      {"suggest", "write a deck for a population, from what the data are", suggest_arguments,
       command_suggest},
      {"evaluate", "likelihood, Wasserstein distances and objective of a model", evaluate_arguments,
       command_evaluate},
      {"sample", "exact samples of a model at given times", sample_arguments, command_sample},
      {"query", "log density, drift, flux, score and time derivative at given points", query_arguments,
       command_query},
      {"transport", "transport particles along the drift, with or without noise", transport_arguments,
       command_transport},
      {"fate", "probabilities of the labels at which particles end", fate_arguments, command_fate},
      {"compare", "by how much two models differ, and where particles end by each", compare_arguments,
       command_compare},
      {"combine", "join models that were trained apart into an ensemble", combine_arguments, command_combine},
      {"annotate", "velocity and log density into an AnnData file", annotate_arguments, command_annotate},
      {"field", "density and drift on a grid over time", field_arguments, command_field},
      {"verify", "check the Fokker-Planck equation, mass, flux and samples of a model", verify_arguments,
       command_verify},
      {"import", "convert a table, NumPy arrays or AnnData to population data", import_arguments,
       command_import},
      {"generate", "make a synthetic population", generate_arguments, command_generate},
      {"info", "say what a file is", info_arguments, command_info},
  };
  return all;
}

const Command* find_command(const std::string& name) {
  for (const Command& command : commands())
    if (name == command.name) return &command;
  return nullptr;
}

std::string program_usage() {
  std::string text =
      "Usage: rhoflux COMMAND [arguments]      (rhoflux COMMAND --help says more)\n\nCommands\n";
  for (const Command& command : commands()) {
    const std::string name = command.name;
    text += "  " + name + std::string(12 - name.size(), ' ') + command.summary + "\n";
  }
  return text +
         "\nOptions\n"
         "  --version   versions of the program and its libraries\n"
         "  -h, --help  this text\n\n"
         "Runs alone or under mpirun -n N, with the same result. More: man rhoflux, or rhoflux --man.\n";
}

}  // namespace rhoflux::apps
