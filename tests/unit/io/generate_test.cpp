#include "rhoflux/io/generate.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::io {
namespace {

using test::expect_error;

constexpr std::int64_t n_samples = 200000;

/// Mean and its standard error of f(t, x) over all samples.
struct Moment {
  double mean = 0.0;
  double error = 0.0;
};
template <class F>
Moment moment(const PopulationData& data, const F& f) {
  double sum = 0.0;
  double sum_of_squares = 0.0;
  for (std::size_t i = 0; i < data.t.size(); ++i) {
    const double value = f(data.t[i], data.x.data() + i * static_cast<std::size_t>(data.n_dims));
    sum += value;
    sum_of_squares += value * value;
  }
  const auto n = static_cast<double>(data.t.size());
  const double mean = sum / n;
  return {mean, std::sqrt((sum_of_squares / n - mean * mean) / n)};
}

/// Five standard errors: a wrong constant in the generator shows, chance does not.
template <class F>
void expect_mean(const PopulationData& data, double expected, const F& f) {
  const Moment found = moment(data, f);
  EXPECT_NEAR(found.mean, expected, 5.0 * found.error);
}

TEST(Generate, SampleDoesNotDependOnTheCount) {
  for (const GeneratorName& generator : generator_names()) {
    const PopulationData small = generate(generator.name, 50, 3);
    const PopulationData large = generate(generator.name, 500, 3);
    const PopulationData other = generate(generator.name, 50, 4);
    const auto values = static_cast<std::ptrdiff_t>(small.x.size());
    EXPECT_EQ(small.x, std::vector<double>(large.x.begin(), large.x.begin() + values)) << generator.name;
    EXPECT_EQ(small.t, std::vector<double>(large.t.begin(), large.t.begin() + 50)) << generator.name;
    EXPECT_EQ(small.split, std::vector<std::int8_t>(large.split.begin(), large.split.begin() + 50));
    EXPECT_NE(small.x, other.x) << generator.name;
    EXPECT_FALSE(generator.description.empty());
    EXPECT_NE(small.source.find(generator.name), std::string::npos);
  }
}

TEST(Generate, SplitsAreEightyTenTenAndIndependentOfTime) {
  const PopulationData data = generate("ou", n_samples, 1);
  std::array<double, 3> count{};
  std::array<double, 3> time_sum{};
  for (std::size_t i = 0; i < data.t.size(); ++i) {
    const auto split = static_cast<std::size_t>(data.split[i]);
    count[split] += 1.0;
    time_sum[split] += data.t[i];
  }
  const auto n = static_cast<double>(n_samples);
  EXPECT_NEAR(count[1], 0.1 * n, 5.0 * std::sqrt(0.09 * n));
  EXPECT_NEAR(count[2], 0.1 * n, 5.0 * std::sqrt(0.09 * n));
  for (std::size_t s = 0; s < 3; ++s) {
    EXPECT_NEAR(time_sum[s] / count[s], 0.5, 5.0 / std::sqrt(12.0 * count[s]));
  }
}

TEST(Generate, OrnsteinUhlenbeckHasItsMeanAndVariance) {
  const PopulationData data = generate("ou", n_samples, 1);
  ASSERT_EQ(data.n_dims, 1);
  const auto residual = [](double t, const double* x) {
    const double decay = std::exp(-t);
    return (x[0] - 2.0 * decay) / std::sqrt(0.25 * decay * decay + 0.125 * (1.0 - decay * decay));
  };
  expect_mean(data, 0.0, residual);
  expect_mean(data, 1.0, [&](double t, const double* x) { return std::pow(residual(t, x), 2); });
  expect_mean(data, 0.0,
              [&](double t, const double* x) { return (t - 0.5) * std::pow(residual(t, x), 2) - (t - 0.5); });
  expect_mean(data, 3.0, [&](double t, const double* x) { return std::pow(residual(t, x), 4); });
  expect_mean(data, 1.0 / 3.0, [](double t, const double*) { return t * t; });
}

TEST(Generate, GaussianTranslationHasItsMeanAndCovariance) {
  const PopulationData data = generate("gaussian_translation", n_samples, 1);
  const auto dx = [](double t, const double* x, int k) { return x[k] - (2.0 * t - 1.0); };
  expect_mean(data, 0.0, [&](double t, const double* x) { return dx(t, x, 0) * (t - 0.5); });
  expect_mean(data, 0.0, [&](double t, const double* x) { return dx(t, x, 1) * (t - 0.5); });
  expect_mean(data, 0.25, [&](double t, const double* x) { return dx(t, x, 0) * dx(t, x, 0); });
  expect_mean(data, 0.225, [&](double t, const double* x) { return dx(t, x, 0) * dx(t, x, 1); });
  expect_mean(data, 0.2025 + 0.04, [&](double t, const double* x) { return dx(t, x, 1) * dx(t, x, 1); });
}

TEST(Generate, GaussianRotationHasATurningCorrelation) {
  const PopulationData data = generate("gaussian_rotation", n_samples, 1);
  expect_mean(data, 0.49, [](double, const double* x) { return x[0] * x[0]; });
  expect_mean(data, 0.49, [](double, const double* x) { return x[1] * x[1]; });
  expect_mean(data, 0.0, [](double t, const double* x) { return x[0] * x[1] - 0.49 * (0.9 - 1.8 * t); });
  // E[(t - 1/2) c(t)] = -1.8 / 12
  expect_mean(data, -0.49 * 1.8 / 12.0, [](double t, const double* x) { return (t - 0.5) * x[0] * x[1]; });
}

TEST(Generate, BranchingPartsIntoTwoAndThenFour) {
  const PopulationData data = generate("branching", n_samples, 1);
  const std::set<double> times(data.t.begin(), data.t.end());
  EXPECT_EQ(times, (std::set<double>{0.0, 1.0, 2.0, 3.0, 4.0}));
  // Mean of x2^2: 1.6^2 S(t/2)^2 + 0.8^2 S(t/2 - 1)^2 + 0.25^2 with S = 0, 1/2, 1, 1, 1 and 0, 0, 0, 1/2, 1.
  const std::array<double, 5> expected = {0.0625, 0.7025, 2.6225, 2.7825, 3.2625};
  for (const double time : times) {
    expect_mean(data, 0.0, [&](double t, const double* x) {
      return t == time ? x[1] * x[1] - expected[static_cast<std::size_t>(time)] : 0.0;
    });
    expect_mean(data, 0.0,
                [&](double t, const double* x) { return t == time ? x[0] - (1.5 * t - 3.0) : 0.0; });
  }
  // At the end no sample lies between the four branches at -2.4, -0.8, 0.8 and 2.4 (0.8 is over three
  // deviations).
  expect_mean(data, 0.0, [](double t, const double* x) {
    return t == 4.0 ? std::cos(x[1] * 2.0 * 3.14159265358979324 / 1.6) +
                          std::exp(-0.5 * std::pow(0.25 * 2.0 * 3.14159265358979324 / 1.6, 2))
                    : 0.0;
  });
}

TEST(Generate, PinwheelArmsLightUpInTurn) {
  const PopulationData data = generate("pinwheel", n_samples, 1);
  // The radius of a sample is 2 |(a, b)|, its square 4 (1 + 0.3^2 + 0.1^2) in the mean.
  expect_mean(data, 4.4, [](double, const double* x) { return x[0] * x[0] + x[1] * x[1]; });
  // Over a whole turn every arm is as likely as any other.
  expect_mean(data, 0.0, [](double, const double* x) { return x[0]; });
  expect_mean(data, 0.0, [](double, const double* x) { return x[1]; });
  expect_mean(data, 15.0, [](double t, const double*) { return t; });
  // At a given time one side is bright, and it goes around once in 30 units of time.
  const double two_pi = 6.283185307179586;
  const Moment along = moment(data, [&](double t, const double* x) {
    return x[0] * std::cos(two_pi * t / 30.0) - x[1] * std::sin(two_pi * t / 30.0);
  });
  const Moment across = moment(data, [&](double t, const double* x) {
    return x[0] * std::sin(two_pi * t / 30.0) + x[1] * std::cos(two_pi * t / 30.0);
  });
  EXPECT_GT(std::hypot(along.mean, across.mean), 1.0);
}

TEST(Generate, GaussianMixture) {
  const int n_dims = 7;
  const PopulationData data = generate("gaussian_mixture", n_samples, 1, n_dims);
  EXPECT_EQ(data.x.size(), static_cast<std::size_t>(n_samples * n_dims));
  // Over the three modes, cos and cos^3 of the phase p + 2 pi k / 3 average to 0 and cos(3 p) / 4, and the
  // product of two cosines that are i - j apart to cos(i - j) / 2.
  for (const int i : {0, 3, 6}) {
    const auto third = [&](double t) {
      return std::pow(0.5, 3) / 4.0 * std::cos(3.0 * (1.5707963267948966 * t + i));
    };
    expect_mean(data, 0.0, [&](double, const double* x) { return x[i]; });
    expect_mean(data, 0.25 * 0.5 * std::cos(i) + 0.25 * std::pow(0.8, i),
                [&](double, const double* x) { return x[0] * x[i]; });
    expect_mean(data, 0.0, [&](double t, const double* x) { return std::pow(x[i], 3) - third(t); });
    expect_mean(data, 0.0,
                [&](double t, const double* x) { return third(t) * (std::pow(x[i], 3) - third(t)); });
  }
}

/// Rows of one type at one time, of all splits and of the training split.
struct GroupCount {
  std::int64_t all = 0, train = 0;
};
GroupCount count_group(const PopulationData& data, double t, std::int32_t type) {
  GroupCount count;
  for (std::size_t i = 0; i < data.t.size(); ++i) {
    if (data.t[i] != t || (!data.labels.empty() && data.labels[0].code[i] != type)) continue;
    ++count.all;
    if (data.split[i] == 0) ++count.train;
  }
  return count;
}

TEST(Generate, NumbersOfRowsOfTypesThatGrow) {
  const PopulationData two = generate("growth", 3300, 1), three = generate("growth_three", 6725, 1);
  for (int t = 0; t < 3; ++t) {
    const GroupCount a = count_group(two, t, 0), b = count_group(two, t, 1);
    EXPECT_EQ(a.all, 400);
    EXPECT_EQ(a.train, 320);
    EXPECT_EQ(b.all, std::lround(100 * std::pow(4, t)));
    EXPECT_EQ(b.train, 8 * b.all / 10);
  }
  for (int t = 0; t < 4; ++t) {
    EXPECT_EQ(count_group(three, t, 0).all, 400);
    EXPECT_EQ(count_group(three, t, 1).all, std::lround(200 * std::pow(2, t)));
    EXPECT_EQ(count_group(three, t, 2).all, std::lround(1600 * std::pow(0.25, t)));
  }
  // Any other number of rows: every group has its share to less than a row.
  for (const std::int64_t count : {1, 7, 100, 1234}) {
    const PopulationData data = generate("growth", count, 1);
    for (int t = 0; t < 3; ++t) {
      EXPECT_LT(std::fabs(static_cast<double>(count_group(data, t, 0).all) - count * 400 / 3300.0), 1.0);
      EXPECT_LT(std::fabs(static_cast<double>(count_group(data, t, 1).all) -
                          static_cast<double>(count) * 100 * std::pow(4, t) / 3300.0),
                1.0);
    }
  }
}

TEST(Generate, TypesThatGrowHaveTheirPlacesAndRates) {
  const PopulationData two = generate("growth", 33000, 1), three = generate("growth_three", 33000, 1);
  EXPECT_EQ(two.labels[0].name, "type");
  EXPECT_EQ(two.labels[0].categories, (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(three.labels[0].categories, (std::vector<std::string>{"A", "B", "C"}));
  // The rates are those of the numbers of rows.
  const auto expect_rates = [](const PopulationData& data, int n_types) {
    for (std::int32_t type = 0; type < n_types; ++type) {
      const double before = static_cast<double>(count_group(data, 0, type).all),
                   after = static_cast<double>(count_group(data, 2, type).all);
      for (std::size_t i = 0; i < data.t.size(); ++i) {
        if (data.labels[0].code[i] == type) {
          ASSERT_NEAR(data.growth[i], std::log(after / before) / 2, 1.0 / before + 1.0 / after);
        }
      }
    }
  };
  expect_rates(two, 2);
  expect_rates(three, 3);
  const double centres[] = {-3, 0, 3};
  const auto expect_places = [&](const PopulationData& data, const double* centre, double speed) {
    const auto offset = [&](double t, const double* x, std::int32_t type, int i) {
      return i == 0 ? x[0] - centre[type] : x[1] - speed * t;
    };
    for (const int i : {0, 1})
      for (const bool squared : {false, true}) {
        std::size_t row = 0;
        expect_mean(data, squared ? 0.16 : 0.0, [&](double t, const double* x) {
          const double d = offset(t, x, data.labels[0].code[row++], i);
          return squared ? d * d : d;
        });
      }
  };
  const double two_centres[] = {-3, 3};
  expect_places(two, two_centres, 0.0);
  expect_places(three, centres, 0.5);
}

/// Mean, variance and log of the mass of growth_ou by the classical Runge-Kutta method: the reference of the closed
/// form.
std::array<double, 3> killed_ornstein_uhlenbeck(double t) {
  const double theta = 1.0, g = 0.5, a = 1.2, b = 0.8;
  using State = std::array<double, 3>;
  const auto rate = [&](const State& s) {
    return State{-theta * s[0] - b * s[1] * s[0], -2 * theta * s[1] + g * g - b * s[1] * s[1],
                 a - b * (s[0] * s[0] + s[1]) / 2};
  };
  const auto moved = [](State s, const State& k, double h) {
    for (std::size_t i = 0; i < 3; ++i) s[i] += h * k[i];
    return s;
  };
  const int steps = 1000;
  const double h = t / steps;
  State s = {1.5, 0.25, 0.0};
  for (int n = 0; n < steps; ++n) {
    const State k1 = rate(s), k2 = rate(moved(s, k1, h / 2)), k3 = rate(moved(s, k2, h / 2)),
                k4 = rate(moved(s, k3, h));
    for (std::size_t i = 0; i < 3; ++i) s[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
  }
  return s;
}

TEST(Generate, KilledOrnsteinUhlenbeckHasItsMomentsMassAndRates) {
  const PopulationData data = generate("growth_ou", n_samples, 1);
  std::array<std::array<double, 3>, 5> expected{};
  double total = 0;
  for (std::size_t k = 0; k < 5; ++k) {
    expected[k] = killed_ornstein_uhlenbeck(0.5 * static_cast<double>(k));
    total += std::exp(expected[k][2]);
  }
  for (std::size_t k = 0; k < 5; ++k) {
    const double time = 0.5 * static_cast<double>(k), mean = expected[k][0], variance = expected[k][1];
    // To less than a row: an error of 1e-5 in the mass shows.
    EXPECT_NEAR(static_cast<double>(count_group(data, time, 0).all),
                n_samples * std::exp(expected[k][2]) / total, 1.0);
    expect_mean(data, 0.0, [&](double t, const double* x) { return t == time ? x[0] - mean : 0.0; });
    expect_mean(data, 0.0, [&](double t, const double* x) {
      return t == time ? (x[0] - mean) * (x[0] - mean) - variance : 0.0;
    });
  }
  for (std::size_t i = 0; i < data.t.size(); ++i)
    ASSERT_DOUBLE_EQ(data.growth[i], 1.2 - 0.4 * data.x[i] * data.x[i]);
}

TEST(Generate, ConditionsSayHowFastAndWhereto) {
  const PopulationData dose = generate("conditions", n_samples, 1),
                       drug = generate("conditions_drug", n_samples, 1);
  ASSERT_EQ(dose.conditions.size(), 1u);
  ASSERT_EQ(drug.conditions.size(), 2u);
  EXPECT_EQ(dose.conditions[0].name, "dose");
  EXPECT_TRUE(dose.conditions[0].categories.empty());
  EXPECT_EQ(drug.conditions[1].name, "drug");
  EXPECT_EQ(drug.conditions[1].categories, (std::vector<std::string>{"A", "B"}));
  for (const double c : {0.0, 0.5, 1.0, 1.5, 2.5, 3.0}) {
    std::size_t row = 0;
    expect_mean(dose, 1.0 / 6, [&](double, const double*) { return dose.conditions[0].value[row++] == c; });
    for (const int power : {1, 2}) {
      row = 0;
      expect_mean(dose, 0.0, [&](double t, const double* x) {
        const bool has_dose = dose.conditions[0].value[row++] == c;
        return has_dose ? std::pow(x[0] - c * t, power) - (power == 2 ? 1 : 0) : 0.0;
      });
      for (const double side : {0.0, 1.0}) {
        row = 0;
        expect_mean(drug, 0.0, [&](double t, const double* x) {
          const bool is_here = drug.conditions[0].value[row] == c && drug.conditions[1].value[row] == side;
          ++row;
          const double centre = (side == 0 ? c : -c) * t;
          return is_here ? std::pow(x[1] - centre, power) - (power == 2 ? 0.25 : 0) : 0.0;
        });
      }
    }
  }
}

TEST(Generate, ColumnsOfGrowthAndConditionsAreInTheFile) {
  const testing::TemporaryFolder folder;
  const mpi::Communicator comm(MPI_COMM_SELF);
  for (const char* name : {"growth", "growth_ou", "conditions_drug"}) {
    const std::string path = folder.file(std::string(name) + ".h5");
    generate_file(name, 100000, 1, {}, {path, {}, false});  // in more than one piece
    const PopulationData data = generate(name, 100000, 1);
    const PopulationFile file(path, comm);
    EXPECT_EQ(file.info().has_growth, !data.growth.empty());
    EXPECT_EQ(file.info().labels.size(), data.labels.size());
    EXPECT_EQ(file.info().conditions.size(), data.conditions.size());
    const Hdf5Reader reader(path);
    const std::vector<double> t = reader.read<double>("t");
    std::vector<std::size_t> order(data.t.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return data.t[a] < data.t[b]; });
    const auto expect_column = [&](const std::string& dataset, const std::vector<double>& expected) {
      const std::vector<double> found = reader.read<double>(dataset);
      ASSERT_EQ(found.size(), expected.size());
      for (std::size_t i = 0; i < order.size(); ++i) ASSERT_EQ(found[i], expected[order[i]]) << dataset << i;
    };
    expect_column("t", data.t);
    if (!data.growth.empty()) expect_column("growth", data.growth);
    if (!data.conditions.empty()) expect_column("condition/dose", data.conditions[0].value);
  }
}

TEST(Generate, GeneratedDataMakesAPopulationFile) {
  const testing::TemporaryFolder folder;
  const mpi::Communicator comm(MPI_COMM_SELF);
  for (const GeneratorName& generator : generator_names()) {
    const std::string path = folder.file(generator.name + ".h5");
    write_population(path, generate(generator.name, 1000, 1), false);
    const PopulationFile file(path, comm);
    EXPECT_EQ(file.info().n_rows, 1000);
    EXPECT_GT(file.info().count(Split::test), 0);
  }
}

TEST(Generate, UnknownNamesAndCountsAreRefused) {
  expect_error(ExitCode::bad_input, {"'spiral'", "pinwheel", "branching", "ou", "growth_three", "conditions"},
               [] { generate("spiral", 10, 1); });
  expect_error(ExitCode::bad_input, {"0", "1 to"}, [] { generate("ou", 0, 1); });
  expect_error(ExitCode::bad_input, {"ou has 1", "not 3"}, [] { generate("ou", 10, 1, 3); });
  expect_error(ExitCode::bad_input, {"-1", "1 to"}, [] { generate("gaussian_mixture", 10, 1, -1); });
}

}  // namespace
}  // namespace rhoflux::io
