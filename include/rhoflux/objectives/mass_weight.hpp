#pragma once

#include "rhoflux/objectives/expectation_term.hpp"

namespace rhoflux::objectives {

/// The mass M(t) by which a cost over the population n = M rho weighs its samples (model.md (10.8a), (10.8b)): 1 where the density
/// does not grow.
template <class Scalar>
struct MassWeight {
  MassWeight(const ModelSamples<Scalar>& samples, const ModelSamplesBar<Scalar>& bar)
      : mass(samples.mass), log_mass_bar(bar.log_mass), is_given(samples.mass.extent(0) > 0) {}

  RHOFLUX_FUNCTION Scalar at(int s) const { return is_given ? mass(s) : Scalar(1); }
  /// @param cost weight M h of the sample, its own derivative by log M
  RHOFLUX_FUNCTION void add_adjoint(int s, Scalar cost) const {
    if (is_given) log_mass_bar(s) += cost;
  }

  ConstVector<Scalar> mass;
  Vector<Scalar> log_mass_bar;
  bool is_given;
};

}  // namespace rhoflux::objectives
