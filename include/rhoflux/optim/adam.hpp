#pragma once

#include <cstdint>

#include "rhoflux/device/reductions.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/optim/config.hpp"

namespace rhoflux::optim {

/// The state that a continued run needs besides the parameters; all (n_parameters).
template <class Scalar>
struct AdamState {
  Vector<Scalar> first_moment;
  Vector<Scalar> second_moment;
};

/// Euclidean norm of the gradient, summed in double precision in an order that does not depend on the run.
template <class Scalar>
double norm(const ExecutionSpace& space, const Vector<Scalar>& gradient);
/// Adds its square to to.sums(0), without waiting for it.
template <class Scalar>
void add_squared_norm(const ExecutionSpace& space, const Vector<Scalar>& gradient, const PairOfSums& to);

/// One step: with g = gradient_scale * gradient,
///   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,
///   p -= learning_rate (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + weight_decay p).
/// @param step t, from 1
/// @param gradient_scale at most 1: what clipping multiplies the gradient with
template <class Scalar>
void adam_step(const ExecutionSpace& space, const AdamConfig& config, std::int64_t step, double learning_rate,
               double gradient_scale, const Vector<Scalar>& gradient, const AdamState<Scalar>& state,
               const Vector<Scalar>& parameters);

/// average += (1 - decay) (parameters - average).
template <class Scalar>
void update_average(const ExecutionSpace& space, double decay, const Vector<Scalar>& parameters,
                    const Vector<Scalar>& average);

}  // namespace rhoflux::optim
