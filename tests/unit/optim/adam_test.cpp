#include "rhoflux/optim/adam.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "rhoflux/optim/schedule.hpp"
#include "support/device_data.hpp"
#include "support/precisions.hpp"

namespace rhoflux::optim {
namespace {

using namespace test;

constexpr int size = 1500;  // more than one block of each kernel, and not a multiple of either

/// The gradient of a step, numbers that Scalar holds exactly.
template <class Scalar>
std::vector<double> gradient_of(int step) {
  std::vector<double> gradient;
  for (int k = 0; k < size; ++k) gradient.push_back(std::sin(0.7 * k + 1.3 * step) * (1 + k % 7));
  return rounded<Scalar>(gradient);
}

/// The formula of the doc comment, one entry at a time, in extended precision.
struct Reference {
  std::vector<Real> m, v, p;
  explicit Reference(int n) : m(n, 0.0L), v(n, 0.0L), p(n, 1.0L) {}
  void step(const AdamConfig& c, int t, double rate, double scale, const std::vector<double>& gradient) {
    for (std::size_t k = 0; k < p.size(); ++k) {
      const Real g = static_cast<Real>(scale) * gradient[k];
      m[k] = c.beta1 * m[k] + (1 - c.beta1) * g;
      v[k] = c.beta2 * v[k] + (1 - c.beta2) * g * g;
      const Real mean = m[k] / (1 - std::pow(static_cast<Real>(c.beta1), t));
      const Real square = v[k] / (1 - std::pow(static_cast<Real>(c.beta2), t));
      p[k] -= rate * (mean / (std::sqrt(square) + c.epsilon) + c.weight_decay * p[k]);
    }
  }
};

template <class Scalar>
void compare_with_reference(double tolerance) {
  const ExecutionSpace space;
  AdamConfig config;
  config.weight_decay = 0.01;
  const auto p = make_vector<Scalar>("p", size);
  Kokkos::deep_copy(p, Scalar(1));
  const AdamState<Scalar> state = {make_vector<Scalar>("m", size), make_vector<Scalar>("v", size)};
  Reference reference(size);
  for (int t = 1; t <= 20; ++t) {
    const std::vector<double> gradient = gradient_of<Scalar>(t);
    adam_step(space, config, t, 1e-2, 0.5, to_vector<Scalar>(gradient), state, p);
    reference.step(config, t, 1e-2, 0.5, gradient);
  }
  const std::vector<double> found = values_of(p);
  for (std::size_t k = 0; k < found.size(); ++k)
    ASSERT_NEAR(found[k], static_cast<double>(reference.p[k]), tolerance) << k;
}

// 20 steps of about ten rounded operations, each on a term of at most 1 + 20 * 0.01, leave an error below 400
// eps except where second moments nearly cancel the first; gradients here stay of order one.
TEST(Adam, MatchesTheFormulaInDouble) {
  compare_with_reference<double>(400 * 1.2e-16);
}
TEST(Adam, MatchesTheFormulaInSingle) {
  compare_with_reference<float>(400 * 6e-8);
}

TEST(Adam, NormIsTheEuclideanNorm) {
  const std::vector<double> gradient = gradient_of<float>(3);
  Real sum = 0;
  for (const double entry : gradient) sum += static_cast<Real>(entry) * entry;
  // Products of floats are exact in double; n additions lose at most n eps relatively.
  EXPECT_NEAR(norm(ExecutionSpace(), to_vector<float>(gradient)), static_cast<double>(std::sqrt(sum)),
              size * 1.2e-16 * std::sqrt(static_cast<double>(sum)));
}

TEST(Adam, NormShowsNan) {
  std::vector<double> gradient(size, 0.0);
  gradient.back() = std::nan("");
  EXPECT_TRUE(std::isnan(norm(ExecutionSpace(), to_vector<double>(gradient))));
}

TEST(Adam, AverageMovesByItsShare) {
  const auto p = to_vector<double>({2, 2, 2}), average = to_vector<double>({1, 1, 1});
  update_average(ExecutionSpace(), 0.75, p, average);
  for (const double value : values_of(average)) EXPECT_DOUBLE_EQ(value, 1.25);
}

TEST(Schedule, WarmsUpPeaksAndEnds) {
  ScheduleConfig config;
  config.peak = 1e-3;
  config.last = 1e-5;
  config.warmup = 10;
  EXPECT_DOUBLE_EQ(learning_rate(config, 1, 110), 1e-4);
  EXPECT_DOUBLE_EQ(learning_rate(config, 10, 110), 1e-3);
  EXPECT_NEAR(learning_rate(config, 60, 110), 0.5 * (1e-3 + 1e-5), 1e-15);  // half way down the cosine
  EXPECT_NEAR(learning_rate(config, 110, 110), 1e-5, 1e-15);
  EXPECT_NEAR(learning_rate(config, 500, 110), 1e-5, 1e-15);  // a run made longer than its deck says
  config.kind = Schedule::constant;
  EXPECT_DOUBLE_EQ(learning_rate(config, 90, 110), 1e-3);
}

TEST(Schedule, WithoutAWarmUpTheFirstStepIsNearlyThePeak) {
  ScheduleConfig config;
  config.warmup = 0;
  config.kind = Schedule::constant;
  EXPECT_DOUBLE_EQ(learning_rate(config, 1, 10), config.peak);
  config.kind = Schedule::cosine;
  EXPECT_LT(learning_rate(config, 1, 10), config.peak);
  EXPECT_GT(learning_rate(config, 1, 10), 0.97 * config.peak);  // (1 + cos(pi / 10)) / 2 = 0.9755
}

}  // namespace
}  // namespace rhoflux::optim
