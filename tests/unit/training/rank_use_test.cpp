#include "rhoflux/training/rank_use.hpp"

#include <gtest/gtest.h>

namespace rhoflux::training {
namespace {

TEST(RankUse, SmallSharesOfABatchAreSaidBeforeTheRun) {
  EXPECT_EQ(warning_of_small_shares(32, 1024), "");
  EXPECT_EQ(warning_of_small_shares(1, 8), "");
  const std::string many = warning_of_small_shares(33, 1024);
  EXPECT_NE(many.find("33 ranks share the 1024 rows"), std::string::npos) << many;
  EXPECT_NE(many.find("about 31 rows"), std::string::npos) << many;
  EXPECT_NE(many.find("32 ranks or fewer"), std::string::npos) << many;
  const std::string few = warning_of_small_shares(2, 40);
  EXPECT_NE(few.find("One rank, or a larger batch"), std::string::npos) << few;
}

TEST(RankUse, SumsThatTakeLongerThanTheGradientAreSaidAfterIt) {
  EXPECT_EQ(warning_of_costly_sums(4, 1024, 100, 99), "");
  EXPECT_EQ(warning_of_costly_sums(4, 1024, 1, 9), "");
  EXPECT_EQ(warning_of_costly_sums(1, 1024, 10, 20), "");
  const std::string costly = warning_of_costly_sums(4, 1024, 20, 31.25);
  EXPECT_NE(costly.find("over 4 ranks"), std::string::npos) << costly;
  EXPECT_NE(costly.find("took 31.2 s, computing it 20.0 s"), std::string::npos) << costly;
  EXPECT_NE(costly.find("about 256 rows"), std::string::npos) << costly;
}

TEST(RankUse, TheSlowestRankIsNamedWhereItMatters) {
  const auto host = [](int rank) { return "node" + std::to_string(rank); };
  EXPECT_EQ(report_of_slowest_rank({10}, host), "");
  EXPECT_EQ(report_of_slowest_rank({10, 14.9, 12}, host), "");
  EXPECT_EQ(report_of_slowest_rank({.1, 1.0}, host), "");
  EXPECT_EQ(report_of_slowest_rank({10, 12, 15.25, 11}, host),
            "slowest: rank 2 on node2, gradient 15.2 s; the fastest rank takes 10.0 s");
}

}  // namespace
}  // namespace rhoflux::training
