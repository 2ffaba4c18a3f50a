#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "rhoflux/density/logistic_motion.hpp"
#include "rhoflux/density/mixture_network.hpp"
#include "rhoflux/device/types.hpp"

// The functions of one conditional called by the lanes of a group, and by one lane on a host that has all logistics.

namespace rhoflux::density {
namespace {

constexpr int n_results = 12;

/// A mixture, its rates and the adjoints of both.
template <class Scalar>
struct Conditional {
  Mixture<Scalar> mixture, dot, bar, dot_bar;
};

/// Every function of conditional s at one point; sets the adjoints.
template <class Scalar>
RHOFLUX_FUNCTION void evaluate_all(const Conditional<Scalar>& conditional, int s,
                                   Scalar (&results)[n_results]) {
  const Mixture<Scalar>&mixture = conditional.mixture, &dot = conditional.dot;
  const Mixture<Scalar>&bar = conditional.bar, &dot_bar = conditional.dot_bar;
  const Scalar x = Scalar(0.3) * Scalar(s % 21 - 10), x_dot = Scalar(0.7);
  for (Scalar& result : results) result = 0;
  results[0] = log_density(mixture, x);
  log_density_tangent(mixture, x, dot, x_dot, results[1]);
  log_cdf(mixture, x, results[2], results[3]);
  results[4] = draw(mixture, 0.01 * (s % 100) + 0.005, 0.37);
  results[5] = quantile_velocity(mixture, dot, x, results[6]);
  results[7] = log_density_slope(mixture, x);
  const MovingConditional<Scalar> moving = moving_conditional(mixture, dot, x);
  results[8] = moving.log_f_dot;
  results[9] = moving.cdf_ratio;
  Scalar& x_bar = results[10];
  set_zero(dot_bar);
  log_density_adjoint(mixture, x, Scalar(0.5), bar, x_bar);
  log_density_tangent_adjoint(mixture, dot, x, x_dot, LogDensityBar<Scalar>{Scalar(0.4), Scalar(0.3)}, bar,
                              dot_bar, x_bar, results[11]);
  log_density_slope_adjoint(mixture, x, x_dot, LogDensityBar<Scalar>{Scalar(0.2), Scalar(-0.6)}, bar, x_bar);
  quantile_velocity_adjoint(mixture, dot, x, VelocityBar<Scalar>{Scalar(0.8), Scalar(0)}, bar, dot_bar,
                            x_bar);
  cdf_ratio_adjoint(mixture, x, Scalar(-0.3), bar, x_bar);
  moving_conditional_adjoint(mixture, dot, x,
                             MovingConditional<Scalar>{Scalar(0.1), Scalar(0.2), Scalar(0.3), Scalar(0.4)},
                             true, bar, dot_bar, x_bar);
}

/// The same for many samples, one column each.
template <class Scalar>
struct Conditionals {
  MixtureView<Scalar> mixtures, dots, bars, dot_bars;
};

template <class Scalar>
void evaluate_in_groups(const Conditionals<Scalar>& conditionals, int n, const Matrix<Scalar>& results) {
  const Conditionals<Scalar> in = conditionals;
  const Matrix<Scalar> out = results;
  for_each_group(
      ExecutionSpace(), "conditionals", n, in.mixtures.n_logistics, KOKKOS_LAMBDA(int s, const Lane& lane) {
        Scalar found[n_results];
        evaluate_all(Conditional<Scalar>{in.mixtures.at(0, s, lane), in.dots.at(0, s, lane),
                                         in.bars.at(0, s, lane), in.dot_bars.at(0, s, lane)},
                     s, found);
        if (!lane.is_first()) return;
        for (int k = 0; k < n_results; ++k) out(k, s) = found[k];
      });
}

template <class Scalar>
MixtureView<Scalar> random_parameters(int size, int n, unsigned seed) {
  const auto logits = make_matrix<Scalar>("logits", size, n);
  const auto shapes = make_matrix<Scalar>("shapes", 2 * size, n);
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(-1.5, 1.5);
  for (const Matrix<Scalar>& matrix : {logits, shapes}) {
    const auto host = Kokkos::create_mirror_view(matrix);
    for (std::size_t s = 0; s < host.extent(1); ++s)
      for (std::size_t k = 0; k < host.extent(0); ++k) host(k, s) = static_cast<Scalar>(uniform(engine));
    Kokkos::deep_copy(matrix, host);
  }
  return {logits, shapes, size, 2 * size, 0, size, size};
}

/// A copy of the mixtures of a view in the memory of the host.
template <class Scalar>
struct HostMixtures {
  explicit HostMixtures(const MixtureView<Scalar>& view)
      : logits("logits", view.logits.extent(0), view.logits.extent(1)),
        shapes("shapes", view.shapes.extent(0), view.shapes.extent(1)) {
    Kokkos::deep_copy(logits, view.logits);
    Kokkos::deep_copy(shapes, view.shapes);
  }
  Mixture<Scalar> at(int s) const {
    const auto size = logits.extent(0);
    return {&logits(0, s), &shapes(0, s), &shapes(size, s), static_cast<int>(size)};
  }
  Kokkos::View<Scalar**, Kokkos::LayoutLeft, Kokkos::HostSpace> logits, shapes;
};

template <class Scalar>
class MixtureLanes : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(MixtureLanes, Scalars);

/// Numbers of order 1 to 100, sums of at most 64 terms: some hundred roundings apart.
template <class Scalar>
void expect_close(Scalar found, Scalar want, const std::string& what) {
  const Scalar bound = 1000 * std::numeric_limits<Scalar>::epsilon() * (1 + std::fabs(want));
  EXPECT_LE(std::fabs(found - want), bound) << what << ": " << found << ", " << want;
}

TYPED_TEST(MixtureLanes, GiveWhatOneLaneGives) {
  using Scalar = TypeParam;
  constexpr int n = 70;
  for (const int size : {1, 2, 16, 31, 32, 33, max_logistics}) {
    const Conditionals<Scalar> conditionals{
        random_parameters<Scalar>(size, n, 1), random_parameters<Scalar>(size, n, 2),
        random_parameters<Scalar>(size, n, 3), random_parameters<Scalar>(size, n, 4)};
    const HostMixtures<Scalar> mixtures(conditionals.mixtures), dots(conditionals.dots);
    const HostMixtures<Scalar> bars(conditionals.bars), dot_bars(conditionals.dot_bars);
    const auto results = make_matrix<Scalar>("results", n_results, n);
    evaluate_in_groups(conditionals, n, results);
    const auto found = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), results);
    const HostMixtures<Scalar> found_bars(conditionals.bars), found_dot_bars(conditionals.dot_bars);
    for (int s = 0; s < n; ++s) {
      const std::string where = "L = " + std::to_string(size) + ", sample " + std::to_string(s);
      Scalar want[n_results];
      evaluate_all(Conditional<Scalar>{mixtures.at(s), dots.at(s), bars.at(s), dot_bars.at(s)}, s, want);
      for (int k = 0; k < n_results; ++k)
        expect_close(found(k, s), want[k], where + ", number " + std::to_string(k));
      for (int l = 0; l < size; ++l) {
        const std::string which = where + ", logistic " + std::to_string(l);
        expect_close(found_bars.logits(l, s), bars.logits(l, s), which + ", logit");
        expect_close(found_bars.shapes(l, s), bars.shapes(l, s), which + ", location");
        expect_close(found_bars.shapes(size + l, s), bars.shapes(size + l, s), which + ", log scale");
        expect_close(found_dot_bars.logits(l, s), dot_bars.logits(l, s), which + ", logit rate");
        expect_close(found_dot_bars.shapes(l, s), dot_bars.shapes(l, s), which + ", location rate");
        expect_close(found_dot_bars.shapes(size + l, s), dot_bars.shapes(size + l, s),
                     which + ", scale rate");
      }
    }
  }
}

}  // namespace
}  // namespace rhoflux::density
