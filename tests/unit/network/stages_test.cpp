#include "rhoflux/network/stages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "rhoflux/network/parameter_layout.hpp"

namespace rhoflux::network {
namespace {

TEST(SplitWidth, SumsToTheWidthAndLeavesNoDegreeEmpty) {
  for (int n_stages = 1; n_stages <= 16; ++n_stages)
    for (int width = n_stages; width <= 600; ++width) {
      const std::vector<int> widths = split_width(width, n_stages);
      ASSERT_EQ(widths.size(), static_cast<std::size_t>(n_stages));
      ASSERT_EQ(std::accumulate(widths.begin(), widths.end(), 0), width);
      ASSERT_GE(*std::min_element(widths.begin(), widths.end()), 1) << width << " over " << n_stages;
    }
}

TEST(SplitWidth, IsEvenToOneUnitOrOneVector) {
  for (int n_stages = 1; n_stages <= 16; ++n_stages)
    for (const int width : {37, 100, 128, 256, 272, 512}) {
      const std::vector<int> widths = split_width(width, n_stages);
      const bool whole_vectors = width % 16 == 0 && width >= 32 * n_stages;
      const int unit = whole_vectors ? 16 : 1;
      const auto [least, most] = std::minmax_element(widths.begin(), widths.end());
      EXPECT_LE(*most - *least, unit) << width << " over " << n_stages;
      EXPECT_EQ(widths.front(), *most) << width << " over " << n_stages;
      for (const int share : widths) EXPECT_EQ(share % unit, 0) << width << " over " << n_stages;
    }
}

TEST(StagedLayer, RowsAreContiguousAndVisibleRowsEndWithThem) {
  const StagedLayer layer({3, 0, 5, 2});
  EXPECT_EQ(layer.n_stages(), 4);
  EXPECT_EQ(layer.size(), 10);
  const int ends[] = {3, 3, 8, 10};
  for (int stage = 0; stage < 4; ++stage) {
    EXPECT_EQ(layer.rows(stage).begin, stage == 0 ? 0 : ends[stage - 1]);
    EXPECT_EQ(layer.rows(stage).end, ends[stage]);
    EXPECT_EQ(layer.visible(stage).begin, 0);
    EXPECT_EQ(layer.visible(stage).end, ends[stage]);
  }
  EXPECT_EQ(StagedLayer().size(), 0);
}

TEST(ParameterLayout, BlocksAreAlignedAndDisjoint) {
  ParameterLayout layout;
  EXPECT_EQ(layout.add("a", 3, 5), 0);
  EXPECT_EQ(layout.add("b", 16, 2), 16);
  EXPECT_EQ(layout.add("empty", 4, 0), 48);
  EXPECT_EQ(layout.add("c", 1, 1), 48);
  EXPECT_EQ(layout.size(), 64);
  EXPECT_EQ(layout.count(), 15 + 32 + 1);
  ASSERT_EQ(layout.blocks().size(), 4u);
  EXPECT_EQ(layout.blocks()[1].name, "b");
  EXPECT_EQ(layout.blocks()[1].rows, 16);
  EXPECT_EQ(layout.blocks()[1].columns, 2);
  EXPECT_EQ(layout.blocks()[1].size(), 32);
}

TEST(ParameterLayout, LongerThanAnIntIsRefused) {
  ParameterLayout layout;
  for (int k = 0; k < 7; ++k) layout.add("layer", 16384, 16384);
  EXPECT_EQ(layout.size(), 7 * 16384 * 16384);
  EXPECT_THROW(layout.add("one too many", 16384, 16384), Error);
  EXPECT_THROW(layout.add("product beyond an int", 1 << 20, 1 << 20), Error);
  EXPECT_EQ(layout.blocks().size(), 7u);
}

}  // namespace
}  // namespace rhoflux::network
