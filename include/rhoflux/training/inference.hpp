#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rhoflux/density/density.hpp"
#include "rhoflux/training/checkpoint.hpp"

namespace rhoflux::training {

/// A trained model in double precision that takes and gives original units. Every function handles any number
/// of points, in chunks.
class Inference {
 public:
  explicit Inference(const Checkpoint& checkpoint);
  ~Inference();

  const ModelDescription& model() const { return m_model; }
  int n_dims() const { return m_model.units.n_dims(); }

  /// log rho_t(x) in model units, (n).
  /// @param t (n) @param x (n, n_dims) in C order
  std::vector<double> standardised_log_density(const std::vector<double>& t,
                                               const std::vector<double>& x) const;

  struct Derivatives {
    std::vector<double> log_density;      ///< (n), log of 1/units^D
    std::vector<double> score;            ///< (n, n_dims), 1/units
    std::vector<double> dlog_density_dt;  ///< (n), 1/time
  };
  Derivatives derivatives(const std::vector<double>& t, const std::vector<double>& x) const;

  /// Exact draws at times t (n), with the random numbers of the global sample indices `index` (n).
  /// @param stream step of the random stream, e.g. the index of the requested time
  std::vector<double> sample(const std::vector<double>& t, const std::vector<std::int64_t>& index,
                             std::uint64_t seed, std::uint64_t stream) const;

  /// Conditional CDFs F_i(x_i | x_1..x_{i-1}), (n, n_dims).
  std::vector<double> conditional_cdf(const std::vector<double>& t, const std::vector<double>& x) const;

 private:
  struct Workspace;
  ModelDescription m_model;
  std::unique_ptr<Workspace> m_work;
};

}  // namespace rhoflux::training
