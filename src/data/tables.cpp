#include <cmath>

#include "rhoflux/core/error.hpp"
#include "rhoflux/data/sources.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::data {
namespace {

void read_table(objectives::Potential& potential) {
  if (potential.kind != objectives::Potential::Kind::table) return;
  const io::Hdf5Reader file(potential.path);
  const auto require = [&](const std::string& name) {
    if (!file.is_dataset(name))
      fail_input(potential.path + ": there is no dataset '" + name +
                 "'; a tabulated potential has /axis_1 (n1) .. /axis_D (nD) and /value (n1, .., nD)");
    return file.shape(name);
  };
  const io::Shape shape = require("value");
  objectives::Potential::Grid grid;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::string name = "axis_" + std::to_string(i + 1), where = potential.path + ", '" + name + "': ";
    if (const io::Shape found = require(name); found != io::Shape{shape[i]} || shape[i] < 2)
      fail_input(where + "has shape " + io::to_string(found) + "; with the shape " + io::to_string(shape) +
                 " of /value it must be (" + std::to_string(shape[i]) + "), and at least (2)");
    grid.axes.push_back(file.read<double>(name));
    const std::vector<double>& axis = grid.axes.back();
    for (std::size_t k = 0; k < axis.size(); ++k)
      if (!std::isfinite(axis[k]) || (k > 0 && axis[k] <= axis[k - 1]))
        fail_input(where + "entry " + std::to_string(k) + " is not finite or not above the one before it");
  }
  if (shape.empty()) fail_input(potential.path + ", 'value': is a single number, not a grid");
  grid.values = file.read<double>("value");
  for (std::size_t k = 0; k < grid.values.size(); ++k)
    if (!std::isfinite(grid.values[k]))
      fail_input(potential.path + ", 'value': entry " + std::to_string(k) + " is not finite");
  potential.grid = grid;
}

}  // namespace

void read_tables(objectives::Config& config, const mpi::Communicator& comm) {
  const auto read = [&] {
    read_table(config.state_cost_potential);
    read_table(config.terminal_potential);
  };
  mpi::on_root(comm, read);  // so that an error comes once
  if (!comm.is_root()) read();
}

}  // namespace rhoflux::data
