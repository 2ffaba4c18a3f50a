#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "commands.hpp"
#include "common_options.hpp"
#include "model_conditions.hpp"
#include "model_files.hpp"
#include "not_finite.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/math.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "spread.hpp"

namespace rhoflux::apps {

Arguments sample_arguments() {
  Arguments arguments(
      "sample",
      "Draws exact, independent samples of the model's density at given times.\n"
      "Output (HDF5): /t (T), /x (T, N, D), in the units of the data; with growth also /mass (T) = "
      "M(t), 1 at the first time of the model.");
  add_checkpoint(arguments);
  arguments.required("times", times(), "times of the samples")
      .defaulted("count", whole_number(1), "1000", "number of samples at each time");
  add_condition(arguments, "a model with conditions needs it");
  add_seed(arguments, "the samples");
  add_output_file(arguments);
  add_force(arguments);
  return arguments;
}

int command_sample(const Context& context, const Arguments& arguments) {
  const OutputFile output = {arguments.text("output"), arguments.has("force")};
  const std::int64_t count = arguments.whole_number("count");
  const std::uint64_t seed = arguments.seed();
  const checkpoint::Checkpoint checkpoint = load_checkpoint(context, arguments.text("CHECKPOINT"));
  const inference::Inference inference(checkpoint);
  const std::vector<double> times = arguments.times("times", checkpoint.model.origin.time);
  for (const double t : times) require_time_in_range(checkpoint.model, t, "--times");
  const std::vector<double> condition = required_condition(context, arguments, checkpoint.model);
  const inference::ConditionScope scope(inference, condition);
  mpi::on_root(context.comm, [&] { require_absent(output); });
  const std::int64_t n_dims = inference.n_dims(), n_times = static_cast<std::int64_t>(times.size());
  write_output(context, output, "rhoflux samples", checkpoint, [&](io::Hdf5Writer* file) {
    if (file != nullptr) {
      write_condition(*file, checkpoint.model, condition);
      file->write("t", times, {n_times});
      file->create_dataset<double>("x", {n_times, count, n_dims});
      write_numbered_scale(*file, "sample", count);
      file->write_strings("coordinate", checkpoint.model.dim_names);
      file->set_scale("x", 0, "t");
      file->set_scale("x", 1, "sample");
      file->set_scale("x", 2, "coordinate");
      if (inference.grows()) {
        file->write("mass", inference.mass(times), {n_times});
        file->set_scale("mass", 0, "t");
      }
    }
    for (std::int64_t k = 0; k < n_times; ++k) {
      const auto draw = [&](std::int64_t begin, std::int64_t end) {
        return inference.sample_at(times[static_cast<std::size_t>(k)], begin, end, seed,
                                   static_cast<std::uint64_t>(k));
      };
      in_pieces(context.comm, count, draw, [&](std::int64_t first, const std::vector<double>& values) {
        file->write_slab("x", {k, first, 0}, {1, static_cast<std::int64_t>(values.size()) / n_dims, n_dims},
                         values);
      });
    }
  });
  return 0;
}

namespace {

/// The points of a query.
struct PointsOfQuery {
  std::int64_t count = 0;
  std::int64_t n_columns = 0;        ///< of /x
  std::vector<std::size_t> columns;  ///< of these the coordinates of the model; empty: all as they stand

  std::vector<double> read_x(const io::Hdf5Reader& file, std::int64_t first, std::int64_t n) const {
    return chosen_columns(file.read_slab<double>("x", {first, 0}, {n, n_columns}), columns,
                          static_cast<std::size_t>(n_columns));
  }
};

/// The columns by the names that the file gives them, if it does.
std::vector<std::size_t> columns_of_points(const io::Hdf5Reader& file,
                                           const checkpoint::ModelDescription& model,
                                           std::int64_t n_columns) {
  std::vector<std::string> names = numbered_names(static_cast<int>(n_columns));
  if (file.has_attribute("/", "dim_names")) names = file.attribute_strings("/", "dim_names");
  if (static_cast<std::int64_t>(names.size()) != n_columns)
    fail_input(file.path() + ", attribute 'dim_names': expected " + counted(n_columns, "name") + ", found " +
               std::to_string(names.size()));
  try {
    return columns_of(model.dim_names, names, coordinate_rule(model));
  } catch (const Error& error) {
    fail_input(file.path() + ": " + error.what());
  }
}

/// Checks the points of a query, reading the file in pieces on the calling rank.
/// Throws Error (bad input) naming what is wrong.
PointsOfQuery check_points(const std::string& path, const checkpoint::ModelDescription& model) {
  const std::int64_t n_dims = model.units.n_dims();
  const io::Hdf5Reader file(path);
  const io::Shape shape = file.shape("t");
  if (shape.size() != 1 || shape[0] < 1)
    fail_input(path + ": /t has shape " + io::to_string(shape) + "; it must be (N), N >= 1");
  PointsOfQuery points = {shape[0], n_dims, {}};
  const std::int64_t count = points.count;
  const io::Shape of_x = file.shape("x");
  if (of_x.size() == 2 && of_x[0] == count) {
    points.n_columns = of_x[1];
    points.columns = columns_of_points(file, model, of_x[1]);
  }
  if (points.columns.empty() && of_x != io::Shape{count, n_dims})
    fail_input(path + ": /x has shape " + io::to_string(file.shape("x")) +
               "; with this /t and this model it must be " + io::to_string({count, n_dims}));
  for (std::int64_t first = 0; first < count; first += piece_points) {
    const std::int64_t n = std::min(piece_points, count - first);
    const auto t = file.read_slab<double>("t", {first}, {n});
    const std::vector<double> x = points.read_x(file, first, n);
    for (std::size_t s = 0; s < t.size(); ++s) {
      const std::string where = path + ": row " + std::to_string(first + static_cast<std::int64_t>(s));
      require_time_in_range(model, t[s], where);
      for (std::int64_t i = 0; i < n_dims; ++i)
        if (!std::isfinite(x[s * static_cast<std::size_t>(n_dims) + static_cast<std::size_t>(i)]))
          fail_input(where + " of /x is not finite");
    }
  }
  return points;
}

/// An array of the output of a query, and its place in the numbers of one point.
struct Column {
  std::string name;
  io::Shape shape;            ///< (N) or (N, D)
  std::int64_t first, size;   ///< in the numbers of one point
  bool is_of_motion = false;  ///< not known to a model of one time
};

std::vector<Column> query_columns(const inference::Inference& inference, std::int64_t count) {
  const std::int64_t n_dims = inference.n_dims();
  std::vector<Column> columns;
  std::int64_t first = 0;
  const auto add_scalar = [&](const char* name) {
    columns.push_back({name, {count}, first, 1});
    first += 1;
  };
  const auto add_vector = [&](const char* name) {
    columns.push_back({name, {count, n_dims}, first, n_dims});
    first += n_dims;
  };
  add_scalar("t");
  add_vector("x");
  add_scalar("log_density");
  add_vector("velocity");
  add_vector("flux");
  add_vector("score");
  add_scalar("dlogdensity_dt");
  if (inference.grows()) add_scalar("growth");
  if (inference.n_members() > 1) {
    add_scalar("log_density_spread");
    add_vector("velocity_spread");
    if (inference.grows()) add_scalar("growth_spread");
  }
  const std::vector<std::string> of_motion = {"velocity",        "flux",         "dlogdensity_dt", "growth",
                                              "velocity_spread", "growth_spread"};
  for (Column& column : columns)
    column.is_of_motion = std::find(of_motion.begin(), of_motion.end(), column.name) != of_motion.end();
  return columns;
}

/// j = rho v. Where rho is below the range of numbers v may be large enough for a product that is in it, and where v is
/// beyond it j is not known: NaN.
double flux_of(double log_density, double velocity) {
  constexpr double low = -700;  // of the log of a number, with some room
  if (!std::isfinite(velocity)) return std::numeric_limits<double>::quiet_NaN();
  return log_density > low ? std::exp(log_density) * velocity : math::scaled_by_exp(velocity, log_density);
}

/// The numbers of each point, in the order of query_columns().
std::vector<double> query_points(const inference::Inference& inference, const std::vector<double>& t,
                                 const std::vector<double>& x, const flux::Volatility& volatility) {
  const std::ptrdiff_t n_dims = inference.n_dims();
  const inference::Inference::Derivatives found = inference.derivatives(t, x);
  const inference::Inference::DynamicsValues values = inference.dynamics_at(t, x, volatility);
  inference::Inference::Spread spread;
  const bool has_spread = inference.n_members() > 1;
  if (has_spread) spread = inference.spread_of_members(t, x, volatility);
  std::vector<double> out;
  for (std::size_t s = 0; s < t.size(); ++s) {
    const auto row = static_cast<std::ptrdiff_t>(s) * n_dims;
    const auto add_row = [&](const std::vector<double>& of) {
      out.insert(out.end(), of.begin() + row, of.begin() + row + n_dims);
    };
    out.push_back(t[s]);
    add_row(x);
    out.push_back(found.log_density[s]);
    add_row(values.drift);
    for (std::ptrdiff_t i = 0; i < n_dims; ++i)
      out.push_back(flux_of(found.log_density[s], values.velocity[static_cast<std::size_t>(row + i)]));
    add_row(found.score);
    out.push_back(found.dlog_density_dt[s]);
    if (inference.grows()) out.push_back(values.growth[s]);
    if (!has_spread) continue;
    out.push_back(spread.log_density[s]);
    add_row(spread.drift);
    if (inference.grows()) out.push_back(spread.growth[s]);
  }
  return out;
}

void create_columns(io::Hdf5Writer& out, const std::vector<Column>& columns, std::int64_t count,
                    const checkpoint::Checkpoint& checkpoint) {
  write_numbered_scale(out, "point", count);
  out.write_strings("coordinate", checkpoint.model.dim_names);
  const std::string end = "_spread";
  std::vector<std::string> spreads;
  for (const Column& column : columns) {
    out.create_dataset<double>(column.name, column.shape);
    out.set_scale(column.name, 0, "point");
    if (column.shape.size() == 2) out.set_scale(column.name, 1, "coordinate");
    if (column.name.size() > end.size() && column.name.substr(column.name.size() - end.size()) == end)
      spreads.push_back(column.name);
  }
  write_meaning_of_spread(out, checkpoint, spreads);
}

/// The columns that the model knows: one of rows of one time has no motion.
std::vector<Column> known_columns(const Context& context, const checkpoint::ModelDescription& model,
                                  std::vector<Column> columns) {
  if (has_motion(model)) return columns;
  print(context.comm,
        "all rows that the model was trained on have one time: there is no velocity, flux or dlogdensity_dt");
  columns.erase(std::remove_if(columns.begin(), columns.end(),
                               [](const Column& column) { return column.is_of_motion; }),
                columns.end());
  return columns;
}

/// Takes /source_row and /id of the points along; without the first, the rows of the points.
void copy_row_names(const io::Hdf5Reader& points, std::int64_t count, io::Hdf5Writer& out) {
  out.create_dataset<std::int64_t>("source_row", {count});
  const bool has_id = points.exists("id") && points.shape("id") == io::Shape{count};
  const bool has_source = points.exists("source_row") && points.shape("source_row") == io::Shape{count};
  if (has_id) out.create_string_dataset("id", count);
  for (std::int64_t first = 0; first < count; first += piece_points) {
    const std::int64_t n = std::min(piece_points, count - first);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
    std::iota(rows.begin(), rows.end(), first);
    if (has_source) rows = points.read_slab<std::int64_t>("source_row", {first}, {n});
    out.write_rows("source_row", first, rows);
    if (has_id) out.write_string_rows("id", first, points.read_strings("id", first, n));
  }
  out.set_scale("source_row", 0, "point");
  if (has_id) out.set_scale("id", 0, "point");
}

/// The conditions of all points (n, n_variables), read by one rank; empty where one is given, or the model has none.
/// Warns of those that the model was not trained on. Collective.
std::vector<double> conditions_of_points(const Context& context, const io::Hdf5Reader& file,
                                         const checkpoint::ModelDescription& model,
                                         const std::vector<double>& given, std::int64_t count) {
  std::vector<double> conditions;
  if (model.conditions.is_empty() || !given.empty()) return conditions;
  mpi::on_root(context.comm, [&] {
    conditions = PointConditions(file, model, count).read(0, count);
    std::int64_t n_outside = 0;
    std::string first;
    for (std::size_t k = 0; k < conditions.size(); k += model.conditions.n_variables()) {
      const std::string outside = model.conditions.outside(&conditions[k]);
      if (!outside.empty() && n_outside++ == 0) first = outside;
    }
    if (n_outside > 0)
      print(context.comm, "warning: " + file.path() + ": " + std::to_string(n_outside) +
                              " points have conditions that the model was not trained on; " + first);
  });
  context.comm.broadcast(conditions);
  return conditions;
}

/// Rows begin .. end of numbers (count, width).
std::vector<double> part_of(const std::vector<double>& numbers, std::int64_t begin, std::int64_t end,
                            std::int64_t count) {
  const auto width = static_cast<std::ptrdiff_t>(numbers.size()) / static_cast<std::ptrdiff_t>(count);
  return {numbers.begin() + begin * width, numbers.begin() + end * width};
}

}  // namespace

Arguments query_arguments() {
  Arguments arguments(
      "query",
      "Evaluates the model at given points. Input (HDF5): /t (N), /x (N, D), and for a model with conditions "
      "/condition/NAME (N) or --condition. Output: the same, and\n"
      "/log_density (N), /velocity (N, D) = drift u of dX = u dt + g dW, /flux (N, D) = probability flux j, "
      "/score (N, D) = d log_density / dx, /dlogdensity_dt (N); units of the data. With g = 0, velocity = "
      "flux / density. Of a model with growth also /growth (N) = r, births minus deaths per unit of time. Of "
      "an "
      "ensemble /log_density_spread (N), /velocity_spread (N, D) and /growth_spread (N), the standard "
      "deviations over its "
      "members; where these learned from a bootstrap (data.bootstrap) they are standard errors, as their "
      "attribute meaning says. "
      "Far from the data a velocity may be beyond the range of numbers: the rows are counted "
      "in a "
      "warning.");
  add_checkpoint(arguments);
  arguments.required("points", file_name(), "file with the points, /t and /x");
  add_condition(arguments, "of each point, /condition/NAME (N) of the file with the points");
  add_noise(arguments);
  add_output_file(arguments);
  add_force(arguments);
  return arguments;
}

int command_query(const Context& context, const Arguments& arguments) {
  const OutputFile output = {arguments.text("output"), arguments.has("force")};
  const std::string points = arguments.text("points");
  const checkpoint::Checkpoint checkpoint = load_checkpoint(context, arguments.text("CHECKPOINT"));
  const inference::Inference inference(checkpoint);
  PointsOfQuery given;
  note_input(context, points);
  mpi::on_root(context.comm, [&] {
    require_absent(output);
    given = check_points(points, checkpoint.model);
  });
  context.comm.broadcast(&given.count, sizeof(given.count));
  context.comm.broadcast(&given.n_columns, sizeof(given.n_columns));
  const std::int64_t count = given.count;
  const io::Hdf5Reader file(points);
  given.columns = columns_of_points(file, checkpoint.model, given.n_columns);
  if (given.columns.empty() && file.has_attribute("/", "dim_names"))
    warn_of_names(context, checkpoint.model, points, file.attribute_strings("/", "dim_names"));
  const std::vector<double> condition = condition_option(context, arguments, checkpoint.model);
  const std::vector<double> of_points =
      conditions_of_points(context, file, checkpoint.model, condition, count);
  const flux::Volatility volatility = volatility_option(arguments, checkpoint.model);
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    if (end == begin) return std::vector<double>();
    const inference::ConditionScope scope(
        inference, condition.empty() ? part_of(of_points, begin, end, count) : condition);
    return query_points(inference, file.read_slab<double>("t", {begin}, {end - begin}),
                        given.read_x(file, begin, end - begin), volatility);
  };
  const std::vector<Column> all = query_columns(inference, count);
  const std::int64_t width = all.back().first + all.back().size;
  const std::vector<Column> columns = known_columns(context, checkpoint.model, all);
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  NotFinite not_finite(names);
  write_output(context, output, "rhoflux query", checkpoint, [&](io::Hdf5Writer* out) {
    if (out != nullptr) {
      out->attribute("/", "noise", volatility.to_string());
      write_condition(*out, checkpoint.model, condition);
      if (condition.empty()) write_conditions(*out, checkpoint.model, of_points);
      create_columns(*out, columns, count, checkpoint);
      copy_row_names(file, count, *out);
    }
    in_pieces(context.comm, count, compute, [&](std::int64_t first, const std::vector<double>& rows) {
      for (std::size_t k = 0; k < columns.size(); ++k) {
        const Column& column = columns[k];
        std::vector<double> values;
        for (auto row = rows.begin(); row != rows.end(); row += width)
          values.insert(values.end(), row + column.first, row + column.first + column.size);
        out->write_rows(column.name, first, values);
        not_finite.add(k, first, static_cast<std::size_t>(column.size), values);
      }
    });
  });
  not_finite.print(context.comm, count, [&](std::int64_t row) {
    return "row " + std::to_string(row) + " of " + points + ", " +
           text_of_point(checkpoint.model.origin.time, file.read_slab<double>("t", {row}, {1}).front(),
                         given.read_x(file, row, 1));
  });
  return 0;
}

}  // namespace rhoflux::apps
