#include <cmath>
#include <cstdio>
#include <fstream>

#include "commands.hpp"
#include "common_options.hpp"
#include "model_files.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::apps {

Arguments sample_arguments() {
  Arguments arguments("sample",
                      "Draws exact, independent samples of the model's density at given times.\n"
                      "Output (HDF5): /t (T), /x (T, N, D), in the units of the data.");
  add_checkpoint(arguments);
  arguments.required("times", times(), "times of the samples")
      .defaulted("count", whole_number(1), "1000", "number of samples at each time");
  add_seed(arguments, "the samples");
  add_output_file(arguments);
  add_force(arguments);
  return arguments;
}

int command_sample(const Context& context, const Arguments& arguments) {
  const std::string output = arguments.text("output");
  const std::vector<double> times = arguments.times("times");
  const std::int64_t count = arguments.whole_number("count");
  const std::uint64_t seed = arguments.seed();
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

Arguments query_arguments() {
  Arguments arguments(
      "query",
      "Evaluates the model at given points. Input (HDF5): /t (N), /x (N, D). Output: the same, and\n"
      "/log_density (N), /velocity (N, D) = drift u of dX = u dt + g dW, /flux (N, D) = probability flux j, "
      "/score (N, D) = d log_density / dx, /dlogdensity_dt (N); units of the data. With g = 0, velocity = "
      "flux / density.");
  add_checkpoint(arguments);
  arguments.required("points", file_name(), "file with the points, /t and /x");
  add_noise(arguments);
  add_output_file(arguments);
  add_force(arguments);
  return arguments;
}

int command_query(const Context& context, const Arguments& arguments) {
  const std::string output = arguments.text("output"), points = arguments.text("points");
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
