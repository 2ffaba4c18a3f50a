#include "rhoflux/inference/progress.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace rhoflux::inference {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(double seconds, const std::string& items) {
  Lines lines;
  Progress progress({[&](const std::string& line) { lines.push_back(line); }, seconds}, "paths", 40, items);
  progress.advance(10);
  progress.reach(30);
  progress.advance(10);
  return lines;
}

TEST(Progress, SaysHowManyItemsAreDoneButNotTheLast) {
  EXPECT_EQ(lines_of(0, "rows"),
            (Lines{"paths: 10 of 40 rows, 25 % after 0 s", "paths: 30 of 40 rows, 75 % after 0 s"}));
  EXPECT_EQ(lines_of(0, ""), (Lines{"paths: 25 % after 0 s", "paths: 75 % after 0 s"}));
}

TEST(Progress, ShortWorkHasNoLines) {
  EXPECT_TRUE(lines_of(1000, "rows").empty());
}

TEST(Progress, WithoutALogIsSilent) {
  Progress progress({{}, 0}, "paths", 2);
  progress.advance(1);
}

}  // namespace
}  // namespace rhoflux::inference
