#pragma once

#include <cstddef>
#include <vector>

#include "rhoflux/objectives/expectation_term.hpp"
#include "support/device_data.hpp"

namespace rhoflux::objectives {

/// Totals of some terms, zero at first, to be added to and then read.
class Totals {
 public:
  explicit Totals(std::size_t n_terms = 1)
      : m_totals(make_matrix<double>("totals", 2, static_cast<int>(n_terms))) {}

  const Matrix<double>& on_device() const { return m_totals; }
  TermTotals of_one() const { return totals_of(m_totals, 0, 1, 1); }
  std::vector<TermSums> read() const {
    const std::vector<double> values = test::values_of(m_totals);
    std::vector<TermSums> sums;
    for (std::size_t k = 0; k < values.size(); k += 2) sums.push_back({values[k], values[k + 1]});
    return sums;
  }

 private:
  Matrix<double> m_totals;
};

/// The sums of one term over samples.
inline TermSums sums_of(const ExpectationTerm<double>& term, const ModelSamples<double>& samples,
                        double weight, const ModelSamplesBar<double>& bar) {
  const Totals totals;
  term.add(ExecutionSpace(), samples, weight, bar, totals.of_one());
  return totals.read().front();
}

}  // namespace rhoflux::objectives
