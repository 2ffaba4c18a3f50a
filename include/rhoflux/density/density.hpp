#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rhoflux/density/config.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/device/gradient_listener.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/network/parameter_layout.hpp"
#include "rhoflux/network/passes.hpp"

namespace rhoflux::density {

/// The samples of one call: times tau in [0, 1], states in standardised units, and the conditions c of a model
/// rho_t(x | c), which are inputs of the networks beside time and do not change along any path.
template <class Scalar>
struct Points {
  Vector<Scalar> tau;              ///< (n)
  Matrix<Scalar> x;                ///< (n_dims, n)
  Matrix<Scalar> conditions = {};  ///< (n_conditions, n) model units; empty: a model without conditions
  int size() const { return static_cast<int>(tau.extent(0)); }
  /// Samples begin .. end - 1.
  Points part(int begin, int end) const {
    const auto range = Kokkos::make_pair(begin, end);
    Points some = {Kokkos::subview(tau, range), Kokkos::subview(x, Kokkos::ALL, range)};
    if (conditions.extent(0) > 0) some.conditions = Kokkos::subview(conditions, Kokkos::ALL, range);
    return some;
  }
};

/// Largest call that the workspace of a density is made for.
struct Capacity {
  int samples = default_chunk_size;  ///< a chunk whose activations stay in cache
  int tangents = 0;                  ///< directions of log_density_tangent
  Passes passes = Passes::forward_and_adjoint;
  MatrixPrecision precision = MatrixPrecision::full;
};

/// Rows drawn evenly from the training data, for the starting point of the parameters.
struct InitialRows {
  int n_dims = 0;
  std::vector<double> x;  ///< (n_rows, n_dims) in C order, standardised units
};

/// A density rho_t(x) that is positive and integrates to one for every value of its parameters. All functions
/// handle at most capacity.samples points, write to views that the caller provides, and allocate nothing.
template <class Scalar>
class Density {
 public:
  virtual ~Density() = default;

  int n_dims() const { return m_n_dims; }
  /// Coordinates that count, x_1 .. x_n_leading: all of them, unless `restrict_to` says less.
  int n_leading() const { return m_n_leading; }
  /// From now on every function is about the marginal of the first `n_leading` coordinates, which every
  /// family has in closed form. Arrays keep their n_dims rows; those of the other coordinates are not
  /// used.
  virtual void restrict_to(int n_leading) { m_n_leading = n_leading; }
  /// Rows of Points::conditions.
  int n_conditions() const { return m_n_conditions; }
  const Capacity& capacity() const { return m_capacity; }
  const network::ParameterLayout& layout() const { return m_layout; }
  /// From now on the gradients tell `listener` (null: nobody) what they have added to. It must outlive them.
  virtual void set_gradient_listener(GradientListener* listener) = 0;

  /// Random weights, and mixtures placed on the quantiles of the data so that the first steps are sane.
  /// @return (layout size)
  virtual std::vector<double> initialise(const InitialRows& rows, std::uint64_t seed) const = 0;

  /// log rho (n), standardised units.
  virtual void log_density(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                           const Points<Scalar>& points, const Vector<Scalar>& log_rho) = 0;

  /// log rho (n), and its derivative log_rho_dot (n_tangents * n, direction by direction) along
  /// (tau_dot (n_tangents * n), x_dot (n_dims, n_tangents * n)).
  virtual void log_density_tangent(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                   const Points<Scalar>& points, int n_tangents,
                                   const ConstVector<Scalar>& tau_dot, const ConstMatrix<Scalar>& x_dot,
                                   const Vector<Scalar>& log_rho, const Vector<Scalar>& log_rho_dot) = 0;

  /// log rho (n), and adds sum_s weight_s d log rho_s / dparameters to parameters_bar.
  virtual void log_density_gradient(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                    const Points<Scalar>& points, const ConstVector<Scalar>& weight,
                                    const Vector<Scalar>& log_rho, const Vector<Scalar>& parameters_bar) = 0;

  /// log rho (n), d log rho / dtau (n) and the score d log rho / dx (n_dims, n), by one adjoint pass.
  virtual void log_density_score(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                 const Points<Scalar>& points, const Vector<Scalar>& log_rho,
                                 const Vector<Scalar>& tau_bar, const Matrix<Scalar>& score) = 0;

  /// Conditional CDFs F_i(x_i | x_1..x_{i-1}, t): log F (n_dims, n) and log(1 - F) (n_dims, n).
  virtual void log_conditional_cdf(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                   const Points<Scalar>& points, const Matrix<Scalar>& log_below,
                                   const Matrix<Scalar>& log_above) = 0;

  /// The interval of each coordinate outside of which no logistic of its conditional (x_i | x_1..x_{i-1}, t) has more than
  /// the mass e^log_mass on either side (see reach()): low (n_dims, n) and high (n_dims, n).
  virtual void conditional_reach(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                 const Points<Scalar>& points, Scalar log_mass, const Matrix<Scalar>& low,
                                 const Matrix<Scalar>& high) = 0;

  /// Uniform numbers that one sample needs.
  virtual int uniforms_per_sample() const = 0;

  /// Exact draws from rho at the times points.tau, written to points.x.
  /// @param uniforms (uniforms_per_sample, n) in (0, 1)
  virtual void sample(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                      const Points<Scalar>& points, const ConstMatrix<double>& uniforms) = 0;

  /// Completes states of which some coordinates are given: draws the others, each given those before it, so
  /// that E[e^log_weight] is the marginal density of the given ones, and points.x, weighted by e^log_weight,
  /// follows the distribution of the others given them.
  /// @param is_given (n_dims) 1 where points.x is given, else 0
  /// @param uniforms (uniforms_per_sample, n) in (0, 1)
  /// @param[out] log_weight (n)
  virtual void complete(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                        const Points<Scalar>& points, const ConstVector<int>& is_given,
                        const ConstMatrix<double>& uniforms, const Vector<Scalar>& log_weight) = 0;

 protected:
  Density(const Config& config, int n_dims, const Capacity& capacity)
      : m_n_dims(n_dims), m_n_leading(n_dims), m_n_conditions(config.n_conditions), m_capacity(capacity) {}

  int m_n_dims, m_n_leading, m_n_conditions;
  Capacity m_capacity;
  network::ParameterLayout m_layout;
};

/// Throws Error (bad input) where a configuration does not fit the dimension.
void require_valid(const Config& config, int n_dims);

/// The density that the configuration describes. Throws Error (bad input) where it does not fit the
/// dimension.
template <class Scalar>
std::unique_ptr<Density<Scalar>> make_density(const Config& config, int n_dims, const Capacity& capacity);

}  // namespace rhoflux::density
