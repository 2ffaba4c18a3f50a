#include "rhoflux/suggestion/variations.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "rhoflux/cli/deck.hpp"
#include "unit/suggestion/portraits.hpp"

namespace rhoflux::suggestion {
namespace {

using namespace test;

/// Many events with fine structure, of which the finest get a mixture of products, and few cells of five coordinates.
Portrait fine_events() {
  Portrait data = events();
  data.n_dims = 2;
  data.n_train = 30000;
  data.fineness = 0.8;
  return data;
}
Portrait finest_events() {
  Portrait data = fine_events();
  data.fineness = 0.5;
  return data;
}
Portrait steady_events() {
  Portrait data = fine_events();
  data.time_information = 0;
  return data;
}
Portrait few_cells() {
  Portrait data = snapshots();
  data.n_dims = 5;
  data.n_train = 800;
  return data;
}

const Wishes wishes = {"output/data", false};

/// The deck with a variation differs from the suggested one in the keys of the variation, and in no other.
TEST(Variations, ChangeTheirKeysAlone) {
  for (const Portrait& data : {fine_events(), steady_events(), finest_events(), few_cells()}) {
    const std::vector<SuggestedKey> keys = suggested_keys(data, wishes);
    const std::string suggested = cli::to_ini(cli::parse_deck_text(suggested_deck(data, wishes), "deck"));
    const std::vector<Variation> found = variations(data, keys);
    ASSERT_GE(found.size(), 8u);
    EXPECT_TRUE(found.front().keys.empty());
    std::set<std::string> names;
    for (const Variation& variation : found) {
      EXPECT_TRUE(names.insert(variation.name).second) << variation.name;
      const cli::Deck deck =
          cli::parse_deck_text(deck_of(data, wishes, with_variation(keys, variation, "tried")), "deck");
      std::set<std::string> expected, changed;
      for (const SuggestedKey& key : variation.keys) expected.insert(key.section + "." + key.name);
      for (const cli::KeyDifference& key : cli::differences_from(suggested, deck)) changed.insert(key.name);
      EXPECT_EQ(changed, expected) << variation.name;
      for (const SuggestedKey& key : variation.keys)
        EXPECT_TRUE(key.section == "model" || key.section == "training") << "motion stays as it is";
    }
  }
}

TEST(Variations, GoTogetherWhereNoKeyIsInBoth) {
  const std::vector<SuggestedKey> keys = suggested_keys(fine_events(), wishes);
  const Variation noise = {"more noise", {{"training", "noise", "0.1", ""}}},
                  less = {"less noise", {{"training", "noise", "0.01", ""}}},
                  wide = {"wider", {{"model", "hidden", "200,200", ""}, {"model", "components", "40", ""}}};
  EXPECT_TRUE(noise.goes_with(wide));
  EXPECT_FALSE(noise.goes_with(less));
  const Variation both = combined(noise, wide);
  EXPECT_EQ(both.name, "more noise, wider");
  const cli::Deck deck =
      cli::parse_deck_text(deck_of(fine_events(), wishes, with_variation(keys, both, "because")), "deck");
  EXPECT_EQ(deck.training.jitter, 0.1);
  EXPECT_EQ(deck.model.n_logistics, 40);
  EXPECT_EQ(deck.model.hidden, (std::vector<int>{200, 200}));
}

TEST(Variations, OfAKeyThatIsNotThereComeAtTheEndOfItsSection) {
  const std::vector<SuggestedKey> keys = suggested_keys(fine_events(), wishes);
  const Variation variation = {"shorter gradients", {{"training", "clip", "0.07", ""}}};
  const std::vector<SuggestedKey> with = with_variation(keys, variation, "because");
  ASSERT_EQ(with.size(), keys.size() + 1);
  const std::string text = deck_of(fine_events(), wishes, with, "# a remark\n");
  EXPECT_LT(text.find("# a remark\n"), text.find("[data]"));
  EXPECT_EQ(cli::parse_deck_text(text, "deck").training.max_gradient_norm, 0.07);
  EXPECT_NE(text.find("# because"), std::string::npos);
}

}  // namespace
}  // namespace rhoflux::suggestion
