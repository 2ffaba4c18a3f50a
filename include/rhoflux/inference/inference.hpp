#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rhoflux/checkpoint/checkpoint.hpp"
#include "rhoflux/flux/dynamics.hpp"

namespace rhoflux::inference {

/// A trained model in double precision that takes and gives original units. Every function handles any number
/// of points, in chunks, and throws Error (bad input) where the sizes of its arguments do not fit.
class Inference {
 public:
  explicit Inference(const checkpoint::Checkpoint& checkpoint);
  ~Inference();

  const checkpoint::ModelDescription& model() const { return m_model; }
  int n_dims() const { return m_model.units.n_dims(); }
  const ConditionEncoding& conditions() const { return m_model.conditions; }
  /// Sets the conditions of the points of the next calls, see ConditionScope. @return those before
  std::vector<double> exchange_conditions(std::vector<double> conditions) const;
  /// Their inputs of the networks for points first .. first + n - 1 of a call, (n_conditions, n); empty for a model
  /// without conditions. Throws Error (bad input) where the model has conditions and none are set.
  Matrix<double> condition_rows(std::size_t first, int n) const;

  /// log rho_t(x) in model units, (n).
  /// @param t (n) @param x (n, n_dims) in C order
  std::vector<double> standardised_log_density(const std::vector<double>& t,
                                               const std::vector<double>& x) const;
  /// The same of the marginal of the first `n_leading` coordinates; the others of x do not count.
  std::vector<double> standardised_log_density(const std::vector<double>& t, const std::vector<double>& x,
                                               int n_leading) const;

  struct Derivatives {
    std::vector<double> log_density;      ///< (n), log of 1/units^D
    std::vector<double> score;            ///< (n, n_dims), 1/units
    std::vector<double> dlog_density_dt;  ///< (n), 1/time
  };
  Derivatives derivatives(const std::vector<double>& t, const std::vector<double>& x) const;

  struct DynamicsValues {
    std::vector<double> log_density;  ///< (n), log of 1/units^D
    std::vector<double> velocity;     ///< (n, n_dims) j / rho, units/time
    std::vector<double> score;        ///< (n, n_dims), 1/units
    std::vector<double> drift;        ///< (n, n_dims) u = j / rho + g^2 / 2 score, units/time
    std::vector<double> growth;       ///< (n) r, births minus deaths, 1/time; empty unless the density grows
    std::vector<double> log_mass;     ///< (n) log M(t), 0 at the first time; empty unless the density grows
  };
  /// Times outside the range of the data are taken as they are; Units::is_in_time_range tells them.
  /// Velocity, score and drift of dX = u dt + g dW for g = volatility (units/sqrt(time)).
  DynamicsValues dynamics_at(const std::vector<double>& t, const std::vector<double>& x,
                             const flux::Volatility& volatility) const;

  /// Densities of which the model is the mean.
  int n_members() const;
  /// By how much the members of an ensemble (2 or more), each as a model of its own, differ: the sample standard deviation over
  /// them, in the units of DynamicsValues.
  struct Spread {
    std::vector<double> log_density;  ///< (n)
    std::vector<double> drift;        ///< (n, n_dims)
    std::vector<double> growth;       ///< (n); empty unless the density grows
  };
  Spread spread_of_members(const std::vector<double>& t, const std::vector<double>& x,
                           const flux::Volatility& volatility) const;

  /// True if the population of the model changes its size (model.md section 10).
  bool grows() const;
  /// log M(t), (n); 0 unless the density grows.
  std::vector<double> log_mass(const std::vector<double>& t) const;
  /// Mass M(t) of the population, (n), relative to that at the first time of the model; 1 unless the density grows.
  std::vector<double> mass(const std::vector<double>& t) const;

  /// Coordinates of a marginal and how it is found.
  struct Marginal {
    std::vector<int> dims;   ///< coordinates kept, from 0, in the order of the output
    int samples = 64;        ///< Monte Carlo samples of the others at each point
    std::uint64_t seed = 1;  ///< of those samples, which are the same at each point
  };
  /// True if the marginal is known in closed form: a leading block of the coordinates (x_1, x_1 x_2, ..), all
  /// of them included, and no divergence-free part unless all of them are kept.
  bool is_exact(const Marginal& marginal) const;

  struct MarginalValues {
    std::vector<double> density;        ///< (n), 1/units^m
    std::vector<double> density_error;  ///< (n) standard error; 0 where exact
    std::vector<double> drift;          ///< (n, m): E[u | the coordinates kept], units/time
    std::vector<double> growth;  ///< (n): E[r | the coordinates kept], 1/time; empty unless the density grows
  };
  /// Density, drift and growth rate of some coordinates, the others integrated out.
  /// @param x (n, m) in C order, m = marginal.dims.size()
  MarginalValues marginal(const std::vector<double>& t, const std::vector<double>& x,
                          const Marginal& marginal, const flux::Volatility& volatility) const;

  /// The model as kernels see it: model units, in calls of at most `default_chunk_size` points.
  flux::Dynamics<double>& dynamics() const;
  const Vector<double>& parameters() const;
  /// g^2 / 2 of each coordinate in model units (dx^2 / dtau) at time t, (n_dims).
  std::vector<double> diffusion(const flux::Volatility& volatility, double t) const;

  /// Exact model samples at times t (n), with the random numbers of the global sample indices `index` (n).
  /// @param stream step of the random stream, e.g. the index of the requested time
  /// @return (n, n_dims)
  std::vector<double> sample(const std::vector<double>& t, const std::vector<std::int64_t>& index,
                             std::uint64_t seed, std::uint64_t stream) const;
  /// Samples begin .. end - 1 of a stream, all at time t.
  std::vector<double> sample_at(double t, std::int64_t begin, std::int64_t end, std::uint64_t seed,
                                std::uint64_t stream) const;

  /// Conditional CDFs F_i(x_i | x_1..x_{i-1}), (n, n_dims).
  std::vector<double> conditional_cdf(const std::vector<double>& t, const std::vector<double>& x) const;

 private:
  /// Evaluates points in chunks: compute(points) on the device, then take(row, s) for each row, which finds
  /// its results in column s of the workspace on the host.
  template <class Compute, class Take>
  void at_points(const std::vector<double>& t, const std::vector<double>& x, const Compute& compute,
                 const Take& take) const;
  MarginalValues exact_marginal(const std::vector<double>& t, const std::vector<double>& x,
                                const Marginal& marginal, const flux::Volatility& volatility) const;
  MarginalValues sampled_marginal(const std::vector<double>& t, const std::vector<double>& x,
                                  const Marginal& marginal, const flux::Volatility& volatility) const;

  struct Workspace;
  checkpoint::ModelDescription m_model;
  std::unique_ptr<Workspace> m_work;
};

}  // namespace rhoflux::inference
