#include <optional>

#include "commands.hpp"
#include "common_options.hpp"
#include "provenance.hpp"
#include "rhoflux/io/generate.hpp"

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
    const std::int64_t rows = arguments.whole_number("count");
    const io::GeneratedFile file = {output, provenance_of_data(context), arguments.has("force")};
    const int dims = io::generate_file(arguments.text("NAME"), rows, arguments.seed(), n_dims, file);
    print(context.comm,
          output + ": " + std::to_string(rows) + " rows of " + std::to_string(dims) + " coordinates");
  });
  return 0;
}

}  // namespace rhoflux::apps
