#include "rhoflux/training/rank_use.hpp"

#include <algorithm>

#include "rhoflux/core/text.hpp"

namespace rhoflux::training {
namespace {

constexpr std::int64_t enough_rows = 32;
constexpr double enough_seconds = 10;

}  // namespace

std::string warning_of_small_shares(int n_ranks, std::int64_t batch) {
  const std::int64_t rows = batch / n_ranks;
  if (n_ranks == 1 || rows >= enough_rows) return {};
  return "warning: " + counted(n_ranks, "rank") + " share the " + counted(batch, "row") +
         " of each step (training.batch), about " + counted(rows, "row") +
         " for each: too few to keep a rank busy. " +
         (batch >= 2 * enough_rows ? std::to_string(batch / enough_rows) + " ranks or fewer" : "One rank") +
         ", or a larger batch, use the processors better";
}

std::string warning_of_costly_sums(int n_ranks, std::int64_t batch, double gradient, double reduction) {
  if (n_ranks == 1 || reduction < enough_seconds || reduction <= gradient) return {};
  return "warning: the sum of the gradient over " + counted(n_ranks, "rank") +
         ", with the wait for the slowest, took " + formatted("%.1f s", reduction) + ", computing it " +
         formatted("%.1f s", gradient) + " (about " + counted(batch / n_ranks, "row") +
         " of training.batch for each rank). Fewer ranks may be as fast; or a rank is slow, which is then "
         "named above";
}

std::string report_of_slowest_rank(const std::vector<double>& gradient,
                                   const std::function<std::string(int rank)>& host_of) {
  const auto [fastest, slowest] = std::minmax_element(gradient.begin(), gradient.end());
  if (*slowest < 1.5 * *fastest || *slowest < *fastest + 1) return {};
  const int rank = static_cast<int>(slowest - gradient.begin());
  return "slowest: rank " + std::to_string(rank) + " on " + host_of(rank) + ", gradient " +
         formatted("%.1f s", *slowest) + "; the fastest rank takes " + formatted("%.1f s", *fastest);
}

}  // namespace rhoflux::training
