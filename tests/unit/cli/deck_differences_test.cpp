#include <gtest/gtest.h>

#include <vector>

#include "rhoflux/cli/deck.hpp"

namespace rhoflux::cli {
namespace {

TEST(DifferencesFrom, AreTheKeysWhoseValuesDiffer) {
  Deck deck;
  deck.data.file = "a.h5";
  EXPECT_TRUE(differences_from(to_ini(deck), deck).empty());
  Deck changed = deck;
  changed.training.steps = 7;
  changed.data.file = "b.h5";
  const std::vector<KeyDifference> found = differences_from(to_ini(deck), changed);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "data.file");
  EXPECT_EQ(found[0].before, "a.h5");
  EXPECT_EQ(found[0].now, "b.h5");
  EXPECT_EQ(found[1].name, "training.steps");
  EXPECT_EQ(found[1].before, "10000");
  EXPECT_EQ(found[1].now, "7");
}

/// A key that an older program did not write has its default, one that is not known here does not count, and values may be
/// written in another way.
TEST(DifferencesFrom, ReadDecksOfOtherVersions) {
  EXPECT_TRUE(
      differences_from("[training]\nsteps = 1e4\nsteps = 10000\nforgotten = 3\n[gone]\nkey = 1\n", Deck())
          .empty());
  EXPECT_TRUE(differences_from("", Deck()).empty());
  ASSERT_EQ(differences_from("[training]\nbatch = 7\n", Deck()).size(), 1u);
}

}  // namespace
}  // namespace rhoflux::cli
