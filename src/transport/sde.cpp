#include "rhoflux/transport/sde.hpp"

#include <limits>
#include <sstream>

#include "rhoflux/core/draws.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::transport {
namespace detail {

void check_step(const density::Points<double>& points, const ConstVector<double>& deviation,
                const ConstMatrix<double>& normals, const ConstVector<double>& log_weight, int n_dims,
                int capacity) {
  const auto n = points.tau.extent(0), rows = static_cast<std::size_t>(n_dims);
  if (points.size() <= capacity && points.x.extent(0) == rows && points.x.extent(1) == n &&
      deviation.extent(0) == rows && normals.extent(0) == rows && normals.extent(1) == n &&
      (log_weight.extent(0) == 0 || log_weight.extent(0) == n))
    return;
  std::ostringstream message;
  message << "SDE: tau (" << n << "), x (" << points.x.extent(0) << ", " << points.x.extent(1)
          << "), deviation (" << deviation.extent(0) << "), normals (" << normals.extent(0) << ", "
          << normals.extent(1) << "), log_weight (" << log_weight.extent(0) << "): must be tau (n), x ("
          << n_dims << ", n), deviation (" << n_dims << "), normals (" << n_dims
          << ", n), log_weight (n) or (0) with n at most " << capacity;
  fail_input(message.str());
}

/// to = from + h slope + dW, at the time tau + h.
void euler_step(const ExecutionSpace& space, const density::Points<double>& from, const Matrix<double>& slope,
                double h, const ConstVector<double>& deviation, const ConstMatrix<double>& normals,
                const density::Points<double>& to) {
  const Vector<double> tau = from.tau, tau_next = to.tau;
  const Matrix<double> x = from.x, u = slope, x_next = to.x;
  const ConstVector<double> scale = deviation;
  const ConstMatrix<double> normal = normals;
  for_each_entry(
      space, "SDE Euler step", static_cast<int>(x.extent(0)), from.size(), KOKKOS_LAMBDA(int i, int s) {
        x_next(i, s) = x(i, s) + h * u(i, s) + scale(i) * normal(i, s);
        if (i == 0) tau_next(s) = tau(s) + h;
      });
}

/// From X* = X + h u + dW to X' = X + h/2 (u + u*) + dW = X* + h/2 (u* - u).
void correct(const ExecutionSpace& space, const density::Points<double>& predicted,
             const Matrix<double>& slope, const Matrix<double>& predicted_slope, double h,
             const density::Points<double>& points) {
  const Vector<double> tau = predicted.tau, tau_next = points.tau;
  const Matrix<double> x = predicted.x, u = slope, u_next = predicted_slope, x_next = points.x;
  for_each_entry(
      space, "SDE corrector", static_cast<int>(x.extent(0)), points.size(), KOKKOS_LAMBDA(int i, int s) {
        x_next(i, s) = x(i, s) + 0.5 * h * (u_next(i, s) - u(i, s));
        if (i == 0) tau_next(s) = tau(s);
      });
}

/// log w' = log w + h r.
void add_growth(const ExecutionSpace& space, double h, const Vector<double>& growth,
                const Vector<double>& log_weight) {
  const Vector<double> rate = growth, sum = log_weight;
  for_each(
      space, "SDE log weight", static_cast<int>(sum.extent(0)),
      KOKKOS_LAMBDA(int s) { sum(s) += h * rate(s); });
}

}  // namespace detail

StochasticIntegrator::StochasticIntegrator(int n_dims, int capacity)
    : m_n_dims(n_dims),
      m_capacity(capacity),
      m_predicted{make_vector<double>("SDE predicted times", capacity),
                  make_matrix<double>("SDE predicted points", n_dims, capacity)},
      m_slope(make_matrix<double>("SDE slope", n_dims, capacity)),
      m_predicted_slope(make_matrix<double>("SDE predicted slope", n_dims, capacity)),
      m_growth(make_vector<double>("SDE growth", capacity)),
      m_predicted_growth(make_vector<double>("SDE predicted growth", capacity)) {}

void StochasticIntegrator::step(const ExecutionSpace& space, const Drift& drift, SdeScheme scheme,
                                const density::Points<double>& points, double dtau,
                                const ConstVector<double>& deviation, const ConstMatrix<double>& normals,
                                const Vector<double>& log_weight) {
  detail::check_step(points, deviation, normals, log_weight, m_n_dims, m_capacity);
  const auto part = Kokkos::make_pair(0, points.size());
  const bool weighted = log_weight.extent(0) > 0;
  const Matrix<double> slope = Kokkos::subview(m_slope, Kokkos::ALL, part);
  const Vector<double> growth = weighted ? Vector<double>(Kokkos::subview(m_growth, part)) : Vector<double>();
  drift(space, points, {slope, growth});
  if (scheme == SdeScheme::euler_maruyama) {
    detail::euler_step(space, points, slope, dtau, deviation, normals, points);
    if (weighted) detail::add_growth(space, dtau, growth, log_weight);
    return;
  }
  const density::Points<double> predicted = {Kokkos::subview(m_predicted.tau, part),
                                             Kokkos::subview(m_predicted.x, Kokkos::ALL, part),
                                             points.conditions};
  const Matrix<double> predicted_slope = Kokkos::subview(m_predicted_slope, Kokkos::ALL, part);
  detail::euler_step(space, points, slope, dtau, deviation, normals, predicted);
  const Vector<double> predicted_growth =
      weighted ? Vector<double>(Kokkos::subview(m_predicted_growth, part)) : Vector<double>();
  drift(space, predicted, {predicted_slope, predicted_growth});
  detail::correct(space, predicted, slope, predicted_slope, dtau, points);
  if (!weighted) return;
  detail::add_growth(space, 0.5 * dtau, growth, log_weight);
  detail::add_growth(space, 0.5 * dtau, predicted_growth, log_weight);
}

void keep_finite(const ExecutionSpace& space, const density::Points<double>& points,
                 const ConstVector<double>& log_weight, const density::Points<double>& last) {
  const Vector<double> tau = points.tau, last_tau = last.tau;
  const ConstVector<double> weight = log_weight;
  const bool weighted = weight.extent(0) > 0;
  const Matrix<double> x = points.x, last_x = last.x;
  const int n_dims = static_cast<int>(x.extent(0));
  for_each(
      space, "finite particles", points.size(), KOKKOS_LAMBDA(int s) {
        bool is_finite = !weighted || math::abs(weight(s)) <= std::numeric_limits<double>::max();
        for (int i = 0; i < n_dims; ++i)
          is_finite = is_finite && math::abs(x(i, s)) <= std::numeric_limits<double>::max();
        if (!is_finite) return;
        last_tau(s) = tau(s);
        for (int i = 0; i < n_dims; ++i) last_x(i, s) = x(i, s);
      });
}

void fill_normals(const ExecutionSpace& space, std::uint64_t seed, std::uint64_t step,
                  const ConstVector<std::int64_t>& particles, const Matrix<double>& normals) {
  if (particles.extent(0) != normals.extent(1))
    fail_input("normals of " + std::to_string(normals.extent(1)) + " particles: must be those of the " +
               std::to_string(particles.extent(0)) + " numbers given");
  const RandomStream stream(seed, RandomPurpose::transport, step);
  const ConstVector<std::int64_t> number = particles;
  const Matrix<double> normal = normals;
  const int n_dims = static_cast<int>(normals.extent(0)), n_pairs = (n_dims + 1) / 2;
  for_each_entry(
      space, "normal numbers", n_pairs, static_cast<int>(particles.extent(0)),
      KOKKOS_LAMBDA(int pair, int s) {
        const RandomStream::Pair drawn = box_muller(
            stream.uniforms(static_cast<std::uint64_t>(number(s)), static_cast<std::uint32_t>(pair)));
        normal(2 * pair, s) = drawn.first;
        if (2 * pair + 1 < n_dims) normal(2 * pair + 1, s) = drawn.second;
      });
}

}  // namespace rhoflux::transport
