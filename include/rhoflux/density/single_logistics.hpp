#pragma once

#include <cmath>

#include "rhoflux/core/log_sum_exp.hpp"
#include "rhoflux/core/math.hpp"
#include "rhoflux/density/factorised.hpp"
#include "rhoflux/device/loops.hpp"

/// The factors of a mixture of products where each is a single logistic (L = 1): loops over thousands of products that the
/// compiler turns into vector instructions.
namespace rhoflux::density {

/// One logistic at x, of location mu and inverse scale s: z = s (x - mu).
template <class Scalar>
struct LogisticAt {
  Scalar scale, z, e;  ///< e = e^-|z|

  /// log s + log sigmoid(z) + log sigmoid(-z)
  RHOFLUX_INLINED_FUNCTION Scalar log_density(Scalar log_scale) const {
    return log_scale - math::abs(z) - Scalar(2) * math::log1p_unit(e);
  }
  /// tanh(z / 2)
  RHOFLUX_INLINED_FUNCTION Scalar tanh_half() const {
    // A choice by the sign of z would stop the compiler from making vector instructions.
    return std::copysign((Scalar(1) - e) / (Scalar(1) + e), z);
  }
  /// d log f / d mu = s tanh(z / 2)
  RHOFLUX_INLINED_FUNCTION Scalar slope_at_location() const { return scale * tanh_half(); }
  /// d log f / d log s = 1 - z tanh(z / 2); finite, so that a share of 0 makes it 0.
  RHOFLUX_INLINED_FUNCTION Scalar slope_of_log_scale() const {
    constexpr Scalar far = Scalar(1e18);
    const Scalar size = math::abs(z) < far ? math::abs(z) : far;
    return Scalar(1) - size * (Scalar(1) - e) / (Scalar(1) + e);
  }
};

/// The mixtures of a network of one logistic each (or their adjoint), without the loop over logistics.
template <class Scalar>
struct SingleLogistics {
  MixtureView<Scalar> mixtures;

  RHOFLUX_INLINED_FUNCTION Scalar& logit(int head, int column) const {
    return mixtures.logits(head * mixtures.logits_stride, column);
  }
  RHOFLUX_INLINED_FUNCTION Scalar& location(int head, int column) const {
    return mixtures.shapes(head * mixtures.shapes_stride + mixtures.location_offset, column);
  }
  RHOFLUX_INLINED_FUNCTION Scalar& log_scale(int head, int column) const {
    return mixtures.shapes(head * mixtures.shapes_stride + mixtures.scale_offset, column);
  }
  RHOFLUX_INLINED_FUNCTION LogisticAt<Scalar> at(int head, int column, Scalar x) const {
    const Scalar s = math::exp(log_scale(head, column)), z = s * (x - location(head, column));
    return {s, z, math::exp(-math::abs(z))};
  }
};

/// log f_i^k of every product k and leading coordinate i, (K D, n).
template <class Scalar>
void single_logistic_densities(const ExecutionSpace& space, const MixtureView<Scalar>& mixtures,
                               const FactorIndex& index, const Points<Scalar>& points,
                               const Matrix<Scalar>& log_f) {
  const Matrix<Scalar> x = points.x, out = log_f;
  const SingleLogistics<Scalar> logistics = {mixtures};
  const int n_dims = index.n_dims;
  for (int i = 0; i < index.n_leading; ++i)
    for_each_entry(
        space, "log factors", index.n_products, points.size(), KOKKOS_LAMBDA(int k, int s) {
          const int head = k * n_dims + i;
          out(head, s) = logistics.at(head, s, x(i, s)).log_density(logistics.log_scale(head, s));
        });
}

/// log f_i^k and its derivatives along tangents (mu_dot, log_s_dot, x_dot), with z_dot = log_s_dot z + s (x_dot - mu_dot):
///   d log f = log_s_dot - z_dot tanh(z / 2).
/// @param x_dot (n_dims, n n_tangents) @param[out] log_f (K D, n) @param[out] log_f_dot (K D, n n_tangents)
template <class Scalar>
void single_logistic_tangents(const ExecutionSpace& space, const MixtureView<Scalar>& mixtures,
                              const FactorIndex& index, const Points<Scalar>& points, int n_tangents,
                              const ConstMatrix<Scalar>& x_dot, const Matrix<Scalar>& log_f,
                              const Matrix<Scalar>& log_f_dot) {
  const Matrix<Scalar> x = points.x, out = log_f_dot;
  const ConstMatrix<Scalar> moved = x_dot;
  const SingleLogistics<Scalar> logistics = {mixtures};
  const int n_dims = index.n_dims, n = points.size();
  single_logistic_densities<Scalar>(space, mixtures, index, points, log_f);
  for (int i = 0; i < index.n_leading; ++i)
    for_each_entry(
        space, "log factors tangent", index.n_products, n * n_tangents, KOKKOS_LAMBDA(int k, int column) {
          const int head = k * n_dims + i, s = column % n;
          const LogisticAt<Scalar> logistic = logistics.at(head, s, x(i, s));
          const Scalar log_s_dot = logistics.log_scale(head, n + column);
          const Scalar z_dot = log_s_dot * logistic.z +
                               logistic.scale * (moved(i, column) - logistics.location(head, n + column));
          out(head, column) = log_s_dot - z_dot * logistic.tanh_half();
        });
}

/// d log f_i^k / dx = -s tanh(z / 2), (K D, n).
template <class Scalar>
void single_logistic_slopes(const ExecutionSpace& space, const MixtureView<Scalar>& mixtures,
                            const FactorIndex& index, const Points<Scalar>& points,
                            const Matrix<Scalar>& slopes) {
  const Matrix<Scalar> x = points.x, out = slopes;
  const SingleLogistics<Scalar> logistics = {mixtures};
  const int n_dims = index.n_dims;
  for (int i = 0; i < index.n_leading; ++i)
    for_each_entry(
        space, "slopes of the factors", index.n_products, points.size(), KOKKOS_LAMBDA(int k, int s) {
          const int head = k * n_dims + i;
          out(head, s) = -logistics.at(head, s, x(i, s)).slope_at_location();
        });
}

/// log f_i^k and the velocity of the quantiles of each factor, which for one logistic is that of a scaled and moved line:
///   v_i^k = mu_dot - log_s_dot (x - mu).
/// The columns n .. 2 n - 1 of the network's outputs are the rates in time. @param[out] velocity, log_f (K D, n)
template <class Scalar>
void single_logistic_velocities(const ExecutionSpace& space, const MixtureView<Scalar>& mixtures,
                                const FactorIndex& index, const Points<Scalar>& points,
                                const Matrix<Scalar>& velocity, const Matrix<Scalar>& log_f) {
  const Matrix<Scalar> x = points.x, out = velocity;
  const SingleLogistics<Scalar> logistics = {mixtures};
  const int n_dims = index.n_dims, n = points.size();
  single_logistic_densities<Scalar>(space, mixtures, index, points, log_f);
  for (int i = 0; i < index.n_leading; ++i)
    for_each_entry(
        space, "factors in motion", index.n_products, n, KOKKOS_LAMBDA(int k, int s) {
          constexpr Scalar far = Scalar(1e18);  // finite, so that a share of 0 makes it 0
          const int head = k * n_dims + i;
          const Scalar distance = x(i, s) - logistics.location(head, s);
          const Scalar size = math::abs(distance) < far ? math::abs(distance) : far;
          out(head, s) = logistics.location(head, n + s) -
                         logistics.log_scale(head, n + s) * std::copysign(size, distance);
        });
}

/// Conditional distribution functions F_i = sum_k p_k F_i^k of one sample, p_k proportional to
/// gamma_k prod_{j<i} f_j^k: an item is a sample.
template <class Scalar>
struct SingleLogisticCdf {
  SingleLogistics<Scalar> logistics;
  ConstMatrix<Scalar> x, log_f;
  ProductLogits<Scalar> logits;
  Matrix<Scalar> prefix, scratch;       ///< (K, n), (2 K, n)
  Matrix<Scalar> log_below, log_above;  ///< (n_dims, n) log F_i, log(1 - F_i)
  FactorIndex index;

  RHOFLUX_FUNCTION void operator()(int s) const {
    const int n_products = index.n_products, n_dims = index.n_dims;
    Scalar* p = &prefix(0, s);
    Scalar* below = &scratch(0, s);
    Scalar* above = below + n_products;
    for (int k = 0; k < n_products; ++k) p[k] = logits.at(s)[k];
    for (int i = 0; i < index.n_leading; ++i) {
      const Scalar norm = log_sum_exp(static_cast<const Scalar*>(p), n_products), position = x(i, s);
      RHOFLUX_SIMD
      for (int k = 0; k < n_products; ++k) {
        const LogisticAt<Scalar> logistic = logistics.at(k * n_dims + i, s, position);
        const Scalar size = math::abs(logistic.z), rest = p[k] - norm - math::log1p_unit(logistic.e);
        below[k] = Scalar(0.5) * (logistic.z - size) + rest;  // log sigmoid(z)
        above[k] = Scalar(-0.5) * (logistic.z + size) + rest;
      }
      log_below(i, s) = log_sum_exp(static_cast<const Scalar*>(below), n_products);
      log_above(i, s) = log_sum_exp(static_cast<const Scalar*>(above), n_products);
      for (int k = 0; k < n_products; ++k) p[k] += log_f(k * n_dims + i, s);
    }
  }
};

/// The adjoint of log f_i^k of one coordinate i: an item is a block of products of one sample.
template <class Scalar>
struct SingleLogisticAdjoint {
  SingleLogistics<Scalar> logistics, bar;
  ConstMatrix<Scalar> x, log_share;
  ConstVector<Scalar> weight;
  Matrix<Scalar> head_x_bar;
  int n_products, n_dims, i;

  /// On a CPU the results of a block wait in arrays until they are scattered.
  static constexpr int length = runs_on_host<ExecutionSpace> ? 64 : 1;
  RHOFLUX_FUNCTION int n_blocks() const { return (n_products + length - 1) / length; }

  RHOFLUX_FUNCTION void operator()(int item) const {
    const int s = item / n_blocks(), begin = item % n_blocks() * length;
    const int count = n_products - begin < length ? n_products - begin : length;
    const Scalar factor = weight.extent(0) > 0 ? weight(s) : Scalar(1), position = x(i, s);
    Scalar share[length], scale[length], z[length], to_location[length], to_log_scale[length];
    RHOFLUX_SIMD
    for (int k = 0; k < count; ++k) share[k] = factor * math::exp(log_share(begin + k, s));
    RHOFLUX_SIMD
    for (int k = 0; k < count; ++k) {
      const int head = (begin + k) * n_dims + i;
      scale[k] = math::exp(logistics.log_scale(head, s));
      z[k] = scale[k] * (position - logistics.location(head, s));
    }
    RHOFLUX_SIMD
    for (int k = 0; k < count; ++k) {
      const LogisticAt<Scalar> logistic = {scale[k], z[k], math::exp(-math::abs(z[k]))};
      to_location[k] = share[k] * logistic.slope_at_location();
      to_log_scale[k] = share[k] * logistic.slope_of_log_scale();
    }
    for (int k = 0; k < count; ++k) {
      const int head = (begin + k) * n_dims + i;
      bar.logit(head, s) = 0;
      bar.location(head, s) = to_location[k];
      bar.log_scale(head, s) = to_log_scale[k];
      head_x_bar(head, s) = -to_location[k];
    }
  }
};

/// The adjoint of the network's outputs and of x by head: weight_s times the share of each product times what log f_i^k answers.
/// @param weight (n); empty: 1 @param log_share (K, n) @param[out] head_x_bar (K D, n)
template <class Scalar>
void single_logistic_adjoint(const ExecutionSpace& space, const MixtureView<Scalar>& mixtures,
                             const MixtureView<Scalar>& bar, const FactorIndex& index,
                             const Points<Scalar>& points, const ConstVector<Scalar>& weight,
                             const ConstMatrix<Scalar>& log_share, const Matrix<Scalar>& head_x_bar) {
  SingleLogisticAdjoint<Scalar> adjoint = {
      {mixtures}, {bar}, points.x, log_share, weight, head_x_bar, index.n_products, index.n_dims, 0};
  for (adjoint.i = 0; adjoint.i < index.n_leading; ++adjoint.i)
    for_each(space, "log factors adjoint", adjoint.n_blocks() * points.size(), adjoint);
}

}  // namespace rhoflux::density
