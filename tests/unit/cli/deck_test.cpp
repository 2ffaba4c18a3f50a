#include "rhoflux/cli/deck.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "rhoflux/core/error.hpp"
#include "support/errors.hpp"

namespace rhoflux::cli {
namespace {

const std::string minimal = "[data]\nfile = cells.h5\n";

using test::message_of;

std::string deck_error(const std::string& text, const std::vector<Override>& overrides = {}) {
  return message_of([&] { parse_deck_text(text, "run.cfg", overrides); });
}

/// The error of `[section] key = value` at line 4 of a deck that is right but for it.
std::string value_error(const std::string& section, const std::string& line) {
  return deck_error(minimal + "[" + section + "]\n" + line + "\n");
}

Deck with(const std::string& section, const std::string& line) {
  return parse_deck_text(minimal + "[" + section + "]\n" + line + "\n", "run.cfg");
}

/// A folder that is removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rhoflux_deck_XXXXXX").string();
    m_path = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(m_path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string write(const std::string& name, const std::string& content) const {
    const std::string path = (m_path / name).string();
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  std::string path() const { return m_path.string(); }

 private:
  std::filesystem::path m_path;
};

#define EXPECT_CONTAINS(text, part) EXPECT_NE((text).find(part), std::string::npos) << "message: " << (text)

TEST(Deck, KeysThatAreNotGivenKeepTheirDefaults) {
  const Deck deck = parse_deck_text(minimal, "run.cfg");
  Deck defaults;
  defaults.data.file = "cells.h5";
  EXPECT_EQ(to_ini(deck), to_ini(defaults));
}

TEST(Deck, ReadsEveryTypeOfValue) {
  const Deck deck = parse_deck_text(
      "# a comment\r\n"
      "[data]\r\n"
      "  file = data/day 1.h5   # a path with a blank, a comment at the end\r\n"
      "standardise = No\r\n"
      "\r\n"
      "[model]\n"
      "family=factorised\n"
      "hidden = 64, 32 ,16\n"
      "weights = time_constant\n"
      "[training]\n"
      "steps = 5000000000\n"
      "seed = 18446744073709551615\n"
      "learning_rate = 2.5e-4\n"
      "precision = double\n"
      "schedule = constant\n"
      "reproducible = on\n"
      "[objective]\n"
      "nll = .5",
      "run.cfg");
  EXPECT_EQ(deck.data.file, "data/day 1.h5");
  EXPECT_EQ(deck.data.standardise.to_string(), "false");
  EXPECT_EQ(deck.model.family, density::Family::factorised);
  EXPECT_EQ(deck.model.hidden, (std::vector<int>{64, 32, 16}));
  EXPECT_EQ(deck.model.weights, density::MixtureWeights::time_constant);
  EXPECT_EQ(deck.training.steps, 5000000000);
  EXPECT_EQ(deck.training.seed, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(deck.training.schedule.peak, 2.5e-4);
  EXPECT_EQ(deck.training.precision, Precision::double_precision);
  EXPECT_EQ(deck.training.schedule.kind, optim::Schedule::constant);
  EXPECT_TRUE(deck.training.reproducible);
  EXPECT_EQ(deck.objective.schedule("nll").weight, 0.5);
}

TEST(Deck, ReadsEverySpellingOfTrueAndFalse) {
  for (const std::string text : {"true", "yes", "on", "1", "True", "YES"}) {
    EXPECT_TRUE(with("training", "reproducible = " + text).training.reproducible) << text;
  }
  for (const std::string text : {"false", "no", "off", "0", "Off"}) {
    EXPECT_EQ(with("data", "standardise = " + text).data.standardise.to_string(), "false") << text;
  }
}

TEST(Deck, OneSectionMayBeOpenedTwice) {
  const Deck deck =
      parse_deck_text("[training]\nsteps = 7\n[data]\nfile = a.h5\n[training]\nbatch = 9\n", "x");
  EXPECT_EQ(deck.training.steps, 7);
  EXPECT_EQ(deck.training.batch, 9);
}

TEST(Deck, AByteOrderMarkIsSkipped) {
  EXPECT_EQ(parse_deck_text("\xEF\xBB\xBF" + minimal, "run.cfg").data.file, "cells.h5");
}

TEST(Deck, UnknownSectionNamesLineAndNearest) {
  const std::string message = deck_error(minimal + "[trainig]\nsteps = 3\n");
  EXPECT_CONTAINS(message, "run.cfg:3: unknown section [trainig]; did you mean [training]?");
  EXPECT_CONTAINS(message, "data, model, flux, objective, training, checkpoint, output");
  EXPECT_CONTAINS(deck_error("[xyzzy]\n"), "run.cfg:1: unknown section [xyzzy] (sections: data");
  EXPECT_CONTAINS(deck_error("[]\n"), "run.cfg:1: unknown section [] (sections: data");
}

TEST(Deck, UnknownKeyNamesLineAndNearest) {
  const std::string message = value_error("training", "stepz = 3");
  EXPECT_CONTAINS(message, "run.cfg:4: unknown key training.stepz; did you mean training.steps?");
  EXPECT_CONTAINS(message, "(keys of [training]: steps, batch, seed");
  EXPECT_CONTAINS(value_error("model", "time-features = 2"), "did you mean model.time_features?");
  EXPECT_CONTAINS(value_error("data", "standardize = true"), "did you mean data.standardise?");
  EXPECT_CONTAINS(value_error("training", "log_every = 3"), "did you mean output.log_every?");
  EXPECT_CONTAINS(value_error("training", "qqqqqqqqqq = 3"), "training.qqqqqqqqqq (keys of [training]");
}

TEST(Deck, DuplicateKeyNamesBothLines) {
  EXPECT_CONTAINS(deck_error("[data]\nfile = a.h5\n\nfile = b.h5\n"),
                  "run.cfg:4: duplicate key data.file, already set at run.cfg:2");
}

TEST(Deck, WrongTypeNamesLineKeyValueAndWhatIsAllowed) {
  EXPECT_EQ(value_error("training", "steps = abc"),
            "run.cfg:4: training.steps = abc: not a whole number; allowed: whole number, 1 or more");
  for (const std::string text : {"1.5", "1e5", "12x", "0x10", "1 2", "+", "-", "+-3", "--3"}) {
    EXPECT_CONTAINS(value_error("training", "steps = " + text), "= " + text + ": not a whole number");
  }
  for (const std::string text :
       {"abc", "1e-3x", "1..2", "1,5", "nan", "inf", "-inf", "0x1p3", "e5", "1e", "."}) {
    EXPECT_CONTAINS(
        value_error("training", "learning_rate = " + text),
        "run.cfg:4: training.learning_rate = " + text + ": not a finite decimal number; allowed: ");
  }
  EXPECT_CONTAINS(value_error("training", "reproducible = maybe"),
                  "training.reproducible = maybe: neither true nor false; allowed: true | false");
  EXPECT_CONTAINS(value_error("model", "family = gaussian"),
                  "model.family = gaussian: not one of the choices; allowed: autoregressive | factorised");
  EXPECT_CONTAINS(
      value_error("model", "hidden = 64,,64"),
      "model.hidden = 64,,64: item 2, '', is not a whole number; allowed: whole numbers separated");
  EXPECT_CONTAINS(value_error("model", "hidden = 64,6x"), "item 2, '6x', is not a whole number");
}

TEST(Deck, ValuesThatDoNotFitTheirTypeAreRefused) {
  EXPECT_CONTAINS(value_error("training", "steps = 9223372036854775808"),
                  "too large for a whole number of 64 bits");
  EXPECT_CONTAINS(value_error("training", "seed = 18446744073709551616"), "too large");
  EXPECT_CONTAINS(value_error("training", "seed = -1"),
                  "training.seed = -1: negative; allowed: whole number, 0 to");
  EXPECT_CONTAINS(value_error("model", "components = 4294967297"), "too large for a whole number of 32 bits");
  EXPECT_CONTAINS(value_error("training", "epsilon = 1e400"), "too large for a double");
  EXPECT_CONTAINS(value_error("training", "epsilon = 1e-400"), "too small for a double");
}

TEST(Deck, EmptyValueIsRefused) {
  EXPECT_CONTAINS(value_error("training", "steps ="),
                  "run.cfg:4: training.steps has no value; allowed: whole number");
  EXPECT_CONTAINS(value_error("training", "steps = # ten"), "run.cfg:4: training.steps has no value");
}

TEST(Deck, OutOfRangeNamesLineKeyValueAndWhatIsAllowed) {
  struct Case {
    const char* section;
    const char* line;
    const char* expected;
  };
  const Case cases[] = {
      {"training", "steps = 0", "training.steps = 0: must be 1 or more"},
      {"training", "steps = -5", "training.steps = -5: must be 1 or more"},
      {"training", "batch = 0", "training.batch = 0: must be 1 to 2147483647"},
      {"training", "batch = 2147483648", "training.batch = 2147483648: must be 1 to 2147483647"},
      {"training", "learning_rate = 0", "training.learning_rate = 0: must be greater than 0 and at most 1"},
      {"training", "learning_rate = 1.5",
       "training.learning_rate = 1.5: must be greater than 0 and at most 1"},
      {"training", "final_learning_rate = 0.1",
       "training.final_learning_rate = 0.1: must be 0 to training.learning_rate = 0.001"},
      {"training", "warmup = -1", "training.warmup = -1: must be 0 or more"},
      {"training", "clip = -1", "training.clip = -1: must be 0 (no limit) or more"},
      {"training", "beta1 = 1", "training.beta1 = 1: must be at least 0 and less than 1"},
      {"training", "beta2 = -0.1", "training.beta2 = -0.1: must be at least 0 and less than 1"},
      {"training", "epsilon = 0", "training.epsilon = 0: must be greater than 0"},
      {"training", "weight_decay = -1", "training.weight_decay = -1: must be 0 or more"},
      {"training", "average = 1", "training.average = 1: must be at least 0 and less than 1"},
      {"training", "reproducible_lanes = 0", "training.reproducible_lanes = 0: must be 1 to 4096"},
      {"training", "validate_every = -1", "training.validate_every = -1: must be 0 (never) or more"},
      {"training", "patience = -1", "training.patience = -1: must be 0 (never) or more"},
      {"model", "components = 0", "model.components = 0: must be a whole number from 1 to 64"},
      {"model", "mixture = 16385", "model.mixture = 16385: must be a whole number from 1 to 16384"},
      {"model", "hidden = 64,0", "model.hidden = 64,0: must be 1 to 16 widths from 1 to 16384"},
      {"model", "hidden = 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "must be 1 to 16 widths from 1 to 16384"},
      {"model", "time_features = 7", "model.time_features = 7: must be an even whole number"},
      {"model", "time_features = 0", "model.time_features = 0: must be an even whole number"},
      {"model", "time_frequency_min = 0", "model.time_frequency_min = 0: must be greater than 0"},
      {"model", "time_frequency_max = 0.25",
       "model.time_frequency_max = 0.25: must be at least model.time_frequency_min = 0.5"},
      {"model", "coordinate_features = -2", "model.coordinate_features = -2: must be an even whole number"},
      {"model", "coordinate_frequency_min = -1",
       "model.coordinate_frequency_min = -1: must be greater than 0"},
      {"model", "coordinate_frequency_max = 0.1",
       "model.coordinate_frequency_max = 0.1: must be at least model.coordinate_frequency_min = 0.5"},
      {"objective", "nll = 0",
       "objective.nll = 0: must be greater than 0 without objective.initial and objective.terminal_law"},
      {"objective", "nll = -1", "objective.nll = -1: must be 0 or more"},
      {"objective", "kinetic = -1", "objective.kinetic = -1: must be 0 or more"},
      {"objective", "density_kinetic_power = 1",
       "objective.density_kinetic_power = 1: must be greater than 0 and less than 1"},
      {"objective", "density_kinetic_power = 0.5", "has no effect without objective.density_kinetic"},
      {"objective", "kinetic_start = -1", "objective.kinetic_start = -1: must be 0 or more"},
      {"objective", "entropy_ramp = -1", "objective.entropy_ramp = -1: must be 0 or more"},
      {"objective", "state_cost = 1",
       "objective.state_cost = 1: needs a potential, objective.state_cost_potential"},
      {"objective", "state_cost_potential = circles 0,0 : 1", "has no effect without objective.state_cost"},
      {"objective", "control_sigma = 0", "objective.control_sigma = 0: must be greater than 0"},
      {"objective", "initial = 1",
       "objective.initial = 1: needs an endpoint distribution, objective.initial_law"},
      {"objective", "initial_law = gaussian 0 : 1", "has no effect without objective.initial, its weight"},
      {"objective", "initial_law = gaussian 0 : -1", "a covariance is not positive definite"},
      {"objective", "terminal = 1", "needs one of objective.terminal_law and objective.terminal_potential"},
      {"objective", "terminal_potential = quadratic 0 : 1", "has no effect without objective.terminal"},
      {"objective", "terminal_reverse = 1", "needs objective.terminal too"},
      {"objective", "terminal_reverse = 1\nterminal = 1\nterminal_law = file x.h5",
       "needs an endpoint distribution whose density is known"},
      {"objective", "initial_reverse = 1\ninitial_law = gaussian 0 : 1", "needs objective.initial too"},
      {"objective", "control_sigma = 2", "has no effect without objective.control, its weight"},
      {"objective", "congestion_kernel = gaussian 1", "has no effect without objective.congestion"},
      {"objective", "control_base = linear 1 : 0", "has no effect without objective.control, its weight"},
      {"objective", "control_base = linear 1", "must be A : b1,..,bD for linear"},
      {"objective", "congestion_kernel = box 1", "'box' is not a kernel"},
      {"objective", "congestion_group = 3", "must be 2, 4, 8, 16, 32 or 64"},
      {"objective", "kinetic_clip = -1", "objective.kinetic_clip = -1: must be 0 or more"},
      {"objective", "estimator = reinforce", "allowed: pathwise | score_function"},
      {"data", "hold_out_times = 1,,2", "a time is missing"},
      {"data", "conditions = dose,", "a name is missing"},
      {"data", "hold_out_conditions = dose", "must be name=value"},
      {"objective", "conditions = dose", "must be name:values"},
      {"data", "time_range = 1:0", "the last time must be after the first"},
      {"data", "time_range = 0:1:2", "must be data or first:last"},
      {"data", "mass = many", "must be none, counts or time:mass"},
      {"data", "mass = 0:1,1", "must be none, counts or time:mass"},
      {"data", "mass = 0:1,1:x", "'x' is not a finite decimal number"},
      {"data", "mass = 0:1,1:0", "the mass 0 is not above 0"},
      {"data", "mass = 0:1,2:3,1:2", "the times must ascend, and 1 comes after 2"},
      {"data", "mass = 0:1", "the mass at the first and at the last time"},
      {"checkpoint", "every = 0", "checkpoint.every = 0: must be 1 or more"},
      {"checkpoint", "keep = 0", "checkpoint.keep = 0: must be 1 or more"},
      {"output", "log_every = 0", "output.log_every = 0: must be 1 or more"},
  };
  for (const Case& c : cases) {
    const std::string message = value_error(c.section, c.line);
    EXPECT_EQ(message.compare(0, 11, "run.cfg:4: "), 0) << message;
    EXPECT_CONTAINS(message, c.expected);
  }
}

TEST(Deck, EndsOfTheRangesAreAllowed) {
  EXPECT_NO_THROW(with("training", "steps = 1"));
  EXPECT_NO_THROW(with("training", "batch = 2147483647"));
  EXPECT_NO_THROW(with("training", "learning_rate = 1"));
  EXPECT_NO_THROW(with("training", "final_learning_rate = 1e-3"));
  EXPECT_NO_THROW(with("training", "warmup = 0"));
  EXPECT_NO_THROW(with("training", "clip = 0"));
  EXPECT_NO_THROW(with("training", "beta1 = 0"));
  EXPECT_NO_THROW(with("training", "reproducible_lanes = 4096"));
  EXPECT_NO_THROW(with("training", "validate_every = 0"));
  EXPECT_NO_THROW(with("model", "components = 64"));
  EXPECT_NO_THROW(with("model", "mixture = 1"));
  EXPECT_NO_THROW(with("model", "mixture = 16384"));
  EXPECT_NO_THROW(with("model", "hidden = 1"));
  EXPECT_NO_THROW(with("model", "time_features = 2"));
  EXPECT_NO_THROW(with("model", "time_frequency_max = 0.5"));
  EXPECT_NO_THROW(with("model", "coordinate_features = 0"));
  EXPECT_NO_THROW(with("checkpoint", "every = 1"));
}

TEST(Deck, ConflictOfTwoKeysNamesTheLineOfTheOneThatWasSet) {
  EXPECT_CONTAINS(value_error("model", "time_frequency_min = 20"),
                  "run.cfg:4: model.time_frequency_max = 16: must be at least model.time_frequency_min = 20");
  EXPECT_CONTAINS(value_error("training", "validate_every = 0\npatience = 3"),
                  "run.cfg:5: training.patience = 3: must be 0 when training.validate_every = 0");
}

TEST(Deck, NotANumberIsOutOfEveryRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  training::TrainingConfig training;
  training.max_gradient_norm = nan;
  EXPECT_CONTAINS(message_of([&] { training.validate(); }), "training.clip");
  density::Config model;
  model.coordinate_frequency_max = nan;
  EXPECT_CONTAINS(message_of([&] { model.validate(); }), "model.coordinate_frequency_max");
  Deck deck;
  deck.data.file = "a.h5";
  deck.objective.schedule("nll").weight = nan;
  EXPECT_CONTAINS(message_of([&] { deck.validate(); }), "objective.nll");
}

TEST(Deck, MalformedLines) {
  EXPECT_CONTAINS(deck_error(minimal + "\nsteps 10\n"),
                  "run.cfg:4: 'steps 10' is neither '[section]' nor 'key = value'");
  EXPECT_CONTAINS(deck_error(minimal + "= 10\n"), "run.cfg:3: '= 10' is neither");
  EXPECT_CONTAINS(deck_error(minimal + "[model\n"), "run.cfg:3: '[model' has no closing ']'");
  EXPECT_CONTAINS(deck_error("file = a.h5\n"), "run.cfg:1: key file stands before the first [section]");
  const std::string longer = deck_error(minimal + std::string(500, 'x') + "\n");
  EXPECT_CONTAINS(longer, "xxx...' is neither");
  EXPECT_LT(longer.size(), 150u);
}

TEST(Deck, MissingDataFile) {
  EXPECT_CONTAINS(deck_error("[training]\nsteps = 3\n"),
                  "run.cfg: data.file is missing: give the population file as");
  EXPECT_CONTAINS(deck_error(""), "--data.file=PATH");
}

TEST(Deck, BinaryContentIsRefused) {
  EXPECT_CONTAINS(deck_error(std::string("\x89HDF\r\n\x1a\n\0\0", 10)),
                  "run.cfg:2: binary data; a deck is a text file");
  EXPECT_CONTAINS(deck_error(minimal + std::string(1, '\0')), "run.cfg:3: binary data");
}

TEST(Deck, OverridesWinOverTheText) {
  const Deck deck =
      parse_deck_text(minimal + "[training]\nsteps = 0\n", "run.cfg",
                      {{"data.file", " other.h5 "}, {"training.steps", "12"}, {"model.hidden", "8,8"}});
  EXPECT_EQ(deck.data.file, "other.h5");
  EXPECT_EQ(deck.training.steps, 12);
  EXPECT_EQ(deck.model.hidden, (std::vector<int>{8, 8}));
}

TEST(Deck, ErrorsOfOverridesNameTheOption) {
  EXPECT_EQ(deck_error(minimal, {{"training.steps", "abc"}}),
            "command line, --training.steps=abc: training.steps = abc: not a whole number; "
            "allowed: whole number, 1 or more");
  EXPECT_CONTAINS(
      deck_error(minimal, {{"training.stepz", "1"}}),
      "command line, --training.stepz=1: unknown key training.stepz; did you mean training.steps?");
  EXPECT_CONTAINS(deck_error(minimal, {{"train.steps", "1"}}),
                  "command line, --train.steps=1: unknown section [train]; did you mean [training]?");
  EXPECT_CONTAINS(deck_error(minimal, {{"training.steps", "0"}}),
                  "command line, --training.steps=0: training.steps = 0: must be 1 or more");
  EXPECT_CONTAINS(deck_error(minimal, {{"training.steps", ""}}),
                  "--training.steps=: training.steps has no value");
  EXPECT_CONTAINS(deck_error(minimal, {{"training.steps", "1"}, {"training.steps", "2"}}),
                  "command line, --training.steps=2: duplicate, after --training.steps=1");
  EXPECT_CONTAINS(deck_error(minimal, {{"data.file", "a#b.h5"}}),
                  "contains '#', which begins a comment in a deck");
  EXPECT_CONTAINS(deck_error(minimal, {{"data.file", "a\nb.h5"}}), "contains a control character");
}

TEST(Deck, ParsesOverrideArguments) {
  EXPECT_EQ(parse_override("--training.steps=10"), Override("training.steps", "10"));
  EXPECT_EQ(parse_override("--data.file=a=b.h5"), Override("data.file", "a=b.h5"));
  EXPECT_EQ(parse_override("--data.file="), Override("data.file", ""));
  EXPECT_EQ(parse_override("--max-hours=1.5"), std::nullopt);
  EXPECT_EQ(parse_override("--check"), std::nullopt);
  EXPECT_EQ(parse_override("run.v2=x.cfg"), std::nullopt);
  EXPECT_EQ(message_of([] { parse_override("--data.file"); }),
            "command line, --data.file: has no value; write --data.file=VALUE");
}

TEST(Deck, ResolvedDeckReadsBackToTheSameBits) {
  Deck deck;
  deck.data.file = "folder with blanks/\xC3\xA4.h5";
  deck.data.standardise = data::Standardise::parse("robust");
  deck.model.family = density::Family::factorised;
  deck.model.hidden = {3, 5, 7};
  deck.model.weights = density::MixtureWeights::time_constant;
  deck.model.time_frequency_max = 100.0 / 3.0;
  deck.objective.schedule("nll").weight = std::nextafter(1.0, 2.0);
  deck.training.seed = std::numeric_limits<std::uint64_t>::max();
  deck.training.steps = std::numeric_limits<std::int64_t>::max();
  deck.training.precision = Precision::double_precision;
  deck.training.schedule.kind = optim::Schedule::constant;
  deck.training.schedule.peak = 0.1;
  deck.training.schedule.last = 1.0 / 3e5;
  deck.training.adam.epsilon = std::numeric_limits<double>::min();
  deck.training.max_gradient_norm = std::numeric_limits<double>::max();
  deck.training.reproducible = true;
  const std::string text = to_ini(deck);
  const Deck back = parse_deck_text(text, "resolved");
  EXPECT_EQ(to_ini(back), text);
  EXPECT_EQ(back.data.file, deck.data.file);
  EXPECT_EQ(back.model.hidden, deck.model.hidden);
  EXPECT_EQ(back.model.time_frequency_max, deck.model.time_frequency_max);
  EXPECT_EQ(back.objective.schedule("nll").weight, deck.objective.schedule("nll").weight);
  EXPECT_EQ(back.training.seed, deck.training.seed);
  EXPECT_EQ(back.training.steps, deck.training.steps);
  EXPECT_EQ(back.training.schedule.peak, deck.training.schedule.peak);
  EXPECT_EQ(back.training.schedule.last, deck.training.schedule.last);
  EXPECT_EQ(back.training.adam.epsilon, deck.training.adam.epsilon);
  EXPECT_EQ(back.training.max_gradient_norm, deck.training.max_gradient_norm);
  EXPECT_CONTAINS(text, "learning_rate = 0.1\n");
}

TEST(Deck, HelpIsADeckOfTheDefaultsThatLacksOnlyTheData) {
  const std::string help = help_deck();
  const std::string blank = "file =\n";
  const std::size_t position = help.find(blank);
  ASSERT_NE(position, std::string::npos);
  std::string filled = help;
  filled.replace(position, blank.size(), "file = cells.h5\n");
  Deck defaults;
  defaults.data.file = "cells.h5";
  EXPECT_EQ(to_ini(parse_deck_text(filled, "help")), to_ini(defaults));
  EXPECT_CONTAINS(help, "whole number, 1 or more; unit: steps\nsteps = 10000\n");
  EXPECT_CONTAINS(help, "single | double");
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110u) << line;
}

TEST(DeckFile, IsReadFromDisk) {
  const TemporaryFolder folder;
  const std::string path = folder.write("good.cfg", minimal);
  EXPECT_EQ(read_deck(path, {{"training.steps", "3"}}).training.steps, 3);
  const std::string bad = folder.write("bad.cfg", minimal + "[model]\ncomponents = many\n");
  EXPECT_CONTAINS(message_of([&] { read_deck(bad); }),
                  bad + ":4: model.components = many: not a whole number");
}

TEST(DeckFile, ShippedDecksAreRead) {
  const std::filesystem::path inputs = std::filesystem::path(__FILE__).parent_path() / "../../../inputs";
  int n_decks = 0;
  for (const auto& entry : std::filesystem::directory_iterator(inputs)) {
    if (entry.path().extension() != ".cfg") continue;
    ++n_decks;
    EXPECT_NO_THROW(read_deck(entry.path().string(), {{"training.steps", "5"}})) << entry.path();
  }
  EXPECT_GE(n_decks, 5);
}

TEST(DeckFile, FilesThatAreNoDecksAreRefused) {
  const TemporaryFolder folder;
  const std::string missing = folder.path() + "/missing.cfg";
  EXPECT_EQ(message_of([&] { read_deck(missing); }),
            missing + ": cannot open the deck: No such file or directory");
  EXPECT_CONTAINS(message_of([&] { read_deck(folder.path()); }), folder.path() + ": is a directory");
  const std::string binary = folder.write("model.h5", std::string("\x89HDF\r\n\x1a\n\0\0", 10));
  EXPECT_CONTAINS(message_of([&] { read_deck(binary); }), binary + ":2: binary data");
  const std::string large = folder.write("large.csv", std::string((1 << 20) + 1, '1'));
  EXPECT_CONTAINS(message_of([&] { read_deck(large); }), "larger than 1 MiB");
}

}  // namespace
}  // namespace rhoflux::cli
