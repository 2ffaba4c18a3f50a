#include "common_options.hpp"

#include "rhoflux/io/population.hpp"
#include "rhoflux/transport/sde.hpp"

namespace rhoflux::apps {

void add_checkpoint(Arguments& arguments) {
  arguments.positional("CHECKPOINT", file_name(), "a trained model (best.h5 or checkpoint_N.h5)");
}

void add_output_file(Arguments& arguments) {
  arguments.required("output", file_name(), "HDF5 file to write");
}

void add_json_output(Arguments& arguments) {
  arguments.optional("output", file_name(), "write the figures as JSON");
}

void add_force(Arguments& arguments) {
  arguments.flag("force", "overwrite files that exist");
}

void add_seed(Arguments& arguments, const std::string& of) {
  arguments.defaulted("seed", whole_number(0), "1", "seed of the random numbers of " + of);
}

void add_split(Arguments& arguments, const std::string& fallback) {
  std::vector<NamedValue> names;
  for (const io::Split split : {io::Split::train, io::Split::val, io::Split::test, io::Split::all})
    names.push_back({io::to_string(split), ""});
  arguments.defaulted("split", choice(names), fallback, "split of the population whose rows are used");
}

void add_noise(Arguments& arguments) {
  arguments.optional("noise", volatility(),
                     "volatility g of dX = u dt + g dW that the drift u is for, constant or linear between "
                     "knots t:g, in units of the data / sqrt(time)",
                     "flux.noise of the model's deck");
}

void add_scheme(Arguments& arguments, const std::string& fallback) {
  arguments.defaulted("scheme", choice<transport::SdeScheme>(), fallback,
                      "scheme of the SDE, of weak order 2 (heun) or 1 (euler)");
}

void add_transport_points(Arguments& arguments) {
  arguments.defaulted("transport-points", whole_number(2, 30000), "2000",
                      "largest number of points of a snapshot that W1 and W2 compare");
}

}  // namespace rhoflux::apps
