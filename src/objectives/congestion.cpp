#include "clip.hpp"
#include "rhoflux/core/math.hpp"
#include "rhoflux/objectives/expectation_term.hpp"

namespace rhoflux::objectives {
namespace {

/// h = rho(x).
template <class Scalar>
class Crowding : public ExpectationTerm<Scalar> {
 public:
  explicit Crowding(double limit) : m_limit(static_cast<Scalar>(limit)) {}
  std::string name() const override { return "congestion"; }
  TermSums add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws, double weight,
               const ModelSamplesBar<Scalar>& bar) const override;

 private:
  Scalar m_limit;
};

template <class Scalar>
TermSums Crowding<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws, double weight,
                               const ModelSamplesBar<Scalar>& bar) const {
  const Vector<Scalar> log_rho = draws.log_rho, log_rho_bar = bar.log_rho, score_weight = bar.score_weight;
  const Scalar scale = static_cast<Scalar>(weight), limit = m_limit;
  TermSums sums;
  Kokkos::parallel_reduce(
      "congestion", Kokkos::RangePolicy<ExecutionSpace>(space, 0, draws.size()),
      KOKKOS_LAMBDA(int s, double& total, double& clipped) {
        const Scalar rho = math::exp(log_rho(s));
        const Clipped<Scalar> h = clip(rho, limit);
        log_rho_bar(s) += scale * h.slope * rho;
        add_sample_cost(h, scale, score_weight(s), total, clipped);
      },
      sums.value, sums.clipped);
  return sums;
}

/// h = mean of K(x - y) over the other draws y of the group.
template <class Scalar>
class PairCongestion : public ExpectationTerm<Scalar> {
 public:
  PairCongestion(const PairKernel& kernel, int group, double limit)
      : m_is_gaussian(kernel.kind == PairKernel::Kind::gaussian),
        m_group(group),
        m_inverse_square(static_cast<Scalar>(1 / (kernel.length * kernel.length))),
        m_limit(static_cast<Scalar>(limit)) {}
  std::string name() const override { return "congestion"; }
  TermSums add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws, double weight,
               const ModelSamplesBar<Scalar>& bar) const override;

 private:
  bool m_is_gaussian;
  int m_group;
  Scalar m_inverse_square, m_limit;
};

/// Each pair is looked at from both sides. The sum of h over a group is sum_{s != b} K / (m - 1), in which
/// each pair counts twice, so the derivative by x_s is 2 / (m - 1) sum_b grad K(x_s - x_b). Clipping is of K.
template <class Scalar>
TermSums PairCongestion<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& draws,
                                     double weight, const ModelSamplesBar<Scalar>& bar) const {
  const Matrix<Scalar> x = draws.x, x_bar = bar.x;
  const Vector<Scalar> score_weight = bar.score_weight;
  const int n_dims = static_cast<int>(x.extent(0)), group = m_group, n = draws.size();
  const Scalar scale = static_cast<Scalar>(weight), inverse_square = m_inverse_square, limit = m_limit;
  const bool is_gaussian = m_is_gaussian;
  const Scalar share = Scalar(1) / static_cast<Scalar>(group - 1);
  TermSums sums;
  Kokkos::parallel_reduce(
      "pair congestion", Kokkos::RangePolicy<ExecutionSpace>(space, 0, n),
      KOKKOS_LAMBDA(int s, double& total, double& clipped) {
        const int begin = s / group * group;
        Scalar mean = 0;
        bool acts = false;
        for (int b = begin; b < begin + group && b < n; ++b) {
          if (b == s) continue;
          Scalar square = 0;
          for (int i = 0; i < n_dims; ++i) square += (x(i, s) - x(i, b)) * (x(i, s) - x(i, b));
          square *= inverse_square;
          const Scalar kernel =
              is_gaussian ? math::exp(-square / Scalar(2)) : Scalar(1) / (Scalar(1) + square);
          const Clipped<Scalar> h = clip(kernel, limit);
          // dK / d(x_s - x_b) = rate (x_s - x_b)
          const Scalar rate = -inverse_square * (is_gaussian ? kernel : Scalar(2) * kernel * kernel);
          const Scalar factor = Scalar(2) * scale * share * h.slope * rate;
          for (int i = 0; i < n_dims; ++i) x_bar(i, s) += factor * (x(i, s) - x(i, b));
          mean += share * h.value;
          acts = acts || h.acts;
        }
        score_weight(s) += Scalar(2) * scale * mean;
        total += static_cast<double>(mean);
        clipped += acts ? 1 : 0;
      },
      sums.value, sums.clipped);
  return sums;
}

}  // namespace

template <class Scalar>
std::unique_ptr<ExpectationTerm<Scalar>> make_congestion(const Config& config) {
  if (config.congestion_kernel.is_pairwise())
    return std::make_unique<PairCongestion<Scalar>>(config.congestion_kernel, config.congestion_group,
                                                    config.congestion.clip);
  return std::make_unique<Crowding<Scalar>>(config.congestion.clip);
}

template std::unique_ptr<ExpectationTerm<float>> make_congestion<float>(const Config&);
template std::unique_ptr<ExpectationTerm<double>> make_congestion<double>(const Config&);

}  // namespace rhoflux::objectives
