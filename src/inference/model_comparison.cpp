#include "rhoflux/inference/model_comparison.hpp"

#include <algorithm>
#include <cmath>

#include "rhoflux/core/coordinate_names.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {

constexpr std::int64_t rows_per_block = 1024;

/// Sums over rows of one quantity: of a, b, |a|^2, |b|^2 and |a - b|^2, by weight.
struct PairSums {
  static constexpr std::size_t width = 5;
  double first = 0, second = 0, first_square = 0, second_square = 0, difference_square = 0;

  void add(double weight, const PairSums& one) {
    first += weight * one.first;
    second += weight * one.second;
    first_square += weight * one.first_square;
    second_square += weight * one.second_square;
    difference_square += weight * one.difference_square;
  }
  void append_to(std::vector<double>& numbers) const {
    numbers.insert(numbers.end(), {first, second, first_square, second_square, difference_square});
  }
  static PairSums from(const double* numbers) {
    return {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
  }
  bool is_finite() const { return std::isfinite(first_square + second_square + difference_square); }
};

PairSums of_numbers(double a, double b) {
  return {a, b, a * a, b * b, (a - b) * (a - b)};
}

/// Of vectors that are divided by `unit` first.
PairSums of_vectors(const double* a, const double* b, const std::vector<double>& unit) {
  PairSums sums;
  for (std::size_t i = 0; i < unit.size(); ++i) {
    const double first = a[i] / unit[i], second = b[i] / unit[i];
    sums.first_square += first * first;
    sums.second_square += second * second;
    sums.difference_square += (first - second) * (first - second);
  }
  return sums;
}

Agreement agreement(const std::string& name, bool is_vector, const PairSums& sums, double weight) {
  const double first = sums.first / weight, second = sums.second / weight;
  const auto size = [&](double square, double mean) {
    return std::sqrt(std::max(0.0, square / weight - mean * mean));
  };
  return {name,
          is_vector,
          first,
          second,
          size(sums.first_square, first),
          size(sums.second_square, second),
          std::sqrt(sums.difference_square / weight)};
}

/// The quantities that are compared, in their order.
struct Quantity {
  const char* name;
  bool is_vector;
};
std::vector<Quantity> quantities_of(const ModelPair& models) {
  std::vector<Quantity> all = {{"log density", false}, {"score", true}, {"velocity", true}};
  if (models.first().grows() || models.second().grows()) all.push_back({"growth rate", false});
  return all;
}

/// What the models say at some rows, by quantity.
std::vector<std::vector<PairSums>> values_at(const ModelPair& models, const io::PopulationRows& rows,
                                             const flux::Volatility& volatility,
                                             const std::vector<double>& condition) {
  const std::vector<double>& conditions = condition.empty() ? rows.conditions : condition;
  const ConditionScope of_first(models.first(), conditions), of_second(models.second(), conditions);
  const auto a = models.first().dynamics_at(rows.t, rows.x, volatility);
  auto b = models.second().dynamics_at(rows.t, models.to_second(rows.x), volatility);
  b.score = models.to_first(b.score);
  b.drift = models.to_first(b.drift);
  std::vector<double> unit = models.first().model().units.scale, inverse = unit;
  for (double& scale : inverse) scale = 1 / scale;
  const std::size_t dims = unit.size();
  const auto growth = [](const auto& of, std::size_t row) {
    return of.growth.empty() ? 0.0 : of.growth[row];
  };
  std::vector<std::vector<PairSums>> values(quantities_of(models).size());
  for (std::size_t row = 0; row < rows.t.size(); ++row) {
    values[0].push_back(of_numbers(a.log_density[row], b.log_density[row]));
    values[1].push_back(of_vectors(&a.score[row * dims], &b.score[row * dims], inverse));
    values[2].push_back(of_vectors(&a.drift[row * dims], &b.drift[row * dims], unit));
    if (values.size() > 3) values[3].push_back(of_numbers(growth(a, row), growth(b, row)));
  }
  return values;
}

/// Sums over particles that both models have followed, by weight.
struct EndSums {
  static constexpr std::size_t width = 5 + 2 * PairSums::width;
  double count = 0, left_out = 0, other_labels = 0;  ///< particles
  double weight = 0, displacement = 0;               ///< sums of w and w |end - start|^2
  PairSums ends, log_weights;

  std::vector<double> numbers() const {
    std::vector<double> all = {count, left_out, other_labels, weight, displacement};
    ends.append_to(all);
    log_weights.append_to(all);
    return all;
  }
  void add(const double* numbers) {
    count += numbers[0];
    left_out += numbers[1];
    other_labels += numbers[2];
    weight += numbers[3];
    displacement += numbers[4];
    ends.add(1, PairSums::from(numbers + 5));
    log_weights.add(1, PairSums::from(numbers + 5 + PairSums::width));
  }
};

/// @param a, b paths of the rows by the two models, coordinates in the order of the first
EndSums end_sums(const io::PopulationRows& rows, const Trajectories& a, const Trajectories& b,
                 const std::vector<double>& unit, const LabelVote* vote) {
  const std::size_t dims = unit.size(), n_frames = a.x.size() / (rows.t.size() * dims);
  EndSums sums;
  for (std::size_t s = 0; s < rows.t.size(); ++s) {
    const double w = rows.weight[s];
    if (w == 0) continue;
    ++sums.count;
    const std::size_t last = (s + 1) * n_frames - 1;
    const double *end = &a.x[last * dims], *other = &b.x[last * dims];
    const PairSums distance = of_vectors(end, other, unit);
    if (!distance.is_finite()) {
      ++sums.left_out;
      continue;
    }
    sums.weight += w;
    sums.ends.add(w, distance);
    sums.displacement += w * of_vectors(end, &rows.x[s * dims], unit).difference_square;
    const auto log_weight = [&](const Trajectories& of) {
      return of.log_weight.empty() ? 0.0 : of.log_weight[last];
    };
    sums.log_weights.add(w, of_numbers(log_weight(a), log_weight(b)));
    if (vote != nullptr && vote->label_of(end) != vote->label_of(other)) ++sums.other_labels;
  }
  return sums;
}

bool same_conditions(const ConditionEncoding& a, const ConditionEncoding& b) {
  if (a.variables.size() != b.variables.size()) return false;
  for (std::size_t k = 0; k < a.variables.size(); ++k)
    if (a.variables[k].name != b.variables[k].name || a.variables[k].categories != b.variables[k].categories)
      return false;
  return true;
}

}  // namespace

ModelPair::ModelPair(const Inference& first, const Inference& second) : m_first(first), m_second(second) {
  const std::vector<std::string>&names = first.model().dim_names, &others = second.model().dim_names;
  if (names.size() != others.size() || !std::is_permutation(names.begin(), names.end(), others.begin()))
    fail_input("the models have different coordinates: " + joined(names) + ", and " + joined(others));
  if (!same_conditions(first.conditions(), second.conditions()))
    fail_input("the models have different conditions: " +
               (first.conditions().is_empty() ? "none" : first.conditions().allowed()) + ", and " +
               (second.conditions().is_empty() ? "none" : second.conditions().allowed()));
  m_to_second = columns_of(others, names, NameRule::required);
  m_to_first = columns_of(names, others, NameRule::required);
}

std::vector<double> ModelPair::to_second(const std::vector<double>& x) const {
  return chosen_columns(x, m_to_second, static_cast<std::size_t>(m_first.n_dims()));
}

std::vector<double> ModelPair::to_first(const std::vector<double>& x) const {
  return chosen_columns(x, m_to_first, static_cast<std::size_t>(m_first.n_dims()));
}

RowComparison compare_at_rows(const ModelPair& models, const io::PopulationFile& file, io::Split split,
                              const mpi::Communicator& comm, const flux::Volatility& volatility,
                              const std::vector<double>& condition) {
  const std::vector<Quantity> quantities = quantities_of(models);
  // Of each block the rows, those left out, their weight, and the sums of each quantity.
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    const io::PopulationRows rows = file.read_split(split, begin, end);
    if (begin == end) return std::vector<double>();
    const std::vector<std::vector<PairSums>> values = values_at(models, rows, volatility, condition);
    double count = 0, left_out = 0, weight = 0;
    std::vector<PairSums> sums(quantities.size());
    for (std::size_t row = 0; row < rows.t.size(); ++row) {
      if (rows.weight[row] == 0) continue;
      ++count;
      if (!std::all_of(values.begin(), values.end(),
                       [&](const std::vector<PairSums>& of) { return of[row].is_finite(); })) {
        ++left_out;
        continue;
      }
      weight += rows.weight[row];
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k].add(rows.weight[row], values[k][row]);
    }
    std::vector<double> numbers = {count, left_out, weight};
    for (const PairSums& of : sums) of.append_to(numbers);
    return numbers;
  };
  const std::vector<double> all = mpi::over_blocks(comm, {file.info().count(split), rows_per_block}, compute);
  RowComparison result;
  double weight = 0;
  std::vector<PairSums> sums(quantities.size());
  const std::size_t width = 3 + PairSums::width * sums.size();
  for (std::size_t at = 0; at < all.size(); at += width) {
    result.count += static_cast<std::int64_t>(all[at]);
    result.left_out += static_cast<std::int64_t>(all[at + 1]);
    weight += all[at + 2];
    for (std::size_t k = 0; k < sums.size(); ++k)
      sums[k].add(1, PairSums::from(&all[at + 3 + PairSums::width * k]));
  }
  if (!(weight > 0))
    fail_input(file.path() + ": the split '" + io::to_string(split) +
               "' has no row of weight above 0 at which both models have finite values");
  for (std::size_t k = 0; k < sums.size(); ++k)
    result.quantities.push_back(agreement(quantities[k].name, quantities[k].is_vector, sums[k], weight));
  return result;
}

EndComparison compare_ends(const ModelPair& models, const io::PopulationFile& file, io::Split split,
                           std::int64_t begin, std::int64_t count, const mpi::Communicator& comm,
                           const TrajectoryOptions& options, const std::vector<double>& condition,
                           const LabelVote* vote) {
  const TrajectoryIntegrator first(models.first(), options), second(models.second(), options);
  const auto compute = [&](std::int64_t from, std::int64_t to) {
    const io::PopulationRows rows = file.read_split(split, begin + from, begin + to);
    if (from == to) return std::vector<double>();
    const std::vector<double>& conditions = condition.empty() ? rows.conditions : condition;
    const ConditionScope of_first(models.first(), conditions), of_second(models.second(), conditions);
    const Trajectories a = first.integrate(rows.x, from);
    Trajectories b = second.integrate(models.to_second(rows.x), from);
    b.x = models.to_first(b.x);
    return end_sums(rows, a, b, models.first().model().units.scale, vote).numbers();
  };
  const std::vector<double> all = mpi::over_blocks(comm, {count, rows_per_block}, compute);
  EndSums sums;
  for (std::size_t at = 0; at < all.size(); at += EndSums::width) sums.add(&all[at]);
  if (!(sums.weight > 0))
    fail_numerics(file.path() + ": no particle can be followed to its end by both models");
  const Agreement of_weights = agreement("log weight", false, sums.log_weights, sums.weight);
  EndComparison result;
  result.count = static_cast<std::int64_t>(sums.count);
  result.left_out = static_cast<std::int64_t>(sums.left_out);
  result.other_labels = static_cast<std::int64_t>(sums.other_labels);
  result.displacement = std::sqrt(sums.displacement / sums.weight);
  result.distance = std::sqrt(sums.ends.difference_square / sums.weight);
  result.log_weight_size = of_weights.first_size;
  result.log_weight_difference = of_weights.difference;
  return result;
}

}  // namespace rhoflux::inference
