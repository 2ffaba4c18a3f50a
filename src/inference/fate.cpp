#include "rhoflux/inference/fate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nanoflann.hpp>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/inference/condition_scope.hpp"

namespace rhoflux::inference {

// ---- votes ----

struct LabelVote::Tree {
  /// What nanoflann asks of a set of points.
  struct Points {
    std::vector<double> x;  ///< (m, n_dims), model units
    std::size_t n_dims;
    std::size_t kdtree_get_point_count() const { return x.size() / n_dims; }
    double kdtree_get_pt(std::size_t row, std::size_t dim) const { return x[row * n_dims + dim]; }
    template <class Box>
    bool kdtree_get_bbox(Box&) const {
      return false;
    }
  };
  using Index = nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Adaptor<double, Points>, Points>;

  Tree(const Units& model_units, int n_voters) : units(model_units), neighbours(n_voters) {}

  Units units;
  int neighbours;
  Points points;
  std::vector<double> weight;
  std::vector<std::int32_t> code;
  std::unique_ptr<Index> index;
};

LabelVote::LabelVote(const Units& units, const LabelledRows& rows, int neighbours)
    : m_tree(std::make_unique<Tree>(units, neighbours)) {
  const auto dims = static_cast<std::size_t>(units.n_dims());
  m_tree->points.n_dims = dims;
  for (std::size_t row = 0; row < rows.code.size(); ++row) {
    if (!(rows.weight[row] > 0)) continue;
    for (std::size_t i = 0; i < dims; ++i)
      m_tree->points.x.push_back(units.to_model(rows.x[row * dims + i], i));
    m_tree->weight.push_back(rows.weight[row]);
    m_tree->code.push_back(rows.code[row]);
  }
  if (m_tree->code.empty()) fail_input("there are no labelled rows with a weight above 0");
  m_tree->neighbours = std::min(neighbours, static_cast<int>(m_tree->code.size()));
  m_tree->index = std::make_unique<Tree::Index>(static_cast<int>(dims), m_tree->points);
}

LabelVote::~LabelVote() = default;

std::int32_t LabelVote::label_of(const double* x) const {
  const auto dims = m_tree->points.n_dims, count = static_cast<std::size_t>(m_tree->neighbours);
  std::vector<double> at(dims), distance(count);
  for (std::size_t i = 0; i < dims; ++i) at[i] = m_tree->units.to_model(x[i], i);
  std::vector<std::uint32_t> nearest(count);
  m_tree->index->knnSearch(at.data(), count, nearest.data(), distance.data());
  std::map<std::int32_t, double> votes;
  for (const std::uint32_t row : nearest) votes[m_tree->code[row]] += m_tree->weight[row];
  double most = 0;
  for (const auto& [code, weight] : votes) most = std::max(most, weight);
  for (const std::uint32_t row : nearest)  // from the nearest on
    if (votes[m_tree->code[row]] == most) return m_tree->code[row];
  return m_tree->code[nearest.front()];
}

// ---- paths ----

namespace {

/// A path of a particle.
struct PathEnd {
  std::size_t label = 0;  ///< where it ends; the number of labels: it failed
  double log_weight = 0;
};

/// The numbers of one particle.
void add_particle(const std::vector<PathEnd>& paths, PathEnds& ends) {
  const auto labels = static_cast<std::size_t>(ends.n_labels);
  std::vector<double> numbers(ends.width(), 0.0);
  double most = -std::numeric_limits<double>::infinity();
  for (const PathEnd& path : paths)
    if (path.label < labels) most = std::max(most, path.log_weight);
  for (const PathEnd& path : paths) {
    const bool failed = path.label == labels;
    const double weight = failed ? 1.0 : std::exp(path.log_weight - most);
    numbers[failed ? 2 * labels : path.label] += weight;
    if (!failed) numbers[labels + path.label] += weight * weight;
  }
  numbers.back() = std::isfinite(most) ? most : 0.0;
  ends.numbers.insert(ends.numbers.end(), numbers.begin(), numbers.end());
}

}  // namespace

PathEnds follow_to_ends(const TrajectoryIntegrator& integrator, const LabelVote& vote, int n_labels,
                        int copies, const std::vector<double>& x, const std::vector<double>& conditions,
                        std::int64_t first, const std::function<void(std::int64_t)>& done) {
  const auto dims = static_cast<std::size_t>(integrator.n_dims());
  const std::size_t n = x.size() / dims, per_particle = static_cast<std::size_t>(copies);
  PathEnds ends{n_labels, copies, {}};
  std::vector<double> starts;
  std::vector<PathEnd> of_particle(per_particle);
  // So many particles at a time that their paths stay small in memory.
  const std::size_t piece = std::max<std::size_t>(1, (std::size_t{1} << 14) / per_particle);
  for (std::size_t begin = 0; begin < n; begin += piece) {
    const std::size_t end = std::min(n, begin + piece);
    starts.clear();
    std::vector<double> of_starts;
    for (std::size_t particle = begin; particle < end; ++particle)
      for (std::size_t copy = 0; copy < per_particle; ++copy)
        starts.insert(starts.end(), x.begin() + static_cast<std::ptrdiff_t>(particle * dims),
                      x.begin() + static_cast<std::ptrdiff_t>((particle + 1) * dims));
    const std::size_t n_variables = integrator.inference().conditions().n_variables();
    for (std::size_t particle = begin; particle < end && conditions.size() > n_variables; ++particle)
      for (std::size_t copy = 0; copy < per_particle; ++copy)
        of_starts.insert(of_starts.end(),
                         conditions.begin() + static_cast<std::ptrdiff_t>(particle * n_variables),
                         conditions.begin() + static_cast<std::ptrdiff_t>((particle + 1) * n_variables));
    const ConditionScope scope(integrator.inference(), of_starts.empty() ? conditions : of_starts);
    const auto paths_done = [&](std::int64_t n_paths) {
      if (done) done(static_cast<std::int64_t>(begin) + n_paths / copies);
    };
    const Trajectories paths =
        integrator.integrate(starts, (first + static_cast<std::int64_t>(begin)) * copies, paths_done);
    const std::size_t path_numbers = integrator.n_frames() * dims;
    for (std::size_t path = 0; path < starts.size() / dims; ++path) {
      const double* last = &paths.x[(path + 1) * path_numbers - dims];
      const bool is_finite = std::all_of(last, last + dims, [](double v) { return std::isfinite(v); });
      const std::size_t copy = path % per_particle;
      of_particle[copy].label =
          static_cast<std::size_t>(is_finite ? vote.label_of(last) : std::int32_t{n_labels});
      of_particle[copy].log_weight =
          paths.log_weight.empty() ? 0.0 : paths.log_weight[(path + 1) * integrator.n_frames() - 1];
      if (copy + 1 == per_particle) add_particle(of_particle, ends);
    }
  }
  return ends;
}

Fates fates_of(const PathEnds& ends) {
  const auto labels = static_cast<std::size_t>(ends.n_labels);
  const double none = std::numeric_limits<double>::quiet_NaN();
  Fates fates;
  fates.n_labels = ends.n_labels;
  for (std::size_t first = 0; first < ends.numbers.size(); first += ends.width()) {
    const double *weight = &ends.numbers[first], *square = weight + labels;
    const double failed = square[labels], scale = std::exp(square[labels + 1]);
    double sum = 0, squares = 0;
    for (std::size_t k = 0; k < labels; ++k) {
      sum += weight[k];
      squares += square[k];
    }
    fates.n_failed += static_cast<std::int64_t>(failed);
    const bool equal = sum == squares;  // all weights are one
    for (std::size_t k = 0; k < labels; ++k) {
      const double p = sum > 0 ? weight[k] / sum : none;
      fates.probability.push_back(p);
      // (10.14) with the weights one is (8.8), which is computed as such to its last bit.
      fates.error.push_back(equal ? std::sqrt(p * (1 - p) / sum)
                                  : std::sqrt(square[k] * (1 - p) * (1 - p) + (squares - square[k]) * p * p) /
                                        sum);
    }
    const double paths = ends.copies - failed, mean = sum / paths;
    fates.growth_factor.push_back(paths > 0 ? scale * mean : none);
    fates.growth_factor_error.push_back(
        paths > 1 ? scale * std::sqrt(std::max(0.0, squares / paths - mean * mean) / (paths - 1)) : none);
  }
  return fates;
}

Transition transition_of(const Fates& fates, const std::vector<std::int32_t>& code,
                         const std::vector<double>& weight, int n_from) {
  const auto labels = static_cast<std::size_t>(fates.n_labels), from = static_cast<std::size_t>(n_from);
  const double none = std::numeric_limits<double>::quiet_NaN();
  Transition result{std::vector<double>(from * labels, 0.0), std::vector<double>(from * labels, 0.0),
                    std::vector<std::int64_t>(from, 0)};
  std::vector<double> mass(from, 0.0), squares(from, 0.0);
  const auto counts = [&](std::size_t particle) {
    return weight[particle] > 0 && std::isfinite(fates.probability[particle * labels]);
  };
  for (std::size_t particle = 0; particle < code.size(); ++particle) {
    if (!counts(particle)) continue;
    const auto row = static_cast<std::size_t>(code[particle]);
    mass[row] += weight[particle];
    squares[row] += weight[particle] * weight[particle];
    ++result.count[row];
    for (std::size_t k = 0; k < labels; ++k)
      result.probability[row * labels + k] += weight[particle] * fates.probability[particle * labels + k];
  }
  for (std::size_t row = 0; row < from; ++row)
    for (std::size_t k = 0; k < labels; ++k)
      result.probability[row * labels + k] =
          result.count[row] > 0 ? result.probability[row * labels + k] / mass[row] : none;
  for (std::size_t row = 0; row < from; ++row)
    result.effective_count.push_back(mass[row] / squares[row] * mass[row]);
  // Of a weighted mean: sum w^2 (p - mean)^2 / (sum w)^2, with n / (n - 1).
  for (std::size_t particle = 0; particle < code.size(); ++particle) {
    if (!counts(particle)) continue;
    const auto row = static_cast<std::size_t>(code[particle]);
    for (std::size_t k = 0; k < labels; ++k) {
      const double off = weight[particle] *
                         (fates.probability[particle * labels + k] - result.probability[row * labels + k]);
      result.error[row * labels + k] += off * off;
    }
  }
  for (std::size_t row = 0; row < from; ++row)
    for (std::size_t k = 0; k < labels; ++k) {
      const auto n = static_cast<double>(result.count[row]);
      double& error = result.error[row * labels + k];
      error = result.count[row] > 1 ? std::sqrt(error * n / (n - 1)) / mass[row] : none;
    }
  return result;
}

std::vector<double> label_growth_factors(const Fates& fates, const std::vector<std::int32_t>& code,
                                         const std::vector<double>& weight, int n_from) {
  std::vector<double> sum(static_cast<std::size_t>(n_from), 0.0), total(sum);
  for (std::size_t particle = 0; particle < code.size(); ++particle) {
    if (!(weight[particle] > 0) || std::isnan(fates.growth_factor[particle])) continue;
    const auto row = static_cast<std::size_t>(code[particle]);
    sum[row] += weight[particle] * fates.growth_factor[particle];
    total[row] += weight[particle];
  }
  for (std::size_t row = 0; row < sum.size(); ++row)
    sum[row] = total[row] > 0 ? sum[row] / total[row] : std::numeric_limits<double>::quiet_NaN();
  return sum;
}

std::vector<std::string> to_text(const Transition& transition, const std::vector<std::string>& from,
                                 const std::vector<std::string>& to) {
  std::size_t width = transition.spread.empty() ? 18 : 27;
  for (const std::string& name : to) width = std::max(width, name.size() + 2);
  std::size_t head = 12;
  for (const std::string& name : from) head = std::max(head, name.size() + 2);
  const auto padded = [](const std::string& text, std::size_t size) {
    return text.size() < size ? text + std::string(size - text.size(), ' ') : text;
  };
  std::string line = padded("from \\ to", head) + padded("particles", 11);
  const bool has_growth = !transition.growth_factor.empty();
  if (has_growth) line += padded("descendants of one", 20);
  for (const std::string& name : to) line += padded(name, width);
  std::vector<std::string> lines = {line};
  for (std::size_t row = 0; row < from.size(); ++row) {
    if (transition.count[row] == 0) continue;
    line = padded(from[row], head) + padded(std::to_string(transition.count[row]), 11);
    if (has_growth) line += padded(formatted("%.4g", transition.growth_factor[row]), 20);
    for (std::size_t k = 0; k < to.size(); ++k) {
      const double error = transition.error[row * to.size() + k];
      std::string text = formatted("%.4f", transition.probability[row * to.size() + k]) +
                         (std::isfinite(error) ? " +- " + formatted("%.4f", error) : "");
      if (!transition.spread.empty())
        text += " (" + formatted("%.4f", transition.spread[row * to.size() + k]) + ")";
      line += padded(text, width);
    }
    lines.push_back(line);
  }
  for (std::string& text : lines) text.erase(text.find_last_not_of(' ') + 1);
  return lines;
}

}  // namespace rhoflux::inference
