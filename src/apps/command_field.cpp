#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <set>

#include "commands.hpp"
#include "common_options.hpp"
#include "model_conditions.hpp"
#include "model_files.hpp"
#include "not_finite.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/inference/field_grid.hpp"
#include "rhoflux/io/field_file.hpp"

namespace rhoflux::apps {
namespace {

/// Coordinates of the axes, from 0: --dims, or the first ones.
std::vector<int> parse_dims(const Arguments& arguments, std::size_t n_axes, int n_dims) {
  std::vector<int> dims;
  if (arguments.has("dims"))
    for (const std::int64_t dim : arguments.whole_numbers("dims")) {
      if (dim > n_dims)
        fail_input("--dims " + arguments.text("dims") + ": the model has " + counted(n_dims, "coordinate"));
      dims.push_back(static_cast<int>(dim) - 1);
    }
  else
    for (std::size_t k = 0; k < n_axes; ++k) dims.push_back(static_cast<int>(k));
  if (std::set<int>(dims.begin(), dims.end()).size() != dims.size())
    fail_input("--dims " + arguments.text("dims") + ": a coordinate is named twice");
  if (dims.size() > 3 || dims.empty())
    fail_input("a field has 1 to 3 axes, " + std::to_string(dims.size()) + " are asked for");
  if (dims.size() > static_cast<std::size_t>(n_dims))
    fail_input("--grid " + arguments.text("grid") + ": has " + counted(dims.size(), "axis", "axes") +
               ", the model has " + counted(n_dims, "coordinate"));
  return dims;
}

/// --bounds, or what holds nearly all of the model samples.
std::vector<metrics::Interval> find_bounds(const Arguments& arguments, const inference::Inference& inference,
                                           const std::vector<int>& dims, std::uint64_t seed) {
  if (!arguments.has("bounds")) return inference::bounds_of_samples(inference, dims, seed);
  const std::vector<metrics::Interval> bounds = arguments.intervals("bounds");
  if (bounds.size() != dims.size())
    fail_input("--bounds " + arguments.text("bounds") + ": has " + counted(bounds.size(), "interval") +
               ", the grid has " + counted(dims.size(), "axis", "axes"));
  return bounds;
}

std::string gigabytes(double bytes) {
  return formatted("%.3g GiB", bytes / 1073741824.0);
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
    fail_input("--grid: one row of axis 1 has " + counted(static_cast<long long>(row), "point") +
               ", which takes " + gigabytes(needed) + " on " + counted(ranks, "rank") +
               "; half of the memory here is " + gigabytes(0.5 * memory) +
               "; make the first axis long and the others short");
}

/// A line at each tenth, on the root.
class Progress {
 public:
  explicit Progress(const mpi::Communicator& comm)
      : m_comm(comm), m_start(std::chrono::steady_clock::now()) {}
  void operator()(double fraction) {
    if (fraction < m_next) return;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count();
    print(m_comm, formatted("%3.0f", 100 * fraction) + " %  after " + formatted("%.1f", seconds) + " s, " +
                      formatted("%.1f", seconds * (1 - fraction) / fraction) + " s to go");
    while (m_next <= fraction) m_next += 0.1;
  }

 private:
  const mpi::Communicator& m_comm;
  std::chrono::steady_clock::time_point m_start;
  double m_next = 0.1;
};

/// What a field is of.
struct FieldRequest {
  io::FieldLayout layout;
  inference::Inference::Marginal marginal;
  flux::Volatility volatility;
  std::string grid;  ///< as it was given
};

/// Whether there is a growth rate: where there is motion, of a population that changes its size.
bool has_growth(const inference::Inference& inference) {
  return has_motion(inference.model()) && inference.grows();
}

FieldRequest parse_request(const Arguments& arguments, const inference::Inference& inference) {
  const checkpoint::ModelDescription& model = inference.model();
  FieldRequest request;
  request.grid = arguments.text("grid");
  request.layout.times = arguments.times("times", model.origin.time);
  for (const double t : request.layout.times) require_time_in_range(model, t, "--times");
  request.volatility = volatility_option(arguments, model);
  const std::uint64_t seed = arguments.seed();
  const std::vector<std::int64_t> counts = arguments.whole_numbers("grid");
  inference::Inference::Marginal& marginal = request.marginal;
  marginal.dims = parse_dims(arguments, counts.size(), inference.n_dims());
  marginal.samples = static_cast<int>(arguments.whole_number("marginal-samples"));
  marginal.seed = seed;
  if (counts.size() != marginal.dims.size())
    fail_input("--grid " + request.grid + ": has " + counted(counts.size(), "axis", "axes") +
               ", --dims names " + std::to_string(marginal.dims.size()));
  const std::vector<metrics::Interval> bounds = find_bounds(arguments, inference, marginal.dims, seed);
  for (std::size_t k = 0; k < counts.size(); ++k)
    request.layout.axes.push_back({model.dim_names[static_cast<std::size_t>(marginal.dims[k])],
                                   inference::even_points(bounds[k], counts[k])});
  request.layout.arrays = {{"density", 0}};
  if (has_motion(model))
    request.layout.arrays.push_back({"velocity", static_cast<int>(marginal.dims.size())});
  if (has_growth(inference)) {
    request.layout.arrays.push_back({"growth", 0});
    request.layout.series.push_back({"mass", inference.mass(request.layout.times)});
  }
  if (!inference.is_exact(marginal)) request.layout.arrays.push_back({"density_error", 0});
  return request;
}

/// How the coordinates that are no axes are integrated out, for the file and the log.
std::string method_of(const inference::Inference& inference, const inference::Inference::Marginal& marginal) {
  if (static_cast<int>(marginal.dims.size()) == inference.n_dims()) return "none";
  if (inference.is_exact(marginal)) return "exact";
  return "Monte Carlo, " + counted(marginal.samples, "sample");
}

/// Number of the first grid point of a slab, counted over all times.
std::int64_t first_point(const io::FieldLayout& layout, const io::FieldSlab& slab) {
  std::int64_t row =
      slab.time * static_cast<std::int64_t>(layout.axes.front().values.size()) + slab.row_begin;
  for (std::size_t k = 1; k < layout.axes.size(); ++k)
    row *= static_cast<std::int64_t>(layout.axes[k].values.size());
  return row;
}

/// Where the grid point of that number is.
std::string place_of_point(const TimeMeaning& meaning, const io::FieldLayout& layout, std::int64_t point) {
  std::vector<double> x(layout.axes.size());
  for (std::size_t k = layout.axes.size(); k-- > 0;) {
    const auto size = static_cast<std::int64_t>(layout.axes[k].values.size());
    x[k] = layout.axes[k].values[static_cast<std::size_t>(point % size)];
    point /= size;
  }
  return text_of_point(meaning, layout.times[static_cast<std::size_t>(point)], x);
}

/// Points of the grid over all times.
std::int64_t point_count(const io::FieldLayout& layout) {
  return first_point(layout, {static_cast<std::int64_t>(layout.times.size()), 0, 0});
}

io::FieldValues compute_slab(const inference::Inference& inference, const FieldRequest& request,
                             const io::FieldSlab& slab) {
  const std::vector<double> points = inference::points_of(request.layout, slab);
  const std::vector<double> times(points.size() / request.layout.axes.size(),
                                  request.layout.times[static_cast<std::size_t>(slab.time)]);
  inference::Inference::MarginalValues found =
      inference.marginal(times, points, request.marginal, request.volatility);
  io::FieldValues values = {std::move(found.density)};
  if (has_motion(inference.model())) values.push_back(std::move(found.drift));
  if (has_growth(inference)) values.push_back(std::move(found.growth));
  if (!inference.is_exact(request.marginal)) values.push_back(std::move(found.density_error));
  return values;
}

}  // namespace

Arguments field_arguments() {
  Arguments arguments(
      "field",
      "Density and drift on a grid over time. Output (HDF5): /time (T), /axis_1 (n1) .., /density (T, n1 "
      "..), /velocity (T, n1 .., d) = drift u of dX = u dt + g dW, with growth also /growth (T, n1 ..) = "
      "rate "
      "r, births minus deaths per unit of time, and /mass (T); FILE.xdmf beside it opens in ParaView and "
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
  add_condition(arguments, "a model with conditions needs it");
  add_noise(arguments);
  add_seed(arguments, "the Monte Carlo samples and the bounds");
  add_output_file(arguments);
  add_force(arguments);
  return arguments;
}

int command_field(const Context& context, const Arguments& arguments) {
  const OutputFile output = {arguments.text("output"), arguments.has("force")};
  const checkpoint::Checkpoint checkpoint = load_checkpoint(context, arguments.text("CHECKPOINT"));
  const inference::Inference inference(checkpoint);
  const std::vector<double> condition = required_condition(context, arguments, checkpoint.model);
  const inference::ConditionScope scope(inference, condition);
  const FieldRequest request = parse_request(arguments, inference);
  mpi::on_root(context.comm, [&] {
    require_absent(output);
    require_absent({output.path + ".xdmf", output.overwrite});
    require_room(request.layout, output.path, context.comm.size());
  });
  const std::string method = method_of(inference, request.marginal);
  if (!has_motion(checkpoint.model))
    print(context.comm, "all rows that the model was trained on have one time: there is no velocity");
  print(context.comm, "field of " + counted(request.layout.times.size(), "time") + " x " + request.grid +
                          " grid points; coordinates integrated out: " + method);
  const auto describe = [&](io::Hdf5Writer& file) {
    annotate(context, file, "rhoflux field", checkpoint);
    std::vector<double> numbers;  // from 1, as on the command line
    for (const int dim : request.marginal.dims) numbers.push_back(dim + 1);
    file.attribute("/", "dims", numbers);
    file.attribute("/", "marginal", method);
    file.attribute("/", "noise", request.volatility.to_string());
    write_condition(file, checkpoint.model, condition);
  };
  Progress progress(context.comm);
  std::vector<std::string> names;
  for (const io::FieldArray& array : request.layout.arrays) names.push_back(array.name);
  NotFinite not_finite(names);
  const auto compute = [&](const io::FieldSlab& slab) {
    io::FieldValues values = compute_slab(inference, request, slab);
    for (std::size_t k = 0; k < values.size(); ++k)
      not_finite.add(k, first_point(request.layout, slab),
                     static_cast<std::size_t>(request.layout.arrays[k].n_components), values[k]);
    return values;
  };
  io::write_field(output.path, output.overwrite, context.comm, request.layout, describe, compute,
                  [&](double fraction) { progress(fraction); });
  not_finite.add_up(context.comm);
  not_finite.print(context.comm, point_count(request.layout), [&](std::int64_t point) {
    return place_of_point(inference.model().origin.time, request.layout, point);
  });
  print(context.comm, "wrote " + output.path + " and " + output.path + ".xdmf");
  return 0;
}

}  // namespace rhoflux::apps
