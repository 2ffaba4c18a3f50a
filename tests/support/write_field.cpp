#include <mpi.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include "rhoflux/core/error.hpp"
#include "rhoflux/io/field_file.hpp"
#include "rhoflux/mpi/environment.hpp"

namespace {

using namespace rhoflux;

/// Axes with uneven steps, a scalar and a vector.
io::FieldLayout make_layout(const std::vector<std::int64_t>& extents) {
  io::FieldLayout layout;
  for (std::int64_t t = 0; t < extents[0]; ++t) layout.times.push_back(std::sqrt(1.0 + t));
  for (std::size_t k = 1; k < extents.size(); ++k) {
    io::FieldAxis axis{"x" + std::to_string(k), {}};
    for (std::int64_t i = 0; i < extents[k]; ++i) axis.values.push_back(std::exp(0.01 * i * k) - 0.5);
    layout.axes.push_back(axis);
  }
  layout.arrays = {{"density", 0}, {"velocity", static_cast<int>(layout.axes.size())}};
  return layout;
}

io::FieldValues values_of(const io::FieldLayout& layout, const io::FieldSlab& slab) {
  io::FieldValues values;
  for (const io::FieldArray& array : layout.arrays) {
    const auto count = io::point_count(layout, slab) * std::max(1, array.n_components);
    std::vector<double> one(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < one.size(); ++i)
      one[i] = std::sin(100.0 * slab.time + 10.0 * slab.row_begin + static_cast<double>(i));
    values.push_back(one);
  }
  return values;
}

}  // namespace

/// write_field FILE T N1 [N2 [N3]]: a field for the tests of its readers.
int main(int argc, char** argv) {
  mpi::prepare_environment();
  MPI_Init(&argc, &argv);
  int code = 0;
  {
    const mpi::Communicator comm(MPI_COMM_WORLD);
    try {
      if (argc < 4) fail_input("usage: write_field FILE T N1 [N2 [N3]]");
      std::vector<std::int64_t> extents;
      for (int k = 2; k < argc; ++k) extents.push_back(std::stoll(argv[k]));
      const io::FieldLayout layout = make_layout(extents);
      io::write_field(
          argv[1], false, comm, layout, [](io::Hdf5Writer&) {},
          [&](const io::FieldSlab& slab) { return values_of(layout, slab); }, {});
    } catch (const Error& error) {
      if (comm.is_root()) std::cerr << "write_field: error: " << error.what() << std::endl;
      code = static_cast<int>(error.code());
    }
  }
  MPI_Finalize();
  return code;
}
