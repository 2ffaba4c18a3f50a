#include "rhoflux/core/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <random>

#include "rhoflux/core/enum_text.hpp"
#include "support/errors.hpp"

namespace rhoflux {
namespace {

enum class Colour { red, green, unnamed };

using test::message_of;

}  // namespace

template <>
struct EnumText<Colour> {
  static constexpr EnumName<Colour> names[] = {{"red", Colour::red}, {"green", Colour::green}};
};

namespace {

TEST(Text, TrimsBlanksTabsAndLineEndsAtTheEnds) {
  EXPECT_EQ(trimmed(" \t a b \r\n"), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \n "), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(Text, SplitsIntoOnePieceMoreThanSeparators) {
  EXPECT_EQ(split("a,b", ','), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(split(",a,,", ','), (std::vector<std::string>{"", "a", "", ""}));
  EXPECT_EQ(split("", ','), (std::vector<std::string>{""}));
}

TEST(Text, JoinsWithASeparatorBetween) {
  EXPECT_EQ(joined({"a", "", "b"}), "a, , b");
  EXPECT_EQ(joined({"a", "b"}, "|"), "a|b");
  EXPECT_EQ(joined({}), "");
}

TEST(Text, FirstWordAndTheRest) {
  EXPECT_EQ(first_word("  gaussian  0 : 1 ").word, "gaussian");
  EXPECT_EQ(first_word("  gaussian  0 : 1 ").rest, "0 : 1");
  EXPECT_EQ(first_word("none").word, "none");
  EXPECT_EQ(first_word("none").rest, "");
  EXPECT_EQ(first_word(" ").word, "");
}

TEST(ParseNumber, ReadsDecimalNumbers) {
  EXPECT_EQ(parse_number("0"), 0.0);
  EXPECT_EQ(parse_number(" +2.5 "), 2.5);
  EXPECT_EQ(parse_number("-1e-3"), -1e-3);
  EXPECT_EQ(parse_number(".5"), 0.5);
  EXPECT_EQ(parse_number("5."), 5.0);
  EXPECT_EQ(parse_number("1E+2"), 100.0);
  EXPECT_TRUE(std::signbit(parse_number("-0")));
}

TEST(ParseNumber, ReadsTheEndsOfTheRange) {
  using Limits = std::numeric_limits<double>;
  EXPECT_EQ(parse_number("1.7976931348623157e308"), Limits::max());
  EXPECT_EQ(parse_number("2.2250738585072014e-308"), Limits::min());
  EXPECT_EQ(parse_number("4.9406564584124654e-324"), Limits::denorm_min());
}

TEST(ParseNumber, RefusesWhatIsNoFiniteDecimalNumber) {
  for (const char* text :
       {"",    " ",   "+",   "-",   ".",    "e5",       "1e",   "1..2",  "1,5", "1 2",   "+-3", "--3",
        "++3", "-+3", "nan", "inf", "-inf", "infinity", "0x10", "0x1p3", "1d3", "1_000", "12x"}) {
    EXPECT_EQ(message_of([&] { parse_number(text); }),
              "'" + std::string(trimmed(text)) + "' is not a finite decimal number");
    EXPECT_STREQ(read_number(text).fault, "not a finite decimal number") << text;
  }
}

TEST(ParseNumber, SaysWhichEndOfTheRangeWasPassed) {
  for (const char* text : {"1e400", "-1e400", "1.8e308"})
    EXPECT_EQ(message_of([&] { parse_number(text); }),
              "'" + std::string(text) + "' is too large for a double");
  for (const char* text : {"1e-400", "-1e-400"})
    EXPECT_EQ(message_of([&] { parse_number(text); }),
              "'" + std::string(text) + "' is too small for a double");
}

TEST(ParseNumber, ReadsLists) {
  EXPECT_EQ(parse_numbers("1, 2.5 ,-3"), (std::vector<double>{1, 2.5, -3}));
  EXPECT_EQ(message_of([] { parse_numbers("1,,3"); }), "'' is not a finite decimal number");
  EXPECT_EQ(message_of([] { parse_numbers("1,2,"); }), "'' is not a finite decimal number");
}

TEST(ParseWholeNumber, ReadsDigitsWithinTheRangeAlone) {
  EXPECT_EQ(parse_whole_number(" 7 ", 0, 9), 7);
  EXPECT_EQ(parse_whole_number("-7", -9, 9), -7);
  EXPECT_EQ(parse_whole_number("9223372036854775807", 0, std::numeric_limits<std::int64_t>::max()),
            std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"", "1.0", "1e3", "0x1", "1 2", "10", "-1", "9223372036854775808"})
    EXPECT_EQ(message_of([&] { parse_whole_number(text, 0, 9); }),
              "'" + std::string(text) + "' must be a whole number from 0 to 9");
}

TEST(PrintNumber, IsShortWhereThatReadsBack) {
  EXPECT_EQ(print_number(0.1), "0.1");
  EXPECT_EQ(print_number(0), "0");
  EXPECT_EQ(print_number(-0.0), "-0");
  EXPECT_EQ(print_number(1e22), "1e+22");
  EXPECT_EQ(print_number(100000), "100000");
  EXPECT_EQ(print_number(1.0 / 3), "0.3333333333333333");     // 16 digits are needed
  EXPECT_EQ(print_number(0.1 + 0.2), "0.30000000000000004");  // 17
  EXPECT_EQ(print_numbers({1, 0.5, -2}), "1,0.5,-2");
  EXPECT_EQ(print_numbers({}), "");
}

/// Any bits of a finite number.
TEST(PrintNumber, ReadsBackToTheSameBits) {
  std::mt19937_64 generator(1);
  int n_checked = 0;
  for (int k = 0; k < 20000; ++k) {
    const std::uint64_t bits = generator();
    double value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    if (!std::isfinite(value)) continue;
    const double back = parse_number(print_number(value));
    ASSERT_EQ(std::memcmp(&back, &value, sizeof(value)), 0) << print_number(value);
    ++n_checked;
  }
  EXPECT_GT(n_checked, 19000);  // all but 1 in 1024
}

TEST(EnumText, GoesThereAndBack) {
  EXPECT_EQ(enum_to_text(Colour::green), "green");
  EXPECT_EQ(enum_from_text<Colour>("green"), Colour::green);
  EXPECT_EQ(enum_choices<Colour>(), "red | green");
  EXPECT_EQ(enum_choices<Colour>(", "), "red, green");
}

TEST(EnumText, RefusesOtherTexts) {
  for (const char* text : {"blue", "", "Red", "red ", "gree"})
    EXPECT_EQ(message_of([&] { enum_from_text<Colour>(text); }),
              "'" + std::string(text) + "' is not one of the choices red | green");
  EXPECT_THROW(enum_to_text(Colour::unnamed), Error);
}

}  // namespace
}  // namespace rhoflux
