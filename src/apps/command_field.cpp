#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <set>

#include "commands.hpp"
#include "common_options.hpp"
#include "model_files.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/io/field_file.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::apps {
namespace {

/// Coordinates of the axes, from 0: --dims, or the first ones.
std::vector<int> parse_dims(const Arguments& arguments, std::size_t n_axes, int n_dims) {
  std::vector<int> dims;
  if (arguments.has("dims"))
    for (const std::int64_t dim : arguments.whole_numbers("dims")) {
      if (dim > n_dims)
        fail_input("--dims " + arguments.text("dims") + ": the model has " + std::to_string(n_dims) +
                   " coordinates");
      dims.push_back(static_cast<int>(dim) - 1);
    }
  else
    for (std::size_t k = 0; k < n_axes; ++k) dims.push_back(static_cast<int>(k));
  if (std::set<int>(dims.begin(), dims.end()).size() != dims.size())
    fail_input("--dims " + arguments.text("dims") + ": a coordinate is named twice");
  if (dims.size() > 3 || dims.empty())
    fail_input("a field has 1 to 3 axes, " + std::to_string(dims.size()) + " are asked for");
  if (dims.size() > static_cast<std::size_t>(n_dims))
    fail_input("--grid " + arguments.text("grid") + ": has " + std::to_string(dims.size()) +
               " axes, the model has " + std::to_string(n_dims) + " coordinates");
  return dims;
}

/// --bounds, or what holds all but 1/500 of the samples of the model at all times, and a margin.
std::vector<Interval> find_bounds(const Arguments& arguments, const inference::Inference& inference,
                                  const std::vector<int>& dims, std::uint64_t seed) {
  std::vector<Interval> bounds;
  if (arguments.has("bounds")) {
    bounds = arguments.intervals("bounds");
    if (bounds.size() != dims.size())
      fail_input("--bounds " + arguments.text("bounds") + ": has " + std::to_string(bounds.size()) +
                 " intervals, the grid has " + std::to_string(dims.size()) + " axes");
    return bounds;
  }
  constexpr std::size_t count = 8192;
  const Units& units = inference.model().units;
  std::vector<double> times;
  std::vector<std::int64_t> index;
  for (std::size_t k = 0; k < count; ++k) {
    times.push_back(units.t_first + units.time_span() * (static_cast<double>(k) + 0.5) / count);
    index.push_back(static_cast<std::int64_t>(k));
  }
  const std::vector<double> x = inference.sample(times, index, seed, 0);
  for (const int dim : dims) {
    std::vector<double> column;
    for (std::size_t k = 0; k < count; ++k)
      column.push_back(x[k * static_cast<std::size_t>(inference.n_dims()) + static_cast<std::size_t>(dim)]);
    std::sort(column.begin(), column.end());
    const double low = column[count / 1000], high = column[count - 1 - count / 1000];
    bounds.push_back({low - 0.1 * (high - low), high + 0.1 * (high - low)});
  }
  return bounds;
}

std::string gigabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g GiB", bytes / 1073741824.0);
  return text;
}

/// Refuses a grid whose file would not fit the disk, or one slab of which would not fit the memory of a rank.
void require_room(const io::FieldLayout& layout, const std::string& output, int ranks) {
  double points = 1, numbers = 0;
  for (const io::FieldAxis& axis : layout.axes) points *= static_cast<double>(axis.values.size());
  for (const io::FieldArray& array : layout.arrays) numbers += std::max(1, array.n_components);
  const double file_size = 8 * points * (numbers * static_cast<double>(layout.times.size()) + 3);
  const std::filesystem::path folder = std::filesystem::absolute(output).parent_path();
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (!error && file_size > static_cast<double>(space.available))
    fail_input("--grid: the field would take up to " + gigabytes(file_size) + " before compression, " +
               folder.string() + " has " + gigabytes(static_cast<double>(space.available)) +
               " free; take fewer grid points or times");
  const double row = points / static_cast<double>(layout.axes.front().values.size());
  const double memory =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  const double needed = 8 * std::max(row, 65536.0) * (numbers + 20) * ranks;
  if (needed > 0.5 * memory)
    fail_input("--grid: one row of axis 1 has " + std::to_string(static_cast<long long>(row)) +
               " points, which takes " + gigabytes(needed) + " on " + std::to_string(ranks) +
               " ranks; half of the memory here is " + gigabytes(0.5 * memory) +
               "; make the first axis long and the others short");
}

/// A line at each tenth, on the root.
class Progress {
 public:
  Progress(const mpi::Communicator& comm) : m_comm(comm), m_start(std::chrono::steady_clock::now()) {}
  void operator()(double fraction) {
    if (fraction < m_next) return;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count();
    char line[96];
    std::snprintf(line, sizeof(line), "%3.0f %%  after %.1f s, %.1f s to go", 100 * fraction, seconds,
                  seconds * (1 - fraction) / fraction);
    print(m_comm, line);
    while (m_next <= fraction) m_next += 0.1;
  }

 private:
  const mpi::Communicator& m_comm;
  std::chrono::steady_clock::time_point m_start;
  double m_next = 0.1;
};

/// Grid points of a slab, (n, n_axes) in C order.
std::vector<double> points_of(const io::FieldLayout& layout, const io::FieldSlab& slab) {
  std::vector<double> points;
  const std::size_t n_axes = layout.axes.size();
  const std::size_t n2 = n_axes > 1 ? layout.axes[1].values.size() : 1;
  const std::size_t n3 = n_axes > 2 ? layout.axes[2].values.size() : 1;
  for (std::int64_t a = slab.row_begin; a < slab.row_end; ++a)
    for (std::size_t b = 0; b < n2; ++b)
      for (std::size_t c = 0; c < n3; ++c) {
        points.push_back(layout.axes[0].values[static_cast<std::size_t>(a)]);
        if (n_axes > 1) points.push_back(layout.axes[1].values[b]);
        if (n_axes > 2) points.push_back(layout.axes[2].values[c]);
      }
  return points;
}

}  // namespace

Arguments field_arguments() {
  Arguments arguments(
      "field",
      "Density and drift on a grid over time. Output (HDF5): /time (T), /axis_1 (n1) .., /density (T, n1 "
      "..), /velocity (T, n1 .., d) = drift u of dX = u dt + g dW; FILE.xdmf beside it opens in ParaView and "
      "VisIt.\n"
      "The coordinates that are no axes are integrated out: exactly for the first ones (1; 1,2; ..), else by "
      "Monte Carlo, which the file says (attribute marginal, dataset /density_error).");
  add_checkpoint(arguments);
  arguments.required("times", times(), "times of the field")
      .required("grid", whole_numbers(1, 1000000), "grid points along each axis, 1 to 3 of them")
      .optional("dims", whole_numbers(1, 1000000), "coordinates of the axes, from 1", "the first ones")
      .optional("bounds", intervals(), "range of each axis", "where the model samples are")
      .defaulted("marginal-samples", whole_number(1, 1000000), "64",
                 "Monte Carlo samples of the coordinates that are integrated out, at each grid point");
  add_noise(arguments);
  add_seed(arguments, "the Monte Carlo samples and the bounds");
  add_output_file(arguments);
  add_force(arguments);
  return arguments;
}

int command_field(const Context& context, const Arguments& arguments) {
  const std::string output = arguments.text("output"), grid = arguments.text("grid");
  const bool force = arguments.has("force");
  io::FieldLayout layout;
  layout.times = arguments.times("times");
  const checkpoint::Checkpoint checkpoint = load_checkpoint(context, arguments.text("CHECKPOINT"));
  const inference::Inference inference(checkpoint);
  for (const double t : layout.times) require_time_in_range(checkpoint.model, t, "--times");
  const flux::Volatility noise = noise_option(arguments, checkpoint.model);
  const std::uint64_t seed = arguments.seed();
  inference::Inference::Marginal marginal;
  const std::vector<std::int64_t> counts = arguments.whole_numbers("grid");
  marginal.dims = parse_dims(arguments, counts.size(), inference.n_dims());
  marginal.samples = static_cast<int>(arguments.whole_number("marginal-samples"));
  marginal.seed = seed;
  if (counts.size() != marginal.dims.size())
    fail_input("--grid " + grid + ": has " + std::to_string(counts.size()) + " axes, --dims names " +
               std::to_string(marginal.dims.size()));
  const std::vector<Interval> bounds = find_bounds(arguments, inference, marginal.dims, seed);
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const std::int64_t n = counts[k];
    io::FieldAxis axis{checkpoint.model.dim_names[static_cast<std::size_t>(marginal.dims[k])], {}};
    for (std::int64_t i = 0; i < n; ++i)
      axis.values.push_back(n == 1 ? 0.5 * (bounds[k].low + bounds[k].high)
                                   : bounds[k].low + (bounds[k].high - bounds[k].low) *
                                                         static_cast<double>(i) / static_cast<double>(n - 1));
    layout.axes.push_back(axis);
  }
  const bool exact = inference.is_exact(marginal);
  layout.arrays = {{"density", 0}, {"velocity", static_cast<int>(marginal.dims.size())}};
  if (!exact) layout.arrays.push_back({"density_error", 0});
  mpi::on_root(context.comm, [&] {
    io::require_absent(output, force);
    io::require_absent(output + ".xdmf", force);
    require_room(layout, output, context.comm.size());
  });
  const std::string how = static_cast<int>(marginal.dims.size()) == inference.n_dims() ? "none"
                          : exact                                                      ? "exact"
                                  : "Monte Carlo, " + std::to_string(marginal.samples) + " samples";
  print(context.comm, "field of " + std::to_string(layout.times.size()) + " times x " + grid +
                          " grid points; coordinates integrated out: " + how);
  const auto describe = [&](io::Hdf5Writer& file) {
    annotate(context, file, "rhoflux field", checkpoint);
    std::vector<double> numbers;  // from 1, as on the command line
    for (const int dim : marginal.dims) numbers.push_back(dim + 1);
    file.attribute("/", "dims", numbers);
    file.attribute("/", "marginal", how);
    file.attribute("/", "noise", noise.to_string());
  };
  const auto compute = [&](const io::FieldSlab& slab) {
    const std::vector<double> points = points_of(layout, slab);
    const std::vector<double> times(points.size() / layout.axes.size(),
                                    layout.times[static_cast<std::size_t>(slab.time)]);
    inference::Inference::MarginalValues found = inference.marginal(times, points, marginal, noise);
    io::FieldValues values = {std::move(found.density), std::move(found.drift)};
    if (!exact) values.push_back(std::move(found.density_error));
    return values;
  };
  Progress progress(context.comm);
  io::write_field(output, force, context.comm, layout, describe, compute,
                  [&](double fraction) { progress(fraction); });
  print(context.comm, "wrote " + output + " and " + output + ".xdmf");
  return 0;
}

}  // namespace rhoflux::apps
