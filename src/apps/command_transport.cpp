#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <sstream>

#include "commands.hpp"
#include "common_options.hpp"
#include "model_files.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/inference/trajectories.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "rhoflux/metrics/wasserstein.hpp"

namespace rhoflux::apps {
namespace {

constexpr std::uint64_t start_stream = 2000, compare_stream = 2001;  ///< of the random draws of the model

/// Rows of a split with one time: numbers begin .. begin + count within the split.
struct Snapshot {
  std::int64_t begin = 0, count = 0;
};

/// @param[out] times the first distinct times of the split, for a message
Snapshot find_snapshot(const io::PopulationFile& file, io::Split split, double t, double window,
                       std::string* times) {
  Snapshot found;
  std::int64_t row = 0;
  int n_times = 0;
  double last = std::numeric_limits<double>::quiet_NaN();
  file.for_each_piece(split, [&](const io::PopulationRows& rows) {
    for (const double value : rows.t) {
      if (value != last && n_times < 9) {
        std::ostringstream text;
        text << (n_times == 0 ? "" : ", ");
        if (n_times < 8)
          text << value;
        else
          text << "...";
        if (times != nullptr) *times += text.str();
        ++n_times;
      }
      last = value;
      if (std::fabs(value - t) <= window) {
        if (found.count == 0) found.begin = row;
        ++found.count;
      }
      ++row;
    }
  });
  return found;
}

/// Evenly spread rows of (n, n_dims), in model units.
std::vector<double> thinned(const std::vector<double>& x, std::size_t keep, const Units& units) {
  const auto dims = static_cast<std::size_t>(units.n_dims());
  const std::size_t n = x.size() / dims;
  std::vector<double> result;
  for (std::size_t k = 0; k < keep; ++k)
    for (std::size_t i = 0; i < dims; ++i)
      result.push_back((x[k * n / keep * dims + i] - units.mean[i]) / units.scale[i]);
  return result;
}

/// What the command prints and writes as JSON.
struct Report {
  double from = 0, to = 0;
  std::string noise;
  std::int64_t count = 0;
  double displacement = 0;
  std::optional<double> energy;
  std::optional<metrics::Wasserstein> particles, samples;
  std::int64_t points = 0;
  double ks = 0;
};

std::string to_json(const Report& report) {
  std::ostringstream json;
  json.precision(12);
  json << "{\"from\": " << report.from << ", \"to\": " << report.to << ", \"noise\": \"" << report.noise
       << "\", \"count\": " << report.count << ",\n \"mean_squared_displacement\": " << report.displacement;
  if (report.energy) json << ", \"kinetic_energy\": " << *report.energy;
  json << ", \"ks\": " << report.ks;
  if (report.particles)
    json << ",\n \"w1\": " << report.particles->w1 << ", \"w2\": " << report.particles->w2
         << ", \"w1_of_samples\": " << report.samples->w1 << ", \"w2_of_samples\": " << report.samples->w2
         << ", \"points\": " << report.points;
  json << "}\n";
  return json.str();
}

void print_report(const mpi::Communicator& comm, const Report& report) {
  char line[256];
  std::snprintf(line, sizeof(line), "%lld particles from t = %g to %g, g = %s",
                static_cast<long long>(report.count), report.from, report.to, report.noise.c_str());
  print(comm, line);
  std::snprintf(line, sizeof(line), "transport cost: mean squared displacement %.6g", report.displacement);
  print(comm,
        line + (report.energy ? ", kinetic energy int E|u|^2 dt " + std::to_string(*report.energy) : ""));
  std::snprintf(line, sizeof(line),
                "against the model's marginal at t = %g: Kolmogorov-Smirnov sqrt(n) D = %.3f", report.to,
                report.ks);
  print(comm, line);
  if (!report.particles) {
    print(comm, "no data at the end time: no W1 and W2");
    return;
  }
  std::snprintf(
      line, sizeof(line),
      "against the data at t = %g (%lld points, standardised): W1 %.4f, W2 %.4f; exact samples of the "
      "model: W1 %.4f, W2 %.4f",
      report.to, static_cast<long long>(report.points), report.particles->w1, report.particles->w2,
      report.samples->w1, report.samples->w2);
  print(comm, line);
}

/// sqrt(n) D_n of the conditional distribution functions at the particles, largest over the coordinates.
double ks_of(const inference::Inference& inference, const std::vector<double>& x, double t) {
  const auto dims = static_cast<std::size_t>(inference.n_dims()), n = x.size() / dims;
  const std::vector<double> levels = inference.conditional_cdf(std::vector<double>(n, t), x);
  double largest = 0;
  for (std::size_t i = 0; i < dims; ++i) {
    std::vector<double> column;
    for (std::size_t s = 0; s < n; ++s) column.push_back(levels[s * dims + i]);
    std::sort(column.begin(), column.end());
    for (std::size_t s = 0; s < n; ++s) {
      const double below = static_cast<double>(s) / static_cast<double>(n);
      largest = std::max({largest, column[s] - below, below + 1.0 / static_cast<double>(n) - column[s]});
    }
  }
  return std::sqrt(static_cast<double>(n)) * largest;
}

/// Where the particles start, and what they are compared with.
struct Source {
  std::unique_ptr<io::PopulationFile> particles, data;
  io::Split split = io::Split::test;
  Snapshot start, end;
  std::int64_t count = 0;
};

Source open_source(const Context& context, const Arguments& arguments, const inference::Inference& inference,
                   double from, double to) {
  Source source;
  source.split = io::parse_split(arguments.text("split"));
  const bool has_particles = arguments.has("particles");
  if (has_particles == arguments.has("count")) fail_input("give either --particles FILE or --count N");
  const double exact = std::max(arguments.number("window"), 1e-9 * inference.model().units.time_span());
  const auto open = [&](const std::string& path) {
    note_input(context, path);
    auto file = std::make_unique<io::PopulationFile>(path, context.comm);
    if (file->info().n_dims != inference.n_dims())
      fail_input(path + ": /x has " + std::to_string(file->info().n_dims) + " coordinates, the model has " +
                 std::to_string(inference.n_dims()));
    return file;
  };
  if (arguments.has("count")) source.count = arguments.whole_number("count");
  if (has_particles) {
    source.particles = open(arguments.text("particles"));
    mpi::on_root(context.comm, [&] {
      std::string times;
      source.start = find_snapshot(*source.particles, source.split, from, exact, &times);
      if (source.start.count == 0)
        fail_input(source.particles->path() + ": has no particles at --from " + std::to_string(from) +
                   " in the split '" + io::to_string(source.split) + "'" +
                   (times.empty() ? ", which is empty" : "; its times are " + times) +
                   " (--split names another split, --window W takes what is within W of that time)");
    });
    context.comm.broadcast(&source.start, sizeof(source.start));
    source.count = source.start.count;
  }
  if (has_particles || arguments.has("data")) {
    source.data = open(arguments.has("data") ? arguments.text("data") : arguments.text("particles"));
    mpi::on_root(context.comm,
                 [&] { source.end = find_snapshot(*source.data, source.split, to, exact, nullptr); });
    context.comm.broadcast(&source.end, sizeof(source.end));
  }
  return source;
}

/// W1 and W2 of the transported particles, and of exact samples of the model, against the data; on the root.
void compare(const mpi::Communicator& comm, const inference::Inference& inference, const Source& source,
             const std::vector<double>& final_x, std::int64_t most, std::uint64_t seed, Report& report) {
  if (source.end.count == 0) return;
  const bool root = comm.is_root();
  const io::PopulationRows rows = source.data->read_split(source.split, root ? source.end.begin : 0,
                                                          root ? source.end.begin + source.end.count : 0);
  if (!root) return;
  const Units& units = inference.model().units;
  report.points = std::min({source.end.count, report.count, most});
  const auto n = static_cast<std::size_t>(report.points);
  std::vector<std::int64_t> index(n);
  for (std::size_t k = 0; k < n; ++k) index[k] = static_cast<std::int64_t>(k);
  const std::vector<double> data = thinned(rows.x, n, units), moved = thinned(final_x, n, units);
  const std::vector<double> exact =
      thinned(inference.sample(std::vector<double>(n, report.to), index, seed, compare_stream), n, units);
  report.particles = metrics::wasserstein(data.data(), moved.data(), static_cast<int>(n), units.n_dims());
  report.samples = metrics::wasserstein(data.data(), exact.data(), static_cast<int>(n), units.n_dims());
}

inference::TrajectoryOptions moving_options(const Arguments& arguments, double from, double to) {
  inference::TrajectoryOptions options;
  const int n_frames = static_cast<int>(arguments.whole_number("frames"));
  for (int k = 0; k < n_frames; ++k) options.frames.push_back(from + (to - from) * k / (n_frames - 1));
  options.steps = static_cast<int>(arguments.whole_number("steps"));
  options.ode.relative_tolerance = arguments.number("tolerance");
  options.ode.absolute_tolerance = 0.1 * options.ode.relative_tolerance;
  options.scheme = arguments.choice<transport::SdeScheme>("scheme");
  options.seed = arguments.seed();
  return options;
}

}  // namespace

Arguments transport_arguments() {
  Arguments arguments(
      "transport",
      "Transports particles with the drift of the model, from data or from fresh samples of the model, "
      "forwards or backwards in time: by the ODE dX = u dt for g = 0, by the SDE dX = u dt + g dW otherwise, "
      "with the drift u that goes with that g, so that the marginals are those of the model for any g.\n"
      "Output (HDF5): /t (S), /x (S, N, D), in the units of the data.",
      "(--particles FILE | --count N)");
  add_checkpoint(arguments);
  arguments.required("from", number("T"), "time of the start")
      .required("to", number("T"), "time of the end")
      .optional("particles", file_name(), "population file; its rows at the start time are transported")
      .optional("count", whole_number(1), "transport this many fresh samples of the model instead");
  add_split(arguments);
  arguments
      .defaulted("window", number("W", 0), "0",
                 "rows within this distance of a time count as rows of that time")
      .optional("data", file_name(), "population file to compare with at the end", "that of --particles")
      .defaulted("noise", volatility(), "0",
                 "volatility g, constant or linear between knots t:g, in units of the data / sqrt(time)")
      .defaulted("steps", whole_number(1, 100000000), "500", "time steps of the SDE");
  add_scheme(arguments, "heun");
  arguments.defaulted("tolerance", number("TOL", 1e-13, 0.1), "1e-6", "relative tolerance of the ODE")
      .defaulted("frames", whole_number(2, 100000), "11", "saved times, both ends included");
  add_transport_points(arguments);
  add_seed(arguments, "samples and noise");
  arguments.optional("report", file_name(), "write the figures as JSON");
  add_output_file(arguments);
  add_force(arguments);
  return arguments;
}

int command_transport(const Context& context, const Arguments& arguments) {
  const std::string output = arguments.text("output");
  const bool force = arguments.has("force"), has_report = arguments.has("report");
  const double from = arguments.number("from"), to = arguments.number("to");
  if (from == to) fail_input("--from and --to are the same time");
  const std::int64_t most = arguments.whole_number("transport-points");
  inference::TrajectoryOptions options = moving_options(arguments, from, to);
  const checkpoint::Checkpoint checkpoint = load_checkpoint(context, arguments.text("CHECKPOINT"));
  const inference::Inference inference(checkpoint);
  require_time_in_range(checkpoint.model, from, "--from");
  require_time_in_range(checkpoint.model, to, "--to");
  options.noise = noise_option(arguments, checkpoint.model);
  const Source source = open_source(context, arguments, inference, from, to);
  mpi::on_root(context.comm, [&] {
    io::require_absent(output, force);
    if (has_report) io::require_absent(arguments.text("report"), force);
  });
  const inference::TrajectoryIntegrator mover(inference, options);
  const std::int64_t n_dims = inference.n_dims(), n_frames = static_cast<std::int64_t>(options.frames.size());
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> x;
    if (source.particles) {
      x = source.particles->read_split(source.split, source.start.begin + begin, source.start.begin + end).x;
    } else {
      std::vector<std::int64_t> index;
      for (std::int64_t k = begin; k < end; ++k) index.push_back(k);
      x = inference.sample(std::vector<double>(index.size(), from), index, options.seed, start_stream);
    }
    const inference::Trajectories paths = mover.move(x, begin);
    std::vector<double> out;
    for (std::int64_t s = 0; s < end - begin; ++s) {
      const auto row = paths.x.begin() + s * n_frames * n_dims;
      out.insert(out.end(), row, row + n_frames * n_dims);
      out.push_back(paths.energy[static_cast<std::size_t>(s)]);
    }
    return out;
  };
  Report report{from, to, options.noise.to_string(), source.count, 0, {}, {}, {}, 0, 0};
  std::vector<double> final_x;
  double energy = 0;
  const auto width = static_cast<std::size_t>(n_frames * n_dims + 1), dims = static_cast<std::size_t>(n_dims);
  write_output(context, output, force, "rhoflux transport", checkpoint, [&](io::Hdf5Writer* file) {
    if (file != nullptr) {
      file->attribute("/", "noise", options.noise.to_string());
      file->attribute(
          "/", "method",
          options.noise.is_zero() ? "ODE, Dormand-Prince 5(4)" : "SDE, " + arguments.text("scheme"));
      file->write("t", options.frames, {n_frames});
      file->create_dataset<double>("x", {n_frames, source.count, n_dims});
    }
    in_pieces(context.comm, source.count, compute, [&](std::int64_t first, const std::vector<double>& rows) {
      const std::size_t n = rows.size() / width;
      for (std::int64_t frame = 0; frame < n_frames; ++frame) {
        std::vector<double> slab;
        for (std::size_t s = 0; s < n; ++s)
          for (std::size_t i = 0; i < dims; ++i)
            slab.push_back(rows[s * width + static_cast<std::size_t>(frame) * dims + i]);
        file->write_slab("x", {frame, first, 0}, {1, static_cast<std::int64_t>(n), n_dims}, slab);
        if (frame + 1 == n_frames) final_x.insert(final_x.end(), slab.begin(), slab.end());
      }
      for (std::size_t s = 0; s < n; ++s) {
        energy += rows[(s + 1) * width - 1];
        for (std::size_t i = 0; i < dims; ++i)
          report.displacement += std::pow(rows[(s + 1) * width - 1 - dims + i] - rows[s * width + i], 2);
      }
    });
  });
  const auto count = static_cast<double>(source.count);
  report.displacement /= count;
  if (options.noise.is_zero()) report.energy = energy / count;
  compare(context.comm, inference, source, final_x, most, options.seed, report);
  if (context.comm.is_root()) {
    report.ks = ks_of(inference, final_x, to);
    print_report(context.comm, report);
  }
  if (has_report) write_json(context, arguments.text("report"), force, to_json(report));
  return 0;
}

}  // namespace rhoflux::apps
