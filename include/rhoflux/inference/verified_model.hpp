#pragma once

#include <cstdint>
#include <vector>

#include "rhoflux/flux/config.hpp"
#include "rhoflux/inference/inference.hpp"

namespace rhoflux::inference {

/// Times tau (n) and states x (n, n_dims) in C order, model units.
struct States {
  std::vector<double> tau, x;

  /// States begin .. end.
  States part(std::size_t begin, std::size_t end) const;
};

/// What verify() asks of a model, in model units (x standardised, tau in [0, 1]). Tests put models here that
/// are wrong in one way.
class VerifiedModel {
 public:
  virtual ~VerifiedModel() = default;
  virtual int n_dims() const = 0;
  /// True if the population changes its size: density_and_drift() gives its mass and growth rate.
  virtual bool grows() const { return false; }
  /// True of densities of so much structure that nested integrals over two coordinates would not end.
  virtual bool is_finely_structured() const { return false; }

  /// Exact samples at the times tau; sample k of a stream is the same in any call.
  virtual States sample(const std::vector<double>& tau, std::uint64_t seed, std::uint64_t stream) const = 0;

  /// log of the marginal density of the first n_leading coordinates, (n); the others of x do not count.
  virtual std::vector<double> log_density(const States& at, int n_leading) const = 0;

  /// Conditional distribution functions F_i(x_i | x_1 .. x_{i-1}), (n, n_dims).
  virtual std::vector<double> conditional_cdf(const States& at) const = 0;

  /// An interval of each coordinate, (n, n_dims) each.
  struct Reach {
    std::vector<double> low, high;
  };
  /// Where the conditionals (x_i | x_1 .. x_{i-1}) have their mass: no logistic has more than e^log_mass of it on either
  /// side of these intervals.
  virtual Reach conditional_reach(const States& at, double log_mass) const = 0;

  /// Rounding of coordinate i besides that of its own digits.
  virtual double coordinate_rounding(int /*i*/) const { return 0; }

  struct DensityAndDrift {
    std::vector<double> log_density;  ///< (n)
    std::vector<double> drift;        ///< (n, n_dims) u of dX = u dtau + g dW
    std::vector<double> log_mass;     ///< (n); empty unless the density grows
    std::vector<double> growth;       ///< (n) growth rate, 1/tau; empty unless the density grows
  };
  virtual DensityAndDrift density_and_drift(const States& at) const = 0;

  /// g_i^2 / 2 of each coordinate that the drift is for, (n_dims).
  virtual std::vector<double> diffusion(double tau) const = 0;

  /// Density and flux of one coordinate, the others integrated out, (n) each.
  struct MarginalFlux {
    std::vector<double> density;
    std::vector<double> flux;  ///< rho_i v_i: mass per unit of tau that crosses x_i = x
  };
  /// A Monte Carlo integral, unless it is known in closed form.
  struct MonteCarlo {
    int samples = 64;
    std::uint64_t seed = 1;
  };
  /// @param i from 0 @param tau (n) @param x (n)
  virtual MarginalFlux marginal_flux(int i, const std::vector<double>& tau, const std::vector<double>& x,
                                     const MonteCarlo& integral) const = 0;
};

/// A trained model as verify() sees it.
class VerifiedInference : public VerifiedModel {
 public:
  /// @param inference must outlive the object @param volatility g that the drift is for
  VerifiedInference(const Inference& inference, const flux::Volatility& volatility)
      : m_inference(inference), m_volatility(volatility) {}

  int n_dims() const override { return m_inference.n_dims(); }
  bool grows() const override { return m_inference.grows(); }
  /// A mixture of more than 256 products.
  bool is_finely_structured() const override;
  States sample(const std::vector<double>& tau, std::uint64_t seed, std::uint64_t stream) const override;
  std::vector<double> log_density(const States& at, int n_leading) const override;
  std::vector<double> conditional_cdf(const States& at) const override;
  /// Of the flux `sigmoid` the tails of G count too.
  Reach conditional_reach(const States& at, double log_mass) const override;
  double coordinate_rounding(int i) const override;
  DensityAndDrift density_and_drift(const States& at) const override;
  std::vector<double> diffusion(double tau) const override;
  MarginalFlux marginal_flux(int i, const std::vector<double>& tau, const std::vector<double>& x,
                             const MonteCarlo& integral) const override;

 private:
  const Units& units() const { return m_inference.model().units; }
  std::vector<double> times(const std::vector<double>& tau) const;

  const Inference& m_inference;
  flux::Volatility m_volatility;
};

}  // namespace rhoflux::inference
