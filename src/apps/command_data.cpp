#include <filesystem>
#include <optional>
#include <sstream>

#include "arguments.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/io/csv_import.hpp"
#include "rhoflux/io/generate.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::apps {

int command_generate(const Context& context) {
  std::string description =
      "Draws a synthetic population with training, validation and test rows. NAME is one of";
  for (const io::GeneratorName& entry : io::generator_names())
    description += "\n  " + entry.name + ": " + entry.description;
  Arguments arguments("rhoflux generate NAME --count N --output FILE [--seed S] [--dims D] [--force]",
                      description, {"NAME"});
  arguments.add()("count", po::value<std::int64_t>()->default_value(10000), "number of rows")(
      "dims", po::value<int>(), "number of coordinates, where the population leaves it open")(
      "seed", po::value<std::int64_t>()->default_value(1), "seed of the random numbers")(
      "output", po::value<std::string>(), "population file to write (HDF5)")("force",
                                                                             "overwrite an existing file");
  if (!arguments.parse(context)) return 0;
  const std::string output = arguments.required("output");
  std::optional<int> n_dims;
  if (arguments.has("dims")) n_dims = arguments.get<int>("dims");
  mpi::on_root(context.comm, [&] {
    io::require_absent(output, arguments.has("force"));
    io::PopulationData data = io::generate(arguments.text("NAME"), arguments.get<std::int64_t>("count"),
                                           arguments.count("seed"), n_dims);
    data.provenance = provenance_of_data(context);
    const std::int64_t rows = data.n_rows();
    const int dims = data.n_dims;
    io::write_population(output, std::move(data), arguments.has("force"));
    print(context.comm,
          output + ": " + std::to_string(rows) + " rows of " + std::to_string(dims) + " coordinates");
  });
  return 0;
}

int command_import(const Context& context) {
  Arguments arguments(
      "rhoflux import INPUT.csv --output FILE [options]",
      "Converts a CSV file with a header line to a population file. Columns: t (time), x1, x2, ... "
      "(coordinates), and optionally\nsplit (train, val, test) and weight; others are left out and named.",
      {"INPUT"});
  arguments.add()("output", po::value<std::string>(), "population file to write (HDF5)")(
      "time-column", po::value<std::string>()->default_value("t"), "name of the time column")(
      "columns", po::value<std::string>(),
      "names of the coordinate columns, separated by commas (default: x1,x2,...)")(
      "split-column", po::value<std::string>()->default_value(""),
      "name of the split column (default: split, if there)")(
      "weight-column", po::value<std::string>()->default_value(""),
      "name of the weight column (default: weight, if there)")(
      "val", po::value<double>()->default_value(0.0),
      "share of rows drawn for validation where there is no split column")(
      "test", po::value<double>()->default_value(0.0),
      "share of rows drawn for testing where there is no split column")(
      "seed", po::value<std::int64_t>()->default_value(1), "seed of that draw")(
      "time-unit", po::value<std::string>()->default_value(""), "unit of time, stored in the file")(
      "source", po::value<std::string>()->default_value(""), "where the data come from, stored in the file")(
      "force", "overwrite an existing file");
  if (!arguments.parse(context)) return 0;
  const std::string input = arguments.text("INPUT"), output = arguments.required("output");
  if (std::filesystem::path(input).extension() != ".csv")
    fail_input(input + ": this version imports files that end in .csv");
  io::CsvOptions options;
  options.time_column = arguments.text("time-column");
  if (arguments.has("columns")) {
    std::stringstream list(arguments.text("columns"));
    for (std::string name; std::getline(list, name, ',');) options.coordinate_columns.push_back(name);
  }
  options.split_column = arguments.text("split-column");
  options.weight_column = arguments.text("weight-column");
  options.val_fraction = arguments.get<double>("val");
  options.test_fraction = arguments.get<double>("test");
  options.seed = arguments.count("seed");
  options.time_unit = arguments.text("time-unit");
  options.source = arguments.text("source");
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
