#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/inference/inference.hpp"
#include "rhoflux/objectives/expectations.hpp"

namespace rhoflux::inference {

/// The conditions of n paths or model samples of an objective, first, first + 1, ..; the ones of a group have the same.
std::vector<double> conditions_of(const Inference& inference, const objectives::Config& objective,
                                  std::int64_t first, std::int64_t n);

/// The terms of an objective at the end of training, and sums over them.
class ObjectiveTerms {
 public:
  ObjectiveTerms(const Inference& inference, const objectives::Config& objective,
                 const flux::Volatility& volatility);

  /// Calls visit(expectations, kind, totals) with the place of each part's totals, which are added to `values`
  /// (n_terms).
  template <class Visit>
  void for_each(std::vector<double>& values, Visit&& visit) const {
    std::size_t first = 0;
    for (const Part& part : m_parts) {
      const auto totals = make_matrix<double>("totals", 2, part.expectations->n_terms());
      visit(*part.expectations, part.kind, totals);
      const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), totals);
      for (std::size_t k = 0; k < host.extent(1); ++k) values[first++] += host(0, k);
    }
  }

  std::vector<std::string> names;
  std::vector<double> weights;

 private:
  struct Part {
    objectives::TermKind kind;
    std::unique_ptr<objectives::Expectations<double>> expectations;
  };
  std::vector<Part> m_parts;
};

}  // namespace rhoflux::inference
