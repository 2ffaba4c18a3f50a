#include <algorithm>
#include <cmath>
#include <limits>

#include "checks.hpp"
#include "rhoflux/core/random.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {

constexpr double tau = 0.5;

/// Points after which a hopeless case is given up. In many dimensions few tell, and each costs the more.
int pilot_points(int n_dims) {
  return n_dims > many_dims ? 64 : 512;
}

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
      m_log_spreads += std::log(m_spread[i]);
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

  /// In logs: in many dimensions a kernel is smaller than numbers can be.
  double log_density(const double* x) const {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;  // log sum = largest + log(sum)
    for (std::size_t c = 0; c < m_n_centres; ++c) {
      const double kernel = log_kernel(x, &m_centres[c * m_dims]);
      if (kernel > largest) {
        sum = sum * std::exp(largest - kernel) + 1;
        largest = kernel;
      } else {
        sum += std::exp(kernel - largest);
      }
    }
    return largest + std::log(sum / static_cast<double>(m_n_centres));
  }

 private:
  /// sum_i log of e^{-|z_i|} / (spread_i (1 + e^{-|z_i|})^2), z_i = (x_i - centre_i) / spread_i.
  double log_kernel(const double* x, const double* centre) const {
    constexpr double large = 1e200;
    double exponent = -m_log_spreads, product = 1;
    for (std::size_t i = 0; i < m_dims; ++i) {
      const double z = std::fabs(x[i] - centre[i]) / m_spread[i];
      exponent -= z;
      product *= 1 + std::exp(-z);
      if (product < large) continue;
      exponent -= 2 * std::log(product);
      product = 1;
    }
    return exponent - 2 * std::log(product);
  }

  std::size_t m_dims, m_n_centres;
  std::vector<double> m_centres, m_spread;
  double m_log_spreads = 0;
  RandomStream m_random;
};

/// Ratios rho / q.
class Ratios {
 public:
  explicit Ratios(const std::vector<double>& ratios) { add(ratios); }
  void add(const std::vector<double>& ratios) {
    for (const double ratio : ratios) {
      m_sum += ratio;
      m_square += ratio * ratio;
    }
    m_count += static_cast<double>(ratios.size());
  }
  double count() const { return m_count; }
  double mean() const { return m_sum / m_count; }
  double standard_error() const { return std::sqrt((m_square / m_count - mean() * mean()) / m_count); }
  /// Equally weighted points that would tell as much.
  double n_effective() const { return m_square > 0 ? m_sum * m_sum / m_square : 0.0; }

 private:
  double m_sum = 0, m_square = 0, m_count = 0;
};

}  // namespace

/// E_q[rho / q]. With few points that count, neither the mean nor its error can be believed: the verdict is left open
/// then, and most of the points are not taken where the first of them show that.
Check check_mass_by_sampling(const VerifiedModel& model, const mpi::Communicator& comm,
                             const VerificationOptions& options) {
  constexpr double min_effective = 100;
  const KernelMixture mixture(model, static_cast<std::size_t>(options.mass_centres), options.seed);
  const auto n_dims = static_cast<std::size_t>(model.n_dims());
  const auto ratios_of = [&](std::int64_t first, std::int64_t last) {
    Progress progress = progress_of(options, "mass by importance sampling", (last - first) / comm.size());
    return mpi::over_blocks(
        comm, {last - first, default_chunk_size}, [&](std::int64_t begin, std::int64_t end) {
          States points;
          for (std::int64_t s = begin; s < end; ++s)
            mixture.draw(static_cast<std::size_t>(first + s), points);
          const std::vector<double> log_rho = model.log_density(points, model.n_dims());
          std::vector<double> ratios;
          for (std::size_t s = 0; s < log_rho.size(); ++s)
            ratios.push_back(std::exp(log_rho[s] - mixture.log_density(&points.x[s * n_dims])));
          progress.advance(end - begin);
          return ratios;
        });
  };
  Check check = {"mass, |int rho - 1|", 0, 0, Verdict::not_decided,
                 "importance sampling at tau = 1/2; the bound is 5 standard errors"};
  const int n_pilot = std::min(options.mass_points, pilot_points(model.n_dims()));
  Ratios found(ratios_of(0, n_pilot));
  // In many dimensions the share that counts falls with the number of points: only a clear case goes on.
  const double wanted = (model.n_dims() > many_dims ? 10 : 1) * min_effective;
  const bool is_hopeless = found.n_effective() * options.mass_points < wanted * found.count();
  if (!is_hopeless && options.mass_points > n_pilot) found.add(ratios_of(n_pilot, options.mass_points));
  check.value = std::fabs(found.mean() - 1);
  check.bound = 5 * found.standard_error();
  if (found.n_effective() > min_effective && !is_hopeless) {
    check.verdict = verdict_of(check.value, check.bound);
    return check;
  }
  if (!std::isfinite(found.mean())) {
    check.verdict = Verdict::failed;
    return check;
  }
  check.note += "; of " + formatted("%.0f", found.count()) + " points " +
                formatted("%.1f", found.n_effective()) + " count, and " + formatted("%.0f", min_effective) +
                " are needed: more of them (--mass-points, now " + std::to_string(options.mass_points) +
                ") would decide, in many dimensions only the conditionals do";
  return check;
}

}  // namespace rhoflux::inference
