#include <filesystem>
#include <optional>
#include <sstream>

#include "commands.hpp"
#include "common_options.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/io/csv_import.hpp"
#include "rhoflux/io/generate.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::apps {

Arguments generate_arguments() {
  Arguments arguments("generate", "Makes a synthetic population with training, validation and test rows.");
  std::vector<NamedValue> names;
  for (const io::GeneratorName& entry : io::generator_names())
    names.push_back({entry.name, entry.description});
  arguments.positional("NAME", choice(names), "the population, one of")
      .defaulted("count", whole_number(1, 1000000000), "10000", "number of rows")
      .optional("dims", whole_number(1, 10000), "number of coordinates, where the population leaves it open");
  add_seed(arguments, "the rows");
  arguments.required("output", file_name(), "population file (HDF5) to write");
  add_force(arguments);
  return arguments;
}

int command_generate(const Context& context, const Arguments& arguments) {
  const std::string output = arguments.text("output");
  std::optional<int> n_dims;
  if (arguments.has("dims")) n_dims = static_cast<int>(arguments.whole_number("dims"));
  mpi::on_root(context.comm, [&] {
    io::require_absent(output, arguments.has("force"));
    io::PopulationData data =
        io::generate(arguments.text("NAME"), arguments.whole_number("count"), arguments.seed(), n_dims);
    data.provenance = provenance_of_data(context);
    const std::int64_t rows = data.n_rows();
    const int dims = data.n_dims;
    io::write_population(output, std::move(data), arguments.has("force"));
    print(context.comm,
          output + ": " + std::to_string(rows) + " rows of " + std::to_string(dims) + " coordinates");
  });
  return 0;
}

Arguments import_arguments() {
  Arguments arguments(
      "import",
      "Converts a CSV file with a header line to a population file. Columns: t (time), x1, x2, ... "
      "(coordinates), and optionally split (train, val, test) and weight; others are left out and named.");
  arguments.positional("INPUT", file_name(), "the file to read (.csv)")
      .required("output", file_name(), "population file (HDF5) to write")
      .defaulted("time-column", any_text("NAME"), "t", "name of the time column")
      .optional("columns", any_text("NAME,.."), "names of the coordinate columns", "x1,x2,...")
      .optional("split-column", any_text("NAME"), "name of the split column", "split, if there")
      .optional("weight-column", any_text("NAME"), "name of the weight column", "weight, if there")
      .defaulted("val", number("SHARE", 0, 1), "0",
                 "share of rows for validation where there is no split column")
      .defaulted("test", number("SHARE", 0, 1), "0",
                 "share of rows for testing where there is no split column");
  add_seed(arguments, "these splits");
  arguments.optional("time-unit", any_text("TEXT"), "unit of time, stored in the file")
      .optional("source", any_text("TEXT"), "where the data come from, stored in the file");
  add_force(arguments);
  return arguments;
}

namespace {

io::CsvOptions csv_options(const Arguments& arguments) {
  const auto text_or_empty = [&](const char* name) {
    return arguments.has(name) ? arguments.text(name) : std::string();
  };
  io::CsvOptions options;
  options.time_column = arguments.text("time-column");
  if (arguments.has("columns")) options.coordinate_columns = split(arguments.text("columns"), ',');
  options.split_column = text_or_empty("split-column");
  options.weight_column = text_or_empty("weight-column");
  options.val_fraction = arguments.number("val");
  options.test_fraction = arguments.number("test");
  options.seed = arguments.seed();
  options.time_unit = text_or_empty("time-unit");
  options.source = text_or_empty("source");
  return options;
}

}  // namespace

int command_import(const Context& context, const Arguments& arguments) {
  const std::string input = arguments.text("INPUT"), output = arguments.text("output");
  if (std::filesystem::path(input).extension() != ".csv")
    fail_input(input + ": this version imports files that end in .csv");
  io::CsvOptions options = csv_options(arguments);
  note_input(context, input);
  mpi::on_root(context.comm, [&] {
    io::require_absent(output, arguments.has("force"));
    options.provenance = provenance_of_data(context);
    const io::CsvSummary summary = io::import_csv(input, output, options, arguments.has("force"));
    std::ostringstream line;
    line << output << ": " << summary.n_rows << " rows (" << summary.split_count[0] << " train, "
         << summary.split_count[1] << " val, " << summary.split_count[2] << " test) of "
         << summary.dim_names.size() << " coordinates, t from " << summary.t_min << " to " << summary.t_max;
    if (!summary.ignored_columns.empty()) {
      line << "; columns left out:";
      for (const std::string& name : summary.ignored_columns) line << ' ' << name;
    }
    print(context.comm, line.str());
  });
  return 0;
}

}  // namespace rhoflux::apps
