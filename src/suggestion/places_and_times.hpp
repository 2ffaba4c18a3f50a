#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rhoflux::suggestion {

/// Rows (n, D) in C order.
struct Rows {
  std::vector<double> x, t;
  int n_dims = 0;
  std::size_t size() const { return x.size() / static_cast<std::size_t>(n_dims); }
  const double* row(std::size_t i) const { return x.data() + i * static_cast<std::size_t>(n_dims); }
};

/// Numbers of events (place, time bin): the place is the nearest of some rows, time bins have about equal numbers.
class PlacesAndTimes {
 public:
  static constexpr int most_places = 64, time_bins = 8;
  static constexpr int rows_in_place = 80;  ///< on average, at least

  /// @param rows one at least, standardised, with their times
  /// @param n_train training rows of the population, which decide the number of places
  PlacesAndTimes(const Rows& rows, std::int64_t n_train);

  /// @param row (D), standardised
  void count(const double* row, double t);

  /// Mutual information of place and time bin, nats an event: with chi^2 = sum (n_pt - e_pt)^2 / e_pt, e_pt = n_p n_t / n, it is
  /// chi^2 / 2n for weak dependence, of which sampling alone makes (degrees of freedom) / 2n. An event that is there r times
  /// counts once: chi^2 / r and n / r. 0 if nothing was counted.
  double information(double repeats) const;

 private:
  std::size_t nearest(const double* row) const;

  Rows m_centres;
  std::size_t m_places = 0;
  std::vector<double> m_bounds;  ///< of the time bins
  std::vector<double> m_counts;  ///< (place, time bin)
};

}  // namespace rhoflux::suggestion
