#include "rhoflux/suggestion/suggested_deck.hpp"

#include <gtest/gtest.h>

#include "rhoflux/cli/deck.hpp"
#include "rhoflux/core/error.hpp"
#include "unit/suggestion/portraits.hpp"

namespace rhoflux::suggestion {
namespace {

using namespace test;

cli::Deck deck_of(const Portrait& data, bool counts_are_mass = false) {
  return cli::parse_deck_text(suggested_deck(data, {"output/cells", counts_are_mass}), "test");
}

/// Rows, coordinates and kinds of data of all sizes give decks that are read.
TEST(SuggestedDeck, IsADeckForEveryKindOfData) {
  for (const std::int64_t rows : {1, 20, 300, 1000, 5000, 30000, 1000000000})
    for (const int dims : {1, 2, 3, 5, 50, 2000})
      for (const std::int64_t n_val : {0, 10})
        for (const std::int64_t times : {1, 2, 5, 90})
          for (const bool is_continuous : {false, true}) {
            Portrait data = is_continuous ? events() : snapshots();
            data.n_train = rows;
            data.n_compared = std::min<std::int64_t>(rows, 2000);
            data.n_dims = dims;
            data.n_val = n_val;
            data.n_times = is_continuous ? rows : times;
            data.largest_gap = times > 1 ? 1.0 / static_cast<double>(times - 1) : 0;
            data.fineness = 0.5;
            const cli::Deck deck = deck_of(data);
            EXPECT_EQ(deck.data.file, "cells.h5");
            EXPECT_EQ(deck.checkpoint.directory, "output/cells");
            EXPECT_EQ(deck.training.patience > 0, n_val > 0 && (is_continuous || times == 1));
            for (const SuggestedKey& key : suggested_keys(data, {"output/cells", false}))
              EXPECT_FALSE(key.reason.empty()) << key.name;
          }
}

TEST(SuggestedDeck, EventsStopEarlyAndSnapshotsMoveEconomically) {
  EXPECT_GT(deck_of(events()).training.patience, 0);
  EXPECT_FALSE(deck_of(events()).objective.needs_dynamics());
  EXPECT_EQ(deck_of(snapshots()).training.patience, 0);
  EXPECT_TRUE(deck_of(snapshots()).objective.is_active("kinetic"));
}

/// The kinetic energy of the same motion in other units of time has the same share in the objective, and as many of its samples
/// are clipped: of a motion that takes T, int E|u|^2 dt is proportional to 1 / T and |u|^2 to 1 / T^2.
TEST(SuggestedDeck, DoesNotDependOnTheUnitOfTime) {
  Portrait data = snapshots();
  const cli::Deck slow = deck_of(data);
  data.t_last *= 10;
  const cli::Deck fast = deck_of(data);
  const auto weight = [](const cli::Deck& deck) { return deck.objective.schedule("kinetic").weight; };
  EXPECT_NEAR(weight(fast), 10 * weight(slow), 1e-12);
  const auto clip = [](const cli::Deck& deck) { return deck.objective.schedule("kinetic").saturation; };
  EXPECT_NEAR(clip(fast), clip(slow) / 100, 0.05 * clip(fast));  // decks have two digits
}

/// One coordinate tells much of the next: an ensemble with features of the coordinates, and mass still moves and does not fade.
TEST(SuggestedDeck, FineSnapshotsGetCoordinateFeatures) {
  Portrait data = snapshots();
  data.n_dims = 2;
  data.n_train = 40000;
  EXPECT_EQ(deck_of(data).model.coordinate_features, 0);
  EXPECT_EQ(deck_of(data).model.n_members, 1);
  data.fineness = 0.5;
  const cli::Deck fine = deck_of(data);
  EXPECT_EQ(fine.model.family, density::Family::autoregressive);
  EXPECT_EQ(fine.model.coordinate_features, 16);
  EXPECT_EQ(fine.model.n_members, 3);
  EXPECT_EQ(fine.model.weights, density::MixtureWeights::time_constant);
  EXPECT_EQ(fine.model.n_logistics, deck_of(snapshots()).model.n_logistics);
}

TEST(SuggestedDeck, NothingOscillatesInTheLongestGap) {
  Portrait data = snapshots();
  data.n_times = 12;
  data.largest_gap = 0.8;
  EXPECT_LE(deck_of(data).model.time_frequency_max * 0.8, 3.2);
}

/// Many events with much fine structure: a mixture of places, the fewer the more often rows repeat, and the noise follows the
/// distance between different rows.
TEST(SuggestedDeck, FineEventsGetPlaces) {
  Portrait data = events();
  data.n_dims = 2;
  data.n_train = 40000;
  EXPECT_EQ(deck_of(data).model.family, density::Family::autoregressive);
  data.fineness = 0.5;
  const cli::Deck once = deck_of(data);
  EXPECT_EQ(once.model.family, density::Family::factorised);
  EXPECT_EQ(once.model.n_products, 8192);
  EXPECT_GT(once.training.patience, 0);
  data.repeats = 4;
  const cli::Deck often = deck_of(data);
  EXPECT_EQ(often.model.n_products, 2048);
  EXPECT_NEAR(often.training.jitter / once.training.jitter, 2, 0.1);  // two digits in the deck
}

/// The time has to say as much as it costs: 0.002 + 100 / n nats, 0.102 at most.
TEST(SuggestedDeck, EventsThatHardlyChangeGetOneSlowFunction) {
  for (const auto& [rows, least] : {std::pair{8000, 0.0145}, {300, 0.102}, {100000, 0.003}}) {
    Portrait data = events();
    data.n_train = rows;
    data.time_information = 1.01 * least;
    EXPECT_EQ(deck_of(data).model.time_features, 16) << rows;
    EXPECT_EQ(deck_of(data).model.time_frequency_max, 4) << rows;
    data.time_information = 0.99 * least;
    EXPECT_EQ(deck_of(data).model.time_features, 2) << rows;
    EXPECT_EQ(deck_of(data).model.time_frequency_max, 0.5) << rows;
    EXPECT_EQ(deck_of(data).training.time_jitter, 0.3) << rows;
  }
  EXPECT_EQ(deck_of(snapshots()).model.time_features, 16);
}

TEST(SuggestedDeck, TiesGetNoise) {
  Portrait data = events();
  data.neighbour = 1e-9;
  data.has_few_values = true;
  EXPECT_GE(deck_of(data).training.jitter, 0.01);
}

TEST(SuggestedDeck, RowsFarOutsideDoNotSetTheScale) {
  Portrait data = snapshots();
  data.has_far_rows = true;
  EXPECT_EQ(deck_of(data).data.standardise.kind, data::Standardise::Kind::robust);
}

TEST(SuggestedDeck, GrowthIsTheUsersToSay) {
  Portrait data = snapshots();
  data.has_changing_numbers = true;
  EXPECT_FALSE(deck_of(data).model.grows());
  EXPECT_NE(suggested_deck(data, {"output", false}).find("--counts-are-mass"), std::string::npos);
  const cli::Deck growing = deck_of(data, true);
  EXPECT_TRUE(growing.model.grows());
  EXPECT_EQ(growing.data.mass.kind, data::Mass::Kind::counts);
  data.has_growth = true;
  EXPECT_TRUE(deck_of(data).objective.is_active("growth_rates"));
}

TEST(SuggestedDeck, CountsOfEventsOrWithConditionsAreRefused) {
  EXPECT_THROW(deck_of(events(), true), Error);
  Portrait data = snapshots();
  data.conditions = {"dose"};
  EXPECT_THROW(deck_of(data, true), Error);
  EXPECT_EQ(deck_of(data).data.conditions.names, std::vector<std::string>{"dose"});
}

TEST(SuggestedDeck, NamesThatADeckCannotHoldAreRefused) {
  Portrait data = snapshots();
  data.path = "run #3.h5";
  EXPECT_THROW(deck_of(data), Error);
}

}  // namespace
}  // namespace rhoflux::suggestion
