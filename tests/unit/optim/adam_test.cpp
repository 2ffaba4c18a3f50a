#include "rhoflux/optim/adam.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "rhoflux/optim/schedule.hpp"

namespace rhoflux::optim {
namespace {

constexpr int size = 1500;  // more than one block of each kernel, and not a multiple of either

template <class Scalar>
Scalar gradient_at(int k, int step) {
  return static_cast<Scalar>(std::sin(0.7 * k + 1.3 * step) * (1 + k % 7));
}

/// The formula of the doc comment, one entry at a time, in long double.
struct Reference {
  std::vector<long double> m, v, p;
  explicit Reference(int n) : m(n, 0.0L), v(n, 0.0L), p(n, 1.0L) {}
  void step(const AdamConfig& c, int t, double rate, double scale, const std::vector<long double>& gradient) {
    for (std::size_t k = 0; k < p.size(); ++k) {
      const long double g = scale * gradient[k];
      m[k] = c.beta1 * m[k] + (1 - c.beta1) * g;
      v[k] = c.beta2 * v[k] + (1 - c.beta2) * g * g;
      const long double mean = m[k] / (1 - std::pow(static_cast<long double>(c.beta1), t));
      const long double square = v[k] / (1 - std::pow(static_cast<long double>(c.beta2), t));
      p[k] -= rate * (mean / (std::sqrt(square) + c.epsilon) + c.weight_decay * p[k]);
    }
  }
};

template <class Scalar>
void compare_with_reference(double tolerance) {
  const ExecutionSpace space;
  AdamConfig config;
  config.weight_decay = 0.01;
  const auto p = make_vector<Scalar>("p", size), g = make_vector<Scalar>("g", size);
  Kokkos::deep_copy(p, Scalar(1));
  const AdamState<Scalar> state = {make_vector<Scalar>("m", size), make_vector<Scalar>("v", size)};
  const auto host_p = Kokkos::create_mirror_view(p);
  const auto host_g = Kokkos::create_mirror_view(g);
  Reference reference(size);
  for (int t = 1; t <= 20; ++t) {
    std::vector<long double> exact(size);
    for (int k = 0; k < size; ++k) {
      host_g(k) = gradient_at<Scalar>(k, t);
      exact[static_cast<std::size_t>(k)] = static_cast<long double>(host_g(k));
    }
    Kokkos::deep_copy(g, host_g);
    adam_step(space, config, t, 1e-2, 0.5, g, state, p);
    reference.step(config, t, 1e-2, 0.5, exact);
  }
  Kokkos::deep_copy(host_p, p);
  for (int k = 0; k < size; ++k)
    ASSERT_NEAR(static_cast<double>(host_p(k)), static_cast<double>(reference.p[static_cast<std::size_t>(k)]),
                tolerance)
        << k;
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
  const auto g = make_vector<float>("g", size);
  const auto host = Kokkos::create_mirror_view(g);
  long double sum = 0;
  for (int k = 0; k < size; ++k) {
    host(k) = gradient_at<float>(k, 3);
    sum += static_cast<long double>(host(k)) * host(k);
  }
  Kokkos::deep_copy(g, host);
  // Products of floats are exact in double; n additions lose at most n eps relatively.
  EXPECT_NEAR(norm(ExecutionSpace(), g), static_cast<double>(std::sqrt(sum)),
              size * 1.2e-16 * std::sqrt(static_cast<double>(sum)));
}

TEST(Adam, NormShowsNan) {
  const auto g = make_vector<double>("g", size);
  const auto host = Kokkos::create_mirror_view(g);
  host(size - 1) = std::nan("");
  Kokkos::deep_copy(g, host);
  EXPECT_TRUE(std::isnan(norm(ExecutionSpace(), g)));
}

TEST(Adam, AverageMovesByItsShare) {
  const auto p = make_vector<double>("p", 3), average = make_vector<double>("average", 3);
  Kokkos::deep_copy(p, 2.0);
  Kokkos::deep_copy(average, 1.0);
  update_average(ExecutionSpace(), 0.75, p, average);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), average);
  for (int k = 0; k < 3; ++k) EXPECT_DOUBLE_EQ(host(k), 1.25);
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
