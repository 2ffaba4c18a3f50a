#include "rhoflux/inference/field_grid.hpp"

#include <gtest/gtest.h>

#include "unit/inference/inference_test_support.hpp"

namespace rhoflux::inference {
namespace {

TEST(FieldGrid, EvenPointsHaveBothEnds) {
  EXPECT_EQ(even_points({-1, 3}, 5), (std::vector<double>{-1, 0, 1, 2, 3}));
  EXPECT_EQ(even_points({-1, 3}, 2), (std::vector<double>{-1, 3}));
  EXPECT_EQ(even_points({-1, 3}, 1), (std::vector<double>{1}));
}

TEST(FieldGrid, PointsOfASlabAreInCOrder) {
  io::FieldLayout layout;
  layout.axes = {{"x", {1, 2, 3}}, {"y", {10, 20}}};
  EXPECT_EQ(points_of(layout, {0, 1, 3}), (std::vector<double>{2, 10, 2, 20, 3, 10, 3, 20}));
  layout.axes.push_back({"z", {100, 200}});
  EXPECT_EQ(points_of(layout, {0, 0, 1}),
            (std::vector<double>{1, 10, 100, 1, 10, 200, 1, 20, 100, 1, 20, 200}));
  layout.axes.resize(1);
  EXPECT_EQ(points_of(layout, {0, 1, 2}), (std::vector<double>{2}));
}

/// Beyond the bounds lies at most a thousandth on each side, and the margin is a tenth of what is between.
TEST(FieldGrid, BoundsHoldNearlyAllSamples) {
  const Inference inference(testing::make_checkpoint({}));
  const std::vector<metrics::Interval> bounds = bounds_of_samples(inference, {1, 0}, 1);
  ASSERT_EQ(bounds.size(), 2u);
  const std::vector<double> t = testing::random_times(4000, 9);
  std::vector<std::int64_t> index;
  for (std::int64_t k = 0; k < 4000; ++k) index.push_back(k);
  const std::vector<double> x = inference.sample(t, index, 77, 0);
  for (const std::size_t axis : {0, 1}) {
    int beyond = 0, inner = 0;
    const double width = (bounds[axis].high - bounds[axis].low) / 1.2;  // between the margins
    for (std::size_t k = 1 - axis; k < x.size(); k += 2) {
      beyond += x[k] < bounds[axis].low || x[k] > bounds[axis].high ? 1 : 0;
      inner += x[k] < bounds[axis].low + 0.1 * width || x[k] > bounds[axis].high - 0.1 * width ? 1 : 0;
    }
    EXPECT_LE(beyond, 30);  // 8 on average without the margin
    EXPECT_GE(inner, 1);    // 8 on average in the margins or beyond
  }
}

}  // namespace
}  // namespace rhoflux::inference
