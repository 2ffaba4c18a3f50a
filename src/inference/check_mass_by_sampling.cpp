#include <cmath>

#include "checks.hpp"
#include "rhoflux/core/random.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {

constexpr double tau = 0.5;

/// The density q that points are drawn from: a mixture of products of logistic kernels on samples of the
/// model, each a little wider than they are apart.
class KernelMixture {
 public:
  KernelMixture(const VerifiedModel& model, std::size_t n_centres, std::uint64_t seed)
      : m_dims(static_cast<std::size_t>(model.n_dims())),
        m_n_centres(n_centres),
        m_centres(model.sample(std::vector<double>(n_centres, tau), seed, stream::importance).x),
        m_spread(m_dims, 0.0),
        m_random(seed, RandomPurpose::metrics, 1) {
    const double bandwidth =
        0.9 * std::pow(static_cast<double>(n_centres), -1.0 / (static_cast<double>(m_dims) + 4));
    const auto count = static_cast<double>(n_centres);
    for (std::size_t i = 0; i < m_dims; ++i) {  // times the mean distance from the mean
      double mean = 0;
      for (std::size_t c = 0; c < n_centres; ++c) mean += m_centres[c * m_dims + i] / count;
      for (std::size_t c = 0; c < n_centres; ++c)
        m_spread[i] += bandwidth * std::fabs(m_centres[c * m_dims + i] - mean) / count;
    }
  }

  /// Draw number s.
  void draw(std::size_t s, States& points) const {
    points.tau.push_back(tau);
    for (std::size_t i = 0; i < m_dims; ++i) {
      const double u = m_random.uniforms(s, static_cast<std::uint32_t>(i)).first;
      points.x.push_back(m_centres[s % m_n_centres * m_dims + i] + m_spread[i] * std::log(u / (1 - u)));
    }
  }

  double log_density(const double* x) const {
    double q = 0;
    for (std::size_t c = 0; c < m_n_centres; ++c) {
      double kernel = 1;
      for (std::size_t i = 0; i < m_dims; ++i) {
        const double e = std::exp(-std::fabs(x[i] - m_centres[c * m_dims + i]) / m_spread[i]);
        kernel *= e / (m_spread[i] * (1 + e) * (1 + e));
      }
      q += kernel / static_cast<double>(m_n_centres);
    }
    return std::log(q);
  }

 private:
  std::size_t m_dims, m_n_centres;
  std::vector<double> m_centres, m_spread;
  RandomStream m_random;
};

}  // namespace

/// E_q[rho / q].
std::optional<Check> check_mass_by_sampling(const VerifiedModel& model, const mpi::Communicator& comm,
                                            const VerificationOptions& options) {
  const KernelMixture mixture(model, static_cast<std::size_t>(options.mass_centres), options.seed);
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    States points;
    for (std::int64_t s = begin; s < end; ++s) mixture.draw(static_cast<std::size_t>(s), points);
    const std::vector<double> log_rho = model.log_density(points, model.n_dims());
    std::vector<double> ratios;
    for (std::size_t s = 0; s < log_rho.size(); ++s)
      ratios.push_back(std::exp(
          log_rho[s] - mixture.log_density(&points.x[s * static_cast<std::size_t>(model.n_dims())])));
    return ratios;
  };
  const std::vector<double> ratios =
      mpi::over_blocks(comm, {options.mass_points, default_chunk_size}, compute);
  const double n_points = options.mass_points;
  double sum = 0, square = 0;
  for (const double ratio : ratios) {
    sum += ratio;
    square += ratio * ratio;
  }
  const double mean = sum / n_points;
  const double standard_error = std::sqrt((square / n_points - mean * mean) / n_points);
  // With few points that count, neither the mean nor its error can be believed: nothing is said then.
  constexpr double min_effective = 100;
  if (!(sum * sum > min_effective * square)) return {};
  return Check{"mass, |int rho - 1|", std::fabs(mean - 1), 5 * standard_error,
               std::fabs(mean - 1) <= 5 * standard_error,
               "importance sampling at tau = 1/2; the bound is 5 standard errors"};
}

}  // namespace rhoflux::inference
