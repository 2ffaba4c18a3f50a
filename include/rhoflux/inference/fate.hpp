#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/core/units.hpp"
#include "rhoflux/inference/trajectories.hpp"

namespace rhoflux::inference {

/// Rows whose labels are known.
struct LabelledRows {
  std::vector<double> x;           ///< (m, n_dims), units of the data
  std::vector<double> weight;      ///< (m)
  std::vector<std::int32_t> code;  ///< (m), index of the label, from 0
};

/// Gives a point the label that has most weight among the nearest labelled rows, distances in model units; of
/// labels with equal weight the one whose row is nearest. Rows of weight 0 do not count. The search is by a k-d
/// tree (nanoflann).
class LabelVote {
 public:
  /// Bad input where no row has weight.
  /// @param neighbours how many rows vote; all, where there are fewer
  LabelVote(const Units& units, const LabelledRows& rows, int neighbours);
  ~LabelVote();

  /// @param x (n_dims), units of the data
  std::int32_t label_of(const double* x) const;

 private:
  struct Tree;
  std::unique_ptr<Tree> m_tree;
};

/// Where the paths from each particle end: for L labels, (n, 2 L + 2) numbers
///
///   W_1 .. W_L, V_1 .. V_L, paths that failed, c,
///
/// sums over the paths that end at a label of w e^-c and of its square, w = exp(log weight) of a path, c the largest log
/// weight of the particle's paths. Without growth w = 1 and c = 0: W counts paths.
struct PathEnds {
  int n_labels = 0;
  int copies = 1;  ///< paths from each particle
  std::vector<double> numbers;
  std::size_t width() const { return 2 * static_cast<std::size_t>(n_labels) + 2; }
};

/// Follows `copies` paths from each particle, and adds up for each label the weights of those that end at it.
/// @param x (n, n_dims) at the first frame of the integrator
/// @param first global number of the first particle; copy c of particle p has the number p * copies + c, the key
/// of its noise, so that the sums do not depend on how particles are shared out
/// @param conditions see ConditionScope; empty for a model without
/// @param done called now and then with the number of particles that are done
PathEnds follow_to_ends(const TrajectoryIntegrator& integrator, const LabelVote& vote, int n_labels,
                        int copies, const std::vector<double>& x, const std::vector<double>& conditions,
                        std::int64_t first, const std::function<void(std::int64_t)>& done = {});

/// Probabilities of the end labels of particles, or of their descendants where the model grows; model.md (10.14).
struct Fates {
  int n_labels = 0;
  std::vector<double> probability;  ///< (n, L), share of the weight of paths that ended; NaN where all failed
  std::vector<double> error;        ///< (n, L), standard error, model.md (8.8), (10.14); 0 for a single path
  std::vector<double> growth_factor;        ///< (n) mean weight of the paths that ended; 1 without growth
  std::vector<double> growth_factor_error;  ///< (n) its standard error; NaN for fewer than two paths
  std::int64_t n_failed = 0;                ///< paths
};
Fates fates_of(const PathEnds& ends);

/// Probabilities from label to label.
struct Transition {
  std::vector<double>
      probability;  ///< (L_from, L_to), weighted mean over the particles of a label; NaN: none
  std::vector<double>
      error;  ///< (L_from, L_to), standard error of that mean over the particles, model.md (8.9), which holds
              ///< that of their paths; NaN for fewer than two particles
  std::vector<std::int64_t> count;  ///< (L_from) particles of the label whose paths ended
  std::vector<double> growth_factor =
      {};  ///< (L_from) mean weight of the paths of a label; empty without growth
  std::vector<double> effective_count =
      {};  ///< (L_from) effective number of these particles, by `weight`; NaN: none
  /// (L_from, L_to) standard deviation of `probability` over the members of an ensemble; empty: it is none.
  std::vector<double> spread = {};
};

/// @param code (n) label of each particle at its start
/// @param weight (n); where the model grows times the growth factor, so that descendants are counted
Transition transition_of(const Fates& fates, const std::vector<std::int32_t>& code,
                         const std::vector<double>& weight, int n_from);

/// By which factor the particles of each label together become more, (n_from): means of Fates::growth_factor, weighted;
/// NaN where a label has no particle. Arguments as above, without the growth factor in the weights.
std::vector<double> label_growth_factors(const Fates& fates, const std::vector<std::int32_t>& code,
                                         const std::vector<double>& weight, int n_from);

/// The transition as lines of text, a row a label at the start.
std::vector<std::string> to_text(const Transition& transition, const std::vector<std::string>& from,
                                 const std::vector<std::string>& to);

}  // namespace rhoflux::inference
