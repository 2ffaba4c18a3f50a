#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "rhoflux/core/draws.hpp"
#include "rhoflux/core/math.hpp"
#include "rhoflux/core/random.hpp"
#include "rhoflux/core/small_matrix.hpp"
#include "rhoflux/core/units.hpp"
#include "rhoflux/device/lattice.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/objectives/endpoint_distribution.hpp"

namespace rhoflux::objectives {

/// A mixture of Gaussians p(x) = sum_k s_k N(x; m_k, R_k R_k^T) as kernels see it, x in model units.
template <class Scalar>
class GaussianMixture {
 public:
  /// @param distribution Gaussians, in the units of the data
  /// @param units of the model; Units::identity: those of the data
  GaussianMixture(const EndpointDistribution& distribution, const Units& units);

  int n_dims() const { return m_n_dims; }

  /// log p(x); adds factor times its gradient to `out` (n_dims). @param work (n_dims)
  RHOFLUX_FUNCTION Scalar add_gradient(const Scalar* x, Scalar factor, Scalar* work, Scalar* out) const {
    // The gradient needs the largest and the sum, which log_sum_exp_of keeps for itself.
    Scalar largest = log_part(0, x, work);
    for (int k = 1; k < m_n_parts; ++k) {
      const Scalar value = log_part(k, x, work);
      largest = value > largest ? value : largest;
    }
    Scalar sum = 0;
    for (int k = 0; k < m_n_parts; ++k) sum += math::exp(log_part(k, x, work) - largest);
    for (int k = 0; k < m_n_parts; ++k) {
      const Scalar share = factor * math::exp(log_part(k, x, work) - largest) / sum;
      // work = R^{-1} (x - m); the gradient of log_part is -R^{-T} work.
      for (int i = 0; i < m_n_dims; ++i)
        for (int j = i; j < m_n_dims; ++j) out[i] -= share * inverse_root(k, j, i) * work[j];
    }
    return largest + math::log(sum);
  }

  /// Sample `index` of `count`: stratified over the parts (the first samples from the first part, and so on),
  /// the samples of one step on a lattice, which makes means of all of them precise.
  /// @param[out] x (n_dims)
  RHOFLUX_FUNCTION void even_sample(const RandomStream& random, std::int64_t index, std::int64_t count,
                                    Scalar* x) const {
    const double within = random.uniforms(static_cast<std::uint64_t>(index), 0).first;
    const auto pair = [&](int k) {
      return RandomStream::Pair{m_lattice.at(random, index, k), m_lattice.at(random, index, k + 1)};
    };
    sample_at((static_cast<double>(index) + within) / static_cast<double>(count), pair, x);
  }

  /// Sample `index`, independent of the others.
  /// @param[out] x (n_dims)
  RHOFLUX_FUNCTION void independent_sample(const RandomStream& random, std::int64_t index, Scalar* x) const {
    const auto sample = static_cast<std::uint64_t>(index);
    const auto pair = [&](int k) { return random.uniforms(sample, static_cast<std::uint32_t>(1 + k / 2)); };
    sample_at(random.uniforms(sample, 0).first, pair, x);
  }

 private:
  RHOFLUX_FUNCTION int entry(int part, int i, int j) const { return (part * m_n_dims + i) * m_n_dims + j; }
  RHOFLUX_FUNCTION Scalar inverse_root(int part, int i, int j) const {
    return static_cast<Scalar>(m_inverse_roots(entry(part, i, j)));
  }
  /// log of the share times the density of a part; work = R^{-1} (x - m).
  RHOFLUX_FUNCTION Scalar log_part(int part, const Scalar* x, Scalar* work) const {
    Scalar square = 0;
    for (int i = 0; i < m_n_dims; ++i) {
      work[i] = 0;
      for (int j = 0; j <= i; ++j)
        work[i] += inverse_root(part, i, j) * (x[j] - static_cast<Scalar>(m_means(part * m_n_dims + j)));
      square += work[i] * work[i];
    }
    return static_cast<Scalar>(m_log_norms(part)) - square / Scalar(2);
  }
  /// @param level in (0, 1), which chooses the part
  /// @param uniform_pair gives the uniforms of coordinates k and k + 1, k even
  template <class UniformPair>
  RHOFLUX_FUNCTION void sample_at(double level, const UniformPair& uniform_pair, Scalar* x) const {
    const int part = choose_index(level, m_n_parts, [&](int k) { return m_shares(k); });
    for (int i = 0; i < m_n_dims; ++i) {
      double value = m_means(part * m_n_dims + i);
      for (int j = 0; j <= i; ++j) {
        const RandomStream::Pair normals = box_muller(uniform_pair(j - j % 2));
        value += m_roots(entry(part, i, j)) * (j % 2 == 0 ? normals.first : normals.second);
      }
      x[i] = static_cast<Scalar>(value);
    }
  }

  int m_n_parts, m_n_dims;
  Vector<double> m_shares;                  ///< (n_parts) s, sum 1
  Vector<double> m_log_norms;               ///< (n_parts) log(s / ((2 pi)^(D/2) det R))
  Vector<double> m_means;                   ///< (n_parts, D) m
  Vector<double> m_roots, m_inverse_roots;  ///< (n_parts, D, D) R, lower triangular, and R^{-1}
  ShiftedLattice m_lattice;
};

template <class Scalar>
GaussianMixture<Scalar>::GaussianMixture(const EndpointDistribution& distribution, const Units& units)
    : m_n_parts(static_cast<int>(distribution.parts.size())),
      m_n_dims(distribution.n_dims()),
      m_lattice(distribution.n_dims() + 1) {
  const auto n = static_cast<std::size_t>(m_n_dims);
  double total = 0;
  for (const EndpointDistribution::Part& part : distribution.parts) total += part.weight;
  std::vector<double> shares, log_norms, means, roots, inverse_roots;
  for (const EndpointDistribution::Part& part : distribution.parts) {
    std::vector<double> root = part.root;
    double log_norm = std::log(part.weight / total) - 0.5 * static_cast<double>(n) * std::log(2 * M_PI);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) root[i * n + j] /= units.scale[i];
      log_norm -= std::log(root[i * n + i]);
      means.push_back(units.to_model(part.mean[i], i));
    }
    shares.push_back(part.weight / total);
    log_norms.push_back(log_norm);
    roots.insert(roots.end(), root.begin(), root.end());
    const std::vector<double> inverse = inverse_of_lower(root, n);
    inverse_roots.insert(inverse_roots.end(), inverse.begin(), inverse.end());
  }
  m_shares = on_device<double>(shares, "shares of the Gaussians");
  m_log_norms = on_device<double>(log_norms, "normalisation of the Gaussians");
  m_means = on_device<double>(means, "means of the Gaussians");
  m_roots = on_device<double>(roots, "roots of the Gaussians");
  m_inverse_roots = on_device<double>(inverse_roots, "inverse roots of the Gaussians");
}

/// How samples lie: GaussianMixture::independent_sample or even_sample.
enum class Spread { independent, even };

/// Which samples of a mixture of Gaussians.
struct GaussianSampleOptions {
  std::int64_t count = 0;
  std::uint64_t seed = 0;
  RandomPurpose purpose = RandomPurpose::initial_distribution;
  Spread spread = Spread::independent;
};

/// Samples of a mixture of Gaussians, units of the data: (count, D) in C order.
std::vector<double> sample_gaussians(const EndpointDistribution& distribution,
                                     const GaussianSampleOptions& options);

}  // namespace rhoflux::objectives
