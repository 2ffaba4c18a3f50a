#include "importers/split_drawer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "support/errors.hpp"

namespace rhoflux::importers {
namespace {

using Counts = std::array<std::int64_t, 3>;

SplitOptions shares(double val, double test, std::uint64_t seed = 1) {
  SplitOptions options;
  options.val_fraction = val;
  options.test_fraction = test;
  options.seed = seed;
  return options;
}

/// Rows of each split at each time; n[k] rows at time k.
std::vector<Counts> draw(const SplitOptions& options, const std::vector<std::int64_t>& n) {
  SplitDrawer drawer(options, "in");
  for (std::size_t k = 0; k < n.size(); ++k)
    for (std::int64_t i = 0; i < n[k]; ++i) drawer.count(static_cast<double>(k), 0);
  drawer.decide({}, "in");
  std::vector<Counts> counts(n.size());
  std::int64_t row = 0;
  for (std::size_t k = 0; k < n.size(); ++k)
    for (std::int64_t i = 0; i < n[k]; ++i, ++row)
      ++counts[k][static_cast<std::size_t>(drawer.draw(static_cast<double>(k), row, 0))];
  return counts;
}

TEST(SplitDrawer, EachSnapshotHasItsShareToARow) {
  EXPECT_EQ(draw(shares(0, 0.1), {20000, 50, 5}),
            (std::vector<Counts>{{18000, 0, 2000}, {45, 0, 5}, {4, 0, 1}}));
  EXPECT_EQ(draw(shares(0.2, 0.1), {1000, 7, 3, 4}),
            (std::vector<Counts>{{700, 200, 100}, {5, 1, 1}, {2, 1, 0}, {2, 1, 1}}));
  EXPECT_EQ(draw(shares(0.45, 0.45), {4, 1}), (std::vector<Counts>{{0, 2, 2}, {1, 0, 0}}));
}

TEST(SplitDrawer, EventsAreDrawnRowByRow) {
  const std::vector<std::int64_t> events(20000, 1);
  Counts sum{};
  for (const Counts& counts : draw(shares(0.2, 0.1), events))
    for (std::size_t s = 0; s < 3; ++s) sum[s] += counts[s];
  // Five standard deviations of a binomial count.
  EXPECT_NEAR(static_cast<double>(sum[1]), 4000, 5 * std::sqrt(20000 * 0.16));
  EXPECT_NEAR(static_cast<double>(sum[2]), 2000, 5 * std::sqrt(20000 * 0.09));
}

TEST(SplitDrawer, RowsOfASnapshotAreAllAsLikely) {
  // Each of ten rows is one of three test rows in 3/10 of the seeds.
  constexpr int n_seeds = 4000;
  std::array<int, 10> times{};
  for (int seed = 0; seed < n_seeds; ++seed) {
    SplitDrawer drawer(shares(0, 0.3, static_cast<std::uint64_t>(seed)), "in");
    for (int i = 0; i < 10; ++i) drawer.count(0.0, 0);
    drawer.decide({}, "in");
    for (std::size_t i = 0; i < 10; ++i)
      if (drawer.draw(0.0, static_cast<std::int64_t>(i), 0) == 2) ++times[i];
  }
  for (const int count : times) EXPECT_NEAR(count, 0.3 * n_seeds, 5 * std::sqrt(n_seeds * 0.21));
}

TEST(SplitDrawer, WholeCategoriesGoToOneSplit) {
  SplitOptions options = shares(0.25, 0.25);
  options.by = "donor";
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    options.seed = seed;
    SplitDrawer drawer(options, "in");
    for (std::size_t row = 0; row < 400; ++row) drawer.count(0.0, row % 4);
    drawer.decide(names, "in");
    Counts donors{};
    for (std::size_t donor = 0; donor < 4; ++donor) {
      const std::int8_t split = drawer.draw(0.0, 0, donor);
      EXPECT_EQ(drawer.draw(1.0, 99, donor), split);
      ++donors[static_cast<std::size_t>(split)];
    }
    EXPECT_EQ(donors, (Counts{2, 1, 1}));
  }
  SplitDrawer drawer(options, "in");
  drawer.count(0.0, 0);
  drawer.count(0.0, 1);
  test::expect_error(ExitCode::bad_input, {"'donor'", "2 different", "3 splits"}, [&] {
    drawer.decide({"a", "b"}, "in");
  });
  test::expect_error(ExitCode::bad_input, {"--split-by", "--test"}, [] {
    SplitOptions by = shares(0, 0);
    by.by = "donor";
    SplitDrawer refused(by, "in");
  });
}

}  // namespace
}  // namespace rhoflux::importers
