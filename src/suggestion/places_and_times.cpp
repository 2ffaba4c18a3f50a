#include "places_and_times.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rhoflux::suggestion {

PlacesAndTimes::PlacesAndTimes(const Rows& rows, std::int64_t n_train) {
  const auto most =
      static_cast<std::size_t>(std::clamp<std::int64_t>(n_train / rows_in_place, 4, most_places));
  m_places = std::min(most, rows.size());
  m_centres.n_dims = rows.n_dims;
  for (std::size_t i = 0; i < m_places; ++i) {
    const double* row = rows.row(i * rows.size() / m_places);
    m_centres.x.insert(m_centres.x.end(), row, row + rows.n_dims);
  }
  std::vector<double> t = rows.t;
  std::sort(t.begin(), t.end());
  for (std::size_t bin = 1; bin < time_bins; ++bin) m_bounds.push_back(t[bin * t.size() / time_bins]);
  m_counts.assign(m_places * time_bins, 0);
}

void PlacesAndTimes::count(const double* row, double t) {
  const auto bin = std::upper_bound(m_bounds.begin(), m_bounds.end(), t) - m_bounds.begin();
  m_counts[nearest(row) * time_bins + static_cast<std::size_t>(bin)] += 1;
}

double PlacesAndTimes::information(double repeats) const {
  std::vector<double> of_place(m_places, 0), of_bin(time_bins, 0);
  double n = 0;
  for (std::size_t i = 0; i < m_counts.size(); ++i) {
    of_place[i / time_bins] += m_counts[i];
    of_bin[i % time_bins] += m_counts[i];
    n += m_counts[i];
  }
  if (!(n > 0)) return 0;
  double chi_square = 0;
  for (std::size_t i = 0; i < m_counts.size(); ++i) {
    const double expected = of_place[i / time_bins] * of_bin[i % time_bins] / n;
    if (expected > 0) chi_square += (m_counts[i] - expected) * (m_counts[i] - expected) / expected;
  }
  const auto filled = [](const std::vector<double>& counts) {
    return static_cast<double>(counts.size()) -
           static_cast<double>(std::count(counts.begin(), counts.end(), 0));
  };
  const double degrees = (filled(of_place) - 1) * (filled(of_bin) - 1);
  return (chi_square / repeats - degrees) / (2 * n / repeats);
}

std::size_t PlacesAndTimes::nearest(const double* row) const {
  std::size_t best = 0;
  double smallest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < m_places; ++i) {
    double square = 0;
    for (int k = 0; k < m_centres.n_dims; ++k) {
      const double d = row[k] - m_centres.row(i)[k];
      square += d * d;
    }
    if (square < smallest) {
      smallest = square;
      best = i;
    }
  }
  return best;
}

}  // namespace rhoflux::suggestion
