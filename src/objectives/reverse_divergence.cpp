#include <cmath>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/math.hpp"
#include "rhoflux/core/small_matrix.hpp"
#include "rhoflux/objectives/expectation_term.hpp"

namespace rhoflux::objectives {
namespace {

/// A mixture of Gaussians as kernels see it.
template <class Scalar>
class GaussiansOnDevice {
 public:
  explicit GaussiansOnDevice(const EndpointDistribution& distribution);

  /// log p(x); adds factor times its gradient to `out` (n_dims). @param work (n_dims)
  RHOFLUX_FUNCTION Scalar add_gradient(const Scalar* x, Scalar factor, Scalar* work, Scalar* out) const {
    Scalar largest = log_part(0, x, work);
    for (int k = 1; k < m_n_parts; ++k) {
      const Scalar value = log_part(k, x, work);
      largest = value > largest ? value : largest;
    }
    Scalar sum = 0;
    for (int k = 0; k < m_n_parts; ++k) sum += math::exp(log_part(k, x, work) - largest);
    for (int k = 0; k < m_n_parts; ++k) {
      const Scalar share = factor * math::exp(log_part(k, x, work) - largest) / sum;
      // work = root^{-1} (x - m); the gradient of log_part is -root^{-T} work.
      for (int i = 0; i < m_n_dims; ++i)
        for (int j = i; j < m_n_dims; ++j) out[i] -= share * inverse_root(k, j, i) * work[j];
    }
    return largest + math::log(sum);
  }

 private:
  RHOFLUX_FUNCTION Scalar number(int part, int k) const {
    return static_cast<Scalar>(m_numbers(part * (1 + m_n_dims + m_n_dims * m_n_dims) + k));
  }
  RHOFLUX_FUNCTION Scalar inverse_root(int part, int i, int j) const {
    return number(part, 1 + m_n_dims + i * m_n_dims + j);
  }
  /// log of the share times the density of a part; work = root^{-1} (x - m).
  RHOFLUX_FUNCTION Scalar log_part(int part, const Scalar* x, Scalar* work) const {
    Scalar square = 0;
    for (int i = 0; i < m_n_dims; ++i) {
      work[i] = 0;
      for (int j = 0; j <= i; ++j) work[i] += inverse_root(part, i, j) * (x[j] - number(part, 1 + j));
      square += work[i] * work[i];
    }
    return number(part, 0) - square / Scalar(2);
  }

  int m_n_parts, m_n_dims;
  /// Of each part: log of share and normalisation, mean (n_dims), root^{-1} (n_dims, n_dims).
  Vector<double> m_numbers;
};

template <class Scalar>
GaussiansOnDevice<Scalar>::GaussiansOnDevice(const EndpointDistribution& distribution)
    : m_n_parts(static_cast<int>(distribution.parts.size())), m_n_dims(distribution.n_dims()) {
  const auto n = static_cast<std::size_t>(m_n_dims);
  double total = 0;
  for (const EndpointDistribution::Part& part : distribution.parts) total += part.weight;
  std::vector<double> numbers;
  for (const EndpointDistribution::Part& part : distribution.parts) {
    double log_norm = std::log(part.weight / total) - 0.5 * static_cast<double>(n) * std::log(2 * M_PI);
    for (std::size_t i = 0; i < n; ++i) log_norm -= std::log(part.root[i * n + i]);
    numbers.push_back(log_norm);
    numbers.insert(numbers.end(), part.mean.begin(), part.mean.end());
    const std::vector<double> inverse = inverse_of_lower(part.root, n);
    numbers.insert(numbers.end(), inverse.begin(), inverse.end());
  }
  m_numbers = on_device<double>(numbers, "Gaussians of a law");
}

template <class Scalar>
class ReverseDivergence : public ExpectationTerm<Scalar> {
 public:
  ReverseDivergence(const std::string& name, const EndpointDistribution& distribution)
      : m_name(name), m_distribution(distribution) {}
  std::string name() const override { return m_name; }
  TermSums add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws, double weight,
               const ModelSamplesBar<Scalar>& bar) const override;

 private:
  std::string m_name;
  GaussiansOnDevice<Scalar> m_distribution;
};

template <class Scalar>
TermSums ReverseDivergence<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws,
                                        double weight, const ModelSamplesBar<Scalar>& bar) const {
  const Matrix<Scalar> x = draws.x, x_bar = bar.x, work = bar.scratch;
  const Vector<Scalar> log_rho = draws.log_rho, log_rho_bar = bar.log_rho, score_weight = bar.score_weight;
  const GaussiansOnDevice<Scalar> distribution = m_distribution;
  const auto scale = static_cast<Scalar>(weight);
  TermSums sums;
  Kokkos::parallel_reduce(
      "divergence from a law", Kokkos::RangePolicy<ExecutionSpace>(space, 0, draws.size()),
      KOKKOS_LAMBDA(int s, double& total) {
        const Scalar h = log_rho(s) - distribution.add_gradient(&x(0, s), -scale, &work(0, s), &x_bar(0, s));
        log_rho_bar(s) += scale;
        score_weight(s) += scale * h;
        total += static_cast<double>(h);
      },
      sums.value);
  return sums;
}

}  // namespace

template <class Scalar>
std::unique_ptr<ExpectationTerm<Scalar>> make_reverse_divergence(const std::string& name,
                                                                 const EndpointDistribution& distribution) {
  return std::make_unique<ReverseDivergence<Scalar>>(name, distribution);
}

template std::unique_ptr<ExpectationTerm<float>> make_reverse_divergence<float>(const std::string&,
                                                                                const EndpointDistribution&);
template std::unique_ptr<ExpectationTerm<double>> make_reverse_divergence<double>(
    const std::string&, const EndpointDistribution&);

}  // namespace rhoflux::objectives
