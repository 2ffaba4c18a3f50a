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

/// Follows `copies` paths from each particle, and counts for each label how many of them end at it.
/// @param x (n, n_dims) at the first frame of the integrator
/// @param conditions see ConditionScope; empty for a model without
/// @param first global number of the first particle; copy c of particle p has the number p * copies + c, the key
/// of its noise, so that the counts do not depend on how particles are shared out
/// @param done called now and then with the number of particles that are done
/// @return (n, n_labels + 1); the last column counts the paths that failed
std::vector<double> count_ends(const TrajectoryIntegrator& integrator, const LabelVote& vote, int n_labels,
                               int copies, const std::vector<double>& x,
                               const std::vector<double>& conditions, std::int64_t first,
                               const std::function<void(std::int64_t)>& done = {});

/// Probabilities of the end labels of particles.
struct Fates {
  int n_labels = 0;
  std::vector<double> probability;  ///< (n, L), share of the paths that ended; NaN where all failed
  std::vector<double> error;        ///< (n, L), standard error, model.md (8.8); 0 for a single path
  std::int64_t n_failed = 0;        ///< paths
};

/// @param counts (n, L + 1) of count_ends()
Fates fates_of(const std::vector<double>& counts, int n_labels);

/// Probabilities from label to label.
struct Transition {
  std::vector<double>
      probability;  ///< (L_from, L_to), weighted mean over the particles of a label; NaN: none
  std::vector<double>
      error;  ///< (L_from, L_to), standard error of that mean over the particles, model.md (8.9), which holds
              ///< that of their paths; NaN for fewer than two particles
  std::vector<std::int64_t> count;  ///< (L_from) particles of the label whose paths ended
};

/// @param code (n) label of each particle at its start @param weight (n)
Transition transition_of(const Fates& fates, const std::vector<std::int32_t>& code,
                         const std::vector<double>& weight, int n_from);

/// The transition as lines of text, a row a label at the start.
std::vector<std::string> to_text(const Transition& transition, const std::vector<std::string>& from,
                                 const std::vector<std::string>& to);

}  // namespace rhoflux::inference
