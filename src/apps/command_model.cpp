#include <cmath>
#include <cstdio>
#include <fstream>

#include "arguments.hpp"
#include "model_files.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::apps {

int command_sample(const Context& context) {
  Arguments arguments(
      "rhoflux sample CHECKPOINT --times 0,0.5,1 --count N --output FILE [--seed S] [--force]",
      "Draws exact, independent samples of the model's density at given times.\n"
      "Output (HDF5): /t (T), /x (T, N, D), in the units of the data.",
      {"CHECKPOINT"});
  arguments.add()("times", po::value<std::string>(), "a list 0,0.5,1 or first:last:count")(
      "count", po::value<std::int64_t>()->default_value(1000), "samples at each time")(
      "seed", po::value<std::int64_t>()->default_value(1), "seed of the random numbers")(
      "output", po::value<std::string>(), "file to write")("force", "overwrite an existing file");
  if (!arguments.parse(context)) return 0;
  const std::string output = arguments.required("output");
  const std::vector<double> times = parse_times(arguments.required("times"));
  const auto count = arguments.get<std::int64_t>("count");
  const auto seed = arguments.count("seed");
  if (count < 1) fail_input("--count " + std::to_string(count) + ": must be at least 1");
  const checkpoint::Checkpoint checkpoint = load_checkpoint(context, arguments.text("CHECKPOINT"));
  const inference::Inference inference(checkpoint);
  for (const double t : times) require_time_in_range(checkpoint.model, t, "--times");
  mpi::on_root(context.comm, [&] { io::require_absent(output, arguments.has("force")); });
  const std::int64_t n_dims = inference.n_dims(), n_times = static_cast<std::int64_t>(times.size());
  write_output(
      context, output, arguments.has("force"), "rhoflux samples", checkpoint, [&](io::Hdf5Writer* file) {
        if (file != nullptr) {
          file->write("t", times, {n_times});
          file->create_dataset<double>("x", {n_times, count, n_dims});
        }
        for (std::int64_t k = 0; k < n_times; ++k) {
          const auto draw = [&](std::int64_t begin, std::int64_t end) {
            const auto n = static_cast<std::size_t>(end - begin);
            std::vector<std::int64_t> index(n);
            for (std::size_t s = 0; s < n; ++s) index[s] = begin + static_cast<std::int64_t>(s);
            return inference.sample(std::vector<double>(n, times[static_cast<std::size_t>(k)]), index, seed,
                                    static_cast<std::uint64_t>(k));
          };
          in_pieces(context.comm, count, draw, [&](std::int64_t first, const std::vector<double>& values) {
            file->write_slab("x", {k, first, 0},
                             {1, static_cast<std::int64_t>(values.size()) / n_dims, n_dims}, values);
          });
        }
      });
  return 0;
}

int command_query(const Context& context) {
  Arguments arguments(
      "rhoflux query CHECKPOINT --points FILE --output FILE [--noise G] [--force]",
      "Evaluates the model at given points. Input (HDF5): /t (N), /x (N, D). Output: the same, and\n"
      "/log_density (N), /velocity (N, D) = drift u of dX = u dt + G dW, /flux (N, D) = probability flux j,\n"
      "/score (N, D) = d log_density / dx, /dlogdensity_dt (N); units of the data. With G = 0,\n"
      "velocity = flux / density.",
      {"CHECKPOINT"});
  arguments.add()("points", po::value<std::string>(), "file with the points")(
      "noise", po::value<std::string>(),
      "volatility G that the drift is for, or t:G pairs with commas; default: flux.noise of the deck")(
      "output", po::value<std::string>(), "file to write")("force", "overwrite an existing file");
  if (!arguments.parse(context)) return 0;
  const std::string output = arguments.required("output"), points = arguments.required("points");
  const checkpoint::Checkpoint checkpoint = load_checkpoint(context, arguments.text("CHECKPOINT"));
  const inference::Inference inference(checkpoint);
  const std::int64_t n_dims = inference.n_dims();
  std::int64_t count = 0;
  note_input(context, points);
  mpi::on_root(context.comm, [&] {
    io::require_absent(output, arguments.has("force"));
    const io::Hdf5Reader file(points);
    const io::Shape shape = file.shape("t");
    if (shape.size() != 1 || shape[0] < 1)
      fail_input(points + ": /t has shape " + io::to_string(shape) + "; it must be (N), N >= 1");
    count = shape[0];
    if (file.shape("x") != io::Shape{count, n_dims})
      fail_input(points + ": /x has shape " + io::to_string(file.shape("x")) +
                 "; with this /t and this model it must be " + io::to_string({count, n_dims}));
    for (std::int64_t first = 0; first < count; first += piece_points) {
      const std::int64_t n = std::min(piece_points, count - first);
      const auto t = file.read_slab<double>("t", {first}, {n});
      const auto x = file.read_slab<double>("x", {first, 0}, {n, n_dims});
      for (std::size_t s = 0; s < t.size(); ++s) {
        const std::string where = points + ": row " + std::to_string(first + static_cast<std::int64_t>(s));
        require_time_in_range(checkpoint.model, t[s], where);
        for (std::int64_t i = 0; i < n_dims; ++i)
          if (!std::isfinite(x[s * static_cast<std::size_t>(n_dims) + static_cast<std::size_t>(i)]))
            fail_input(where + " of /x is not finite");
      }
    }
  });
  context.comm.broadcast(&count, sizeof(count));
  const io::Hdf5Reader file(points);
  const flux::Volatility noise = noise_option(arguments, checkpoint.model);
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> out;
    if (end == begin) return out;
    const auto t = file.read_slab<double>("t", {begin}, {end - begin});
    const auto x = file.read_slab<double>("x", {begin, 0}, {end - begin, n_dims});
    const inference::Inference::Derivatives found = inference.derivatives(t, x);
    const inference::Inference::DynamicsValues motion = inference.motion(t, x, noise);
    for (std::size_t s = 0; s < t.size(); ++s) {
      const auto row = static_cast<std::ptrdiff_t>(s) * n_dims;
      out.push_back(t[s]);
      out.insert(out.end(), x.begin() + row, x.begin() + row + n_dims);
      out.push_back(found.log_density[s]);
      out.insert(out.end(), motion.drift.begin() + row, motion.drift.begin() + row + n_dims);
      for (std::int64_t i = 0; i < n_dims; ++i)
        out.push_back(std::exp(found.log_density[s]) * motion.velocity[static_cast<std::size_t>(row + i)]);
      out.insert(out.end(), found.score.begin() + row, found.score.begin() + row + n_dims);
      out.push_back(found.dlog_density_dt[s]);
    }
    return out;
  };
  struct Field {
    const char* name;
    bool is_vector;
    std::int64_t first, columns;
  };
  std::vector<Field> fields = {{"t", false, 0, 1},
                               {"x", true, 0, n_dims},
                               {"log_density", false, 0, 1},
                               {"velocity", true, 0, n_dims},
                               {"flux", true, 0, n_dims},
                               {"score", true, 0, n_dims},
                               {"dlogdensity_dt", false, 0, 1}};
  std::int64_t width = 0;
  for (Field& field : fields) {
    field.first = width;
    width += field.columns;
  }
  write_output(
      context, output, arguments.has("force"), "rhoflux query", checkpoint, [&](io::Hdf5Writer* out) {
        if (out != nullptr) {
          out->attribute("/", "noise", noise.to_string());
          for (const Field& field : fields)
            out->create_dataset<double>(field.name,
                                        field.is_vector ? io::Shape{count, n_dims} : io::Shape{count});
        }
        in_pieces(context.comm, count, compute, [&](std::int64_t first, const std::vector<double>& rows) {
          for (const Field& field : fields) {
            std::vector<double> values;
            for (std::size_t row = 0; row < rows.size(); row += static_cast<std::size_t>(width))
              for (std::int64_t k = 0; k < field.columns; ++k)
                values.push_back(rows[row + static_cast<std::size_t>(field.first + k)]);
            out->write_rows(field.name, first, values);
          }
        });
      });
  return 0;
}

}  // namespace rhoflux::apps
