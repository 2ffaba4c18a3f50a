#include "rhoflux/parallel/gradient_buckets.hpp"

#include <gtest/gtest.h>

namespace rhoflux::parallel {
namespace {

using Parts = std::vector<GradientUse::Part>;

/// How often each entry is in a bucket.
std::vector<int> cover(const std::vector<Bucket>& buckets, int size) {
  std::vector<int> times(static_cast<std::size_t>(size), 0);
  for (const Bucket& bucket : buckets)
    for (const Range entries : bucket.entries)
      for (int k = entries.begin; k < entries.end; ++k) ++times[static_cast<std::size_t>(k)];
  return times;
}

TEST(GradientUse, CountsEachPartAndRemembersItsLastUse) {
  GradientUse use(10);
  use.add({4, 8});
  use.add({0, 4});
  use.add({4, 8});
  ASSERT_EQ(use.parts().size(), 2u);
  EXPECT_EQ(use.parts()[0].entries.begin, 4);
  EXPECT_EQ(use.parts()[0].times, 2);
  EXPECT_EQ(use.parts()[0].last, 3);
  EXPECT_EQ(use.parts()[1].times, 1);
  EXPECT_EQ(use.parts()[1].last, 2);
  EXPECT_EQ(use.part_at(4), 0);
  EXPECT_EQ(use.part_at(0), 1);
  EXPECT_EQ(use.part_at(8), -1);
}

TEST(GradientUse, SortsByCompletion) {
  GradientUse use(10);
  use.add({4, 8});
  use.add({0, 4});
  use.add({4, 8});
  use.sort();
  EXPECT_EQ(use.parts()[0].entries.begin, 0);
  EXPECT_EQ(use.part_at(0), 0);
  EXPECT_EQ(use.part_at(4), 1);
}

TEST(GradientUse, ClearForgetsEverything) {
  GradientUse use(10);
  use.add({4, 8});
  use.clear();
  EXPECT_TRUE(use.parts().empty());
  EXPECT_EQ(use.part_at(4), -1);
  use.add({4, 6});
  EXPECT_EQ(use.parts().front().last, 1);
}

TEST(MakeBuckets, HoldEveryEntryOnceInTheOrderOfTheParts) {
  const Parts parts = {{{30, 40}, 1, 1}, {{10, 20}, 2, 3}, {{0, 10}, 1, 4}, {{50, 60}, 1, 5}};
  const int size = 70;
  const std::vector<Bucket> buckets = make_buckets(parts, size, 3);
  EXPECT_EQ(cover(buckets, size), std::vector<int>(size, 1));
  int n_parts = 0;
  std::vector<int> begins;
  for (const Bucket& bucket : buckets) {
    int entries = 0;
    for (const Range range : bucket.entries) entries += range.size();
    EXPECT_EQ(bucket.size, entries);
    for (int k = 0; k < bucket.n_parts; ++k)
      begins.push_back(bucket.entries[static_cast<std::size_t>(k)].begin);
    n_parts += bucket.n_parts;
  }
  EXPECT_EQ(n_parts, 4);
  EXPECT_EQ(begins, (std::vector<int>{30, 10, 0, 50}));
  ASSERT_EQ(buckets.size(), 2u);  // 30 of 70 entries make a third or more
  EXPECT_EQ(buckets[0].n_parts, 3);
  EXPECT_EQ(buckets[1].size, 40);  // one part, and what no part has: 20 .. 30, 40 .. 50, 60 .. 70
}

TEST(MakeBuckets, OnePartOrNoneMakesOneBucket) {
  const std::vector<Bucket> none = make_buckets({}, 5, 4);
  ASSERT_EQ(none.size(), 1u);
  EXPECT_EQ(none[0].size, 5);
  EXPECT_EQ(none[0].n_parts, 0);
  const std::vector<Bucket> one = make_buckets({{{0, 5}, 1, 1}}, 5, 4);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].size, 5);
  EXPECT_EQ(one[0].n_parts, 1);
}

TEST(MakeBuckets, OfLikeParts) {
  Parts parts;
  for (int k = 0; k < 64; ++k) parts.push_back({{k * 16, k * 16 + 16}, 1, k + 1});
  const std::vector<Bucket> buckets = make_buckets(parts, 64 * 16, 8);
  ASSERT_EQ(buckets.size(), 8u);
  for (const Bucket& bucket : buckets) EXPECT_EQ(bucket.size, 128);
}

}  // namespace
}  // namespace rhoflux::parallel
