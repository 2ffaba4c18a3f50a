#include <filesystem>
#include <optional>

#include "commands.hpp"
#include "common_options.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/io/cell_study.hpp"
#include "rhoflux/io/generate.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::apps {

Arguments generate_arguments() {
  Arguments arguments("generate", "Makes a synthetic population with training, validation and test rows.");
  std::vector<NamedValue> names;
  for (const io::GeneratorName& entry : io::generator_names())
    names.push_back({entry.name, entry.description});
  names.push_back(
      {"cells",
       "a study of cells that branch, with types, donors, genes and known fates; to an .h5ad file as "
       "AnnData, else as a population"});
  arguments.positional("NAME", choice(names), "the population, one of")
      .defaulted("count", whole_number(1, 1000000000), "10000", "number of rows")
      .optional("dims", whole_number(1, 10000), "number of coordinates, where the population leaves it open");
  add_seed(arguments, "the rows");
  arguments.required("output", file_name(), "population file (HDF5) to write");
  add_force(arguments);
  return arguments;
}

namespace {

int generate_cells(const Context& context, const Arguments& arguments) {
  const std::string output = arguments.text("output");
  if (arguments.has("dims")) fail_input("generate: cells have 3 coordinates; --dims is for gaussian_mixture");
  mpi::on_root(context.comm, [&] {
    io::require_absent(output, arguments.has("force"));
    io::CellStudy study = io::make_cell_study(arguments.whole_number("count"), arguments.seed());
    if (std::filesystem::path(output).extension() == ".h5ad") {
      io::write_cell_study(output, study, arguments.has("force"));
    } else {
      study.cells.provenance = provenance_of_data(context);
      io::write_population(output, study.cells, arguments.has("force"));
    }
    print(context.comm, output + ": " + counted(study.cells.n_rows(), "cell") + " of 3 coordinates");
  });
  return 0;
}

}  // namespace

int command_generate(const Context& context, const Arguments& arguments) {
  const std::string output = arguments.text("output");
  std::optional<int> n_dims;
  if (arguments.has("dims")) n_dims = static_cast<int>(arguments.whole_number("dims"));
  if (arguments.text("NAME") == "cells") return generate_cells(context, arguments);
  mpi::on_root(context.comm, [&] {
    const std::int64_t rows = arguments.whole_number("count");
    const io::GeneratedFile file = {output, provenance_of_data(context), arguments.has("force")};
    const int dims = io::generate_file(arguments.text("NAME"), rows, arguments.seed(), n_dims, file);
    print(context.comm, output + ": " + counted(rows, "row") + " of " + counted(dims, "coordinate"));
  });
  return 0;
}

}  // namespace rhoflux::apps
