#include "rhoflux/core/conditions.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "support/errors.hpp"

namespace rhoflux {
namespace {

using test::expect_error;

/// A dose of mean 1 and deviation 2, trained on 0 to 4, and a drug, of which C is in no training row.
ConditionEncoding dose_and_drug() {
  ConditionVariable dose, drug;
  dose.name = "dose";
  dose.mean = 1;
  dose.scale = 2;
  dose.least = 0;
  dose.most = 4;
  drug.name = "drug";
  drug.categories = {"A", "B", "C"};
  return {{dose, drug}, {0, 0, 4, 1, 1, 0}, {1, 3, 2}};
}

void expect_refused(ExitCode code, const std::vector<std::string>& parts, const std::function<void()>& work) {
  expect_error(code, parts, work);
}

TEST(Conditions, TextsReadBack) {
  for (const char* text : {"none", "dose", "dose,drug"})
    EXPECT_EQ(ConditionNames::parse(text).to_string(), text);
  EXPECT_EQ(ConditionNames::parse(" dose , drug ").names, (std::vector<std::string>{"dose", "drug"}));
  for (const char* text : {"none", "dose=2", "dose=2; dose=1,drug=A"})
    EXPECT_EQ(ConditionList::parse(text).to_string(), text);
  for (const char* text : {"data", "dose:0,1,2; drug:A"})
    EXPECT_EQ(ConditionGrid::parse(text).to_string(), text);
  const std::vector<ConditionText> found = parse_condition("dose = 0.5 , drug=A");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "dose");
  EXPECT_EQ(found[0].value, "0.5");
}

TEST(Conditions, TextsThatAreNoneAreRefused) {
  for (const char* text : {"dose", "=2", "dose=", "", "dose=1,"})
    expect_refused(ExitCode::bad_input, {"must be name=value"}, [&] { parse_condition(text); });
  expect_refused(ExitCode::bad_input, {"'dose' is there twice"}, [] { parse_condition("dose=1,dose=2"); });
  expect_refused(ExitCode::bad_input, {"a name is missing"}, [] { ConditionNames::parse("dose,"); });
  expect_refused(ExitCode::bad_input, {"'dose' is there twice"}, [] { ConditionNames::parse("dose,dose"); });
  expect_refused(ExitCode::bad_input, {"must be name:values"}, [] { ConditionGrid::parse("dose"); });
  expect_refused(ExitCode::bad_input, {"a value is missing"}, [] { ConditionGrid::parse("dose:1,"); });
}

TEST(Conditions, NumbersAreStandardisedAndCategoriesOneOfEach) {
  const ConditionEncoding encoding = dose_and_drug();
  EXPECT_EQ(encoding.n_rows(), 4);
  EXPECT_EQ(encoding.encoded({3, 1, 1, 2}), (std::vector<double>{1, 0, 1, 0, 0, 0, 0, 1}));
}

TEST(Conditions, AConditionHasAValueForEachName) {
  const ConditionEncoding encoding = dose_and_drug();
  EXPECT_EQ(encoding.condition_of(parse_condition("drug=B,dose=0.5")), (std::vector<double>{0.5, 1}));
  const std::vector<double> condition = {0.5, 1};
  EXPECT_EQ(encoding.text_of(condition.data()), "dose=0.5,drug=B");
  EXPECT_EQ(encoding.combinations(encoding.grid_of(condition.data())), condition);
  const auto refuse = [&](const char* text, const std::vector<std::string>& parts) {
    expect_refused(ExitCode::bad_input, parts, [&] { encoding.condition_of(parse_condition(text)); });
  };
  refuse("dose=1", {"'drug' is missing", "dose (a number, trained on 0 to 4), drug (A | B | C)"});
  refuse("dose=1,drug=Z", {"drug = 'Z'", "A | B | C"});
  refuse("dose=x,drug=A", {"dose = 'x' is not a finite decimal number"});
  refuse("dose=1,drug=A,age=3", {"no condition 'age'", "dose (a number"});
}

TEST(Conditions, OutsideOfTheTrainingRowsIsSaid) {
  const ConditionEncoding encoding = dose_and_drug();
  const auto outside = [&](double dose, double drug) {
    const std::vector<double> condition = {dose, drug};
    return encoding.outside(condition.data());
  };
  EXPECT_EQ(outside(0, 0), "");
  EXPECT_EQ(outside(2.5, 1), "");
  EXPECT_EQ(outside(static_cast<double>(static_cast<float>(4.0000001)), 1), "");
  EXPECT_NE(outside(4.1, 1).find("dose = 4.1 is outside of the training rows, 0 to 4"), std::string::npos);
  EXPECT_EQ(outside(1, 2), "drug = C is in no training row");
}

TEST(Conditions, AGridHasAllCombinations) {
  const ConditionEncoding encoding = dose_and_drug();
  const WeightedConditions found = encoding.weighted(ConditionGrid::parse("drug:A,C; dose:1,2,3"));
  EXPECT_EQ(found.conditions, (std::vector<double>{1, 0, 2, 0, 3, 0, 1, 2, 2, 2, 3, 2}));
  EXPECT_EQ(found.weights, std::vector<double>(6, 1.0));
  EXPECT_EQ(encoding.weighted({}).conditions, encoding.choices);
  EXPECT_EQ(encoding.weighted({}).weights, encoding.weights);
  expect_refused(ExitCode::bad_input, {"'dose' are missing"},
                 [&] { encoding.combinations(ConditionGrid::parse("drug:A")); });
  expect_refused(ExitCode::bad_input, {"no condition 'age'"},
                 [&] { encoding.combinations(ConditionGrid::parse("age:1; dose:1; drug:A")); });
}

}  // namespace
}  // namespace rhoflux
