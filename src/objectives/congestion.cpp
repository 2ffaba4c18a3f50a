#include "rhoflux/core/math.hpp"
#include "rhoflux/device/reductions.hpp"
#include "rhoflux/objectives/expectation_term.hpp"
#include "rhoflux/objectives/saturation.hpp"

namespace rhoflux::objectives {
namespace {

/// h = rho(x).
template <class Scalar>
class Crowding final : public ExpectationTerm<Scalar> {
 public:
  explicit Crowding(const TermContext<Scalar>& context)
      : m_limit(static_cast<Scalar>(context.schedule.saturation)) {}
  void add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
           const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const override;

 private:
  Scalar m_limit;
};

template <class Scalar>
void Crowding<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
                           const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const {
  const ConstVector<Scalar> log_rho = samples.log_rho;
  const Vector<Scalar> log_rho_bar = bar.log_rho, score_weight = bar.score_weight;
  const Scalar scale = static_cast<Scalar>(weight), limit = m_limit;
  add_sums(
      space, "congestion", samples.size(),
      KOKKOS_LAMBDA(int s, double& total, double& saturated) {
        const Scalar rho = math::exp(log_rho(s));
        const Saturated<Scalar> h = saturate(rho, limit);
        log_rho_bar(s) += scale * h.slope * rho;
        add_sample_cost(h, scale, score_weight(s), total, saturated);
      },
      totals);
}

/// h = mean of K(x - y) over the other samples y of the group: an unbiased estimate of E_{rho x rho} K, whose
/// pairs are all of one rank.
template <class Scalar>
class PairCongestion final : public ExpectationTerm<Scalar> {
 public:
  explicit PairCongestion(const TermContext<Scalar>& context)
      : m_is_gaussian(context.config.congestion_kernel.kind == PairKernel::Kind::gaussian),
        m_group(context.config.congestion_group),
        m_limit(static_cast<Scalar>(context.schedule.saturation)) {
    const double length = context.config.congestion_kernel.length;
    m_inverse_square = static_cast<Scalar>(1 / (length * length));
  }
  void add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples, double weight,
           const ModelSamplesBar<Scalar>& bar, const TermTotals& totals) const override;

 private:
  bool m_is_gaussian;
  int m_group;
  Scalar m_inverse_square, m_limit;
};

/// Each pair is looked at from both sides. The sum of h over a group is sum_{s != b} K / (m - 1), in which
/// each pair counts twice, so the derivative by x_s is 2 / (m - 1) sum_b grad K(x_s - x_b). Each K
/// saturates.
template <class Scalar>
void PairCongestion<Scalar>::add(const ExecutionSpace& space, const ModelSamples<Scalar>& samples,
                                 double weight, const ModelSamplesBar<Scalar>& bar,
                                 const TermTotals& totals) const {
  const ConstMatrix<Scalar> x = samples.x;
  const Matrix<Scalar> x_bar = bar.x;
  const Vector<Scalar> score_weight = bar.score_weight;
  const int n_dims = static_cast<int>(x.extent(0)), group = m_group, n = samples.size();
  const Scalar scale = static_cast<Scalar>(weight), inverse_square = m_inverse_square, limit = m_limit;
  const bool is_gaussian = m_is_gaussian;
  const Scalar share = Scalar(1) / static_cast<Scalar>(group - 1);
  add_sums(
      space, "pair congestion", n,
      KOKKOS_LAMBDA(int s, double& total, double& saturated) {
        const int begin = s / group * group;
        Scalar mean = 0;
        bool is_saturated = false;
        for (int b = begin; b < begin + group && b < n; ++b) {
          if (b == s) continue;
          Scalar square = 0;
          for (int i = 0; i < n_dims; ++i) square += (x(i, s) - x(i, b)) * (x(i, s) - x(i, b));
          square *= inverse_square;
          const Scalar kernel =
              is_gaussian ? math::exp(-square / Scalar(2)) : Scalar(1) / (Scalar(1) + square);
          const Saturated<Scalar> h = saturate(kernel, limit);
          // dK / d(x_s - x_b) = rate (x_s - x_b)
          const Scalar rate = -inverse_square * (is_gaussian ? kernel : Scalar(2) * kernel * kernel);
          const Scalar factor = Scalar(2) * scale * share * h.slope * rate;
          for (int i = 0; i < n_dims; ++i) x_bar(i, s) += factor * (x(i, s) - x(i, b));
          mean += share * h.value;
          is_saturated = is_saturated || h.is_saturated;
        }
        score_weight(s) += Scalar(2) * scale * mean;
        total += static_cast<double>(mean);
        saturated += is_saturated ? 1 : 0;
      },
      totals);
}

template <class Scalar>
std::unique_ptr<ExpectationTerm<Scalar>> make_congestion(const TermContext<Scalar>& context) {
  if (context.config.congestion_kernel.is_pairwise())
    return std::make_unique<PairCongestion<Scalar>>(context);
  return std::make_unique<Crowding<Scalar>>(context);
}

}  // namespace

TermFactory congestion_term() {
  return {make_congestion<float>, make_congestion<double>};
}

}  // namespace rhoflux::objectives
