#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <set>
#include <sstream>

#include "arguments.hpp"
#include "model_files.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/io/field_file.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::apps {
namespace {

std::vector<std::string> items_of(const std::string& text) {
  std::vector<std::string> items;
  std::stringstream list(text);
  for (std::string item; std::getline(list, item, ',');) items.push_back(item);
  return items;
}

/// A whole number written out in full.
std::int64_t parse_count(const std::string& text, const std::string& option, std::int64_t most) {
  std::int64_t value = 0;
  const bool digits =
      !text.empty() && text.size() < 12 && text.find_first_not_of("0123456789") == std::string::npos;
  if (digits) value = std::stoll(text);
  if (!digits || value < 1 || value > most)
    fail_input(option + ": '" + text + "' must be a whole number from 1 to " + std::to_string(most));
  return value;
}

double parse_bound(const std::string& text, const std::string& option) {
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = text.size() + 1;
  }
  if (used != text.size() || text.empty() || !std::isfinite(value))
    fail_input(option + ": '" + text +
               "' is not a finite number; give lo:hi for each axis, separated by commas");
  return value;
}

/// Coordinates of the axes, from 0: --dims, or the first ones.
std::vector<int> parse_dims(const Arguments& arguments, std::size_t n_axes, int n_dims) {
  std::vector<int> dims;
  if (arguments.has("dims"))
    for (const std::string& item : items_of(arguments.text("dims")))
      dims.push_back(static_cast<int>(parse_count(item, "--dims", n_dims)) - 1);
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

struct Interval {
  double low, high;
};

/// --bounds, or what holds all but 1/500 of the samples of the model at all times, and a margin.
std::vector<Interval> find_bounds(const Arguments& arguments, const inference::Inference& inference,
                                  const std::vector<int>& dims, std::uint64_t seed) {
  std::vector<Interval> bounds;
  if (arguments.has("bounds")) {
    for (const std::string& item : items_of(arguments.text("bounds"))) {
      const std::size_t colon = item.find(':');
      const Interval bound = {
          parse_bound(item.substr(0, colon), "--bounds"),
          parse_bound(colon == std::string::npos ? "" : item.substr(colon + 1), "--bounds")};
      if (!(bound.low < bound.high))
        fail_input("--bounds: '" + item + "' must be lo:hi with lo less than hi");
      bounds.push_back(bound);
    }
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

int command_field(const Context& context) {
  Arguments arguments(
      "rhoflux field CHECKPOINT --times a:b:n --grid 256,256 [--bounds lo:hi,lo:hi] [--dims 1,2] --output "
      "FILE",
      "Density and drift on a grid over time. Output (HDF5): /time (T), /axis_1 (n1) .., /density (T, n1 "
      "..),\n"
      "/velocity (T, n1 .., d) = drift of dX = u dt + G dW; FILE.xdmf beside it opens in ParaView and VisIt. "
      "The\n"
      "coordinates that are no axes are integrated out: exactly for the first ones (1; 1,2; ..), else by "
      "Monte\n"
      "Carlo, which the file says (attribute marginal, dataset /density_error).",
      {"CHECKPOINT"});
  arguments.add()("times", po::value<std::string>(), "a list 0,0.5,1 or first:last:count")(
      "grid", po::value<std::string>(), "grid points along each axis, 1 to 3 of them")(
      "dims", po::value<std::string>(), "coordinates of the axes, from 1; default: the first ones")(
      "bounds", po::value<std::string>(), "lo:hi of each axis; default: where the samples of the model are")(
      "noise", po::value<std::string>(),
      "volatility G that the drift is for, or t:G pairs with commas; default: flux.noise of the deck")(
      "marginal-samples", po::value<std::int64_t>()->default_value(64),
      "Monte Carlo draws at each grid point")("seed", po::value<std::int64_t>()->default_value(1),
                                              "seed of the draws and the bounds")(
      "output", po::value<std::string>(), "file to write")("force", "overwrite existing files");
  if (!arguments.parse(context)) return 0;
  const std::string output = arguments.required("output"), grid = arguments.required("grid");
  const bool force = arguments.has("force");
  io::FieldLayout layout;
  layout.times = parse_times(arguments.required("times"));
  const checkpoint::Checkpoint checkpoint = load_checkpoint(context, arguments.text("CHECKPOINT"));
  const inference::Inference inference(checkpoint);
  for (const double t : layout.times) require_time_in_range(checkpoint.model, t, "--times");
  const flux::Volatility noise = noise_option(arguments, checkpoint.model);
  const std::uint64_t seed = arguments.count("seed");
  inference::Inference::Marginal marginal;
  const std::vector<std::string> counts = items_of(grid);
  marginal.dims = parse_dims(arguments, counts.size(), inference.n_dims());
  marginal.samples = static_cast<int>(parse_count(
      std::to_string(arguments.get<std::int64_t>("marginal-samples")), "--marginal-samples", 1000000));
  marginal.seed = seed;
  if (counts.size() != marginal.dims.size())
    fail_input("--grid " + grid + ": has " + std::to_string(counts.size()) + " axes, --dims names " +
               std::to_string(marginal.dims.size()));
  const std::vector<Interval> bounds = find_bounds(arguments, inference, marginal.dims, seed);
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const std::int64_t n = parse_count(counts[k], "--grid", 1000000);
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
