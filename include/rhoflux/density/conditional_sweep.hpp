#pragma once

#include "rhoflux/density/density.hpp"
#include "rhoflux/density/mixture_network.hpp"

namespace rhoflux::density {

/// Times, states and directions of one sweep over the conditionals.
template <class Scalar>
struct SweepInputs {
  ConstStridedVector<Scalar> tau;  ///< (n)
  ConstMatrix<Scalar> x;           ///< (n_dims, n); rows may be written by `visit` until they are fed
  int n_tangents = 0;
  ConstStridedVector<Scalar> tau_dot;  ///< (n_tangents * n); empty: zero
  ConstMatrix<Scalar> x_dot;           ///< (n_dims, n_tangents * n), written as x may be; empty: zero
  ConstMatrix<Scalar> conditions;      ///< (n_conditions, n); no tangent changes them

  /// Values alone.
  explicit SweepInputs(const Points<Scalar>& points)
      : tau(points.tau), x(points.x), conditions(points.conditions) {}
  SweepInputs(const Points<Scalar>& points, int n_groups, const ConstStridedVector<Scalar>& tau_rates,
              const ConstMatrix<Scalar>& x_rates)
      : tau(points.tau),
        x(points.x),
        n_tangents(n_groups),
        tau_dot(tau_rates),
        x_dot(x_rates),
        conditions(points.conditions) {}
};

/// The one way through an autoregressive density: evaluates the parameters of the conditionals f_1, .., f_m in
/// order and calls visit(i), i = 0..m-1, as soon as those of f_{i+1}(x_{i+1} | x_1..x_i, t) are there. Row i of x
/// and x_dot is read after visit(i): the visitor may draw x_{i+1}, or compute a velocity that the later
/// conditionals are to follow. One forward pass in total.
template <class Scalar, class Visit>
void sweep_conditionals(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                        MixtureNetwork<Scalar>& network, const SweepInputs<Scalar>& inputs,
                        int n_conditionals, const Visit& visit) {
  network.begin(space, {static_cast<int>(inputs.tau.extent(0)), inputs.n_tangents}, inputs.tau,
                inputs.tau_dot, inputs.conditions);
  for (int i = 0; i < n_conditionals; ++i) {
    if (i > 0) network.feed(space, i, row_of(inputs.x, i - 1), row_of(inputs.x_dot, i - 1));
    network.evaluate(space, parameters, i);
    visit(i);
  }
}

/// The same where all states and directions are known before: then the stages need not follow each other.
template <class Scalar>
void evaluate_conditionals(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                           MixtureNetwork<Scalar>& network, const SweepInputs<Scalar>& inputs,
                           int n_conditionals) {
  network.begin(space, {static_cast<int>(inputs.tau.extent(0)), inputs.n_tangents}, inputs.tau,
                inputs.tau_dot, inputs.conditions);
  network.evaluate_all(space, parameters, n_conditionals, inputs.x, inputs.x_dot);
}

}  // namespace rhoflux::density
