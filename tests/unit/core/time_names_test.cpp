#include "rhoflux/core/time_names.hpp"

#include <gtest/gtest.h>

namespace rhoflux {
namespace {

using Texts = std::vector<std::string>;

const TimeMeaning calendar = {"d", "2016-04-14T00:00:00Z", {}, {}};
const TimeMeaning labelled = {"", "", {"early", "late"}, {0.1, 5}};

std::string refusal(const TimeMeaning& meaning, const std::string& text) {
  try {
    (void)parse_times(meaning, text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TimeNames, AreDatesOfCalendarTimes) {
  EXPECT_EQ(time_texts(calendar, {0, 1, 31.5}),
            (Texts{"0 (2016-04-14)", "1 (2016-04-15)", "31.5 (2016-05-15T12:00:00Z)"}));
  EXPECT_EQ(time_text(calendar, -14), "-14 (2016-03-31)");
  EXPECT_EQ(time_text({"h", "1969-12-31T23:00:00Z", {}, {}}, 1), "1 (1970-01-01)");
  EXPECT_EQ(list_of_times(calendar, {0, 1}), "0 (2016-04-14), 1 (2016-04-15)");
  EXPECT_EQ(time_text(calendar, 1e9), "1e+09");  // beyond the year 9999
  EXPECT_EQ(time_text({"weeks", "2016-04-14", {}, {}}, 1), "1");
  EXPECT_EQ(time_text({}, 1), "1");
}

TEST(TimeNames, AreLabelsWhereThereAreSome) {
  const auto through_float = static_cast<double>(static_cast<float>(0.1));
  EXPECT_EQ(time_texts(labelled, {through_float, 2, 5}), (Texts{"0.1 (early)", "2", "5 (late)"}));
  EXPECT_EQ(time_text({"", "", {"3"}, {3}}, 3), "3");  // nothing is said twice
}

TEST(ParseTimes, TakesNumbersDatesAndLabels) {
  using Times = std::vector<double>;
  EXPECT_EQ(parse_times({}, " 0, 2 ,4"), (Times{0, 2, 4}));
  EXPECT_EQ(parse_times({}, "0:4:3"), (Times{0, 2, 4}));
  EXPECT_EQ(parse_times({}, "3:1:1"), (Times{3}));
  EXPECT_EQ(parse_times(calendar, "2016-04-15,2016-04-15T12:00:00Z,7"), (Times{1, 1.5, 7}));
  EXPECT_EQ(parse_times(calendar, "2016-04-14:2016-04-16:3"), (Times{0, 1, 2}));
  EXPECT_EQ(parse_times(labelled, "late,early,3"), (Times{5, 0.1, 3}));
  EXPECT_EQ(parse_time(labelled, " late "), 5);
}

TEST(ParseTimes, SayWhatIsAllowed) {
  EXPECT_NE(refusal(calendar, "tomorrow").find("a date such as 2016-04-14"), std::string::npos);
  EXPECT_NE(refusal(labelled, "early,noon").find("'noon' is not"), std::string::npos);
  EXPECT_NE(refusal(labelled, "early,noon").find("early = 0.1, late = 5"), std::string::npos);
  EXPECT_NE(refusal({}, "0,1e999").find("too large"), std::string::npos);
  for (const char* text :
       {"", " ", "2016-04-14", "early", "0:1", "0:1:0", "0:1:1e2", "1,,2", "nan", "0:early:3"})
    EXPECT_NE(refusal({}, text), "") << text;
  EXPECT_NE(refusal(calendar, "2016-04-31"), "");  // there is no such day
}

}  // namespace
}  // namespace rhoflux
