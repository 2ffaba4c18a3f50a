#pragma once

#include "rhoflux/density/density.hpp"

namespace rhoflux::density {

/// While it lives, a density is the marginal of its first `n_leading` coordinates (Density::restrict_to);
/// afterwards it is what it was before, also where an exception ended the life.
template <class Scalar>
class LeadingCoordinates {
 public:
  LeadingCoordinates(Density<Scalar>& density, int n_leading)
      : m_density(density), m_before(density.n_leading()) {
    density.restrict_to(n_leading);
  }
  ~LeadingCoordinates() { m_density.restrict_to(m_before); }
  LeadingCoordinates(const LeadingCoordinates&) = delete;
  LeadingCoordinates& operator=(const LeadingCoordinates&) = delete;

 private:
  Density<Scalar>& m_density;
  int m_before;
};

}  // namespace rhoflux::density
