#include "importers/time_reader.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include "rhoflux/core/calendar.hpp"
#include "rhoflux/io/population.hpp"
#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::importers {
namespace {

using test::expect_error;
using Values = std::map<std::string, double>;
namespace testing = io::testing;

TEST(NumbersInLabels, OneNumberMayDiffer) {
  EXPECT_EQ(numbers_in_labels({"day0", "day3", "day10"}), (Values{{"day0", 0}, {"day3", 3}, {"day10", 10}}));
  EXPECT_EQ(numbers_in_labels({"E8.0", "E8.5"}), (Values{{"E8.0", 8}, {"E8.5", 8.5}}));
  EXPECT_EQ(numbers_in_labels({"4hpf", "12hpf"}), (Values{{"4hpf", 4}, {"12hpf", 12}}));
  EXPECT_EQ(numbers_in_labels({"rep2 d1", "rep2 d2"}), (Values{{"rep2 d1", 1}, {"rep2 d2", 2}}));
  EXPECT_EQ(numbers_in_labels({"P7"}), (Values{{"P7", 7}}));
  EXPECT_TRUE(numbers_in_labels({"rep1 d1", "rep2 d2"}).empty());
  EXPECT_TRUE(numbers_in_labels({"rep1 d1"}).empty());
  EXPECT_TRUE(numbers_in_labels({"2h", "1d"}).empty());
  EXPECT_TRUE(numbers_in_labels({"day0", "Day1"}).empty());
  EXPECT_TRUE(numbers_in_labels({"early", "late"}).empty());
  EXPECT_TRUE(numbers_in_labels({}).empty());
  EXPECT_TRUE(numbers_in_labels({"day" + std::string(400, '9'), "day1"}).empty());
}

TEST(NumbersInLabels, MinusOrHyphen) {
  EXPECT_EQ(numbers_in_labels({"-2h", "-1h", "3h"}), (Values{{"-2h", -2}, {"-1h", -1}, {"3h", 3}}));
  EXPECT_EQ(numbers_in_labels({"t=-1.5", "t=2"}), (Values{{"t=-1.5", -1.5}, {"t=2", 2}}));
  EXPECT_EQ(numbers_in_labels({"day-1", "day-2"}), (Values{{"day-1", 1}, {"day-2", 2}}));
  EXPECT_TRUE(numbers_in_labels({"day-1", "day0"}).empty());
}

TEST(NumbersInLabels, DatesInOtherFormsHaveNone) {
  EXPECT_TRUE(numbers_in_labels({"14/04/2016", "15/04/2016"}).empty());
  EXPECT_TRUE(numbers_in_labels({"4-14-16", "4-15-16"}).empty());
  EXPECT_TRUE(numbers_in_labels({"14.04.2016 12:00", "15.04.2016 12:00"}).empty());
  EXPECT_TRUE(numbers_in_labels({"12:30", "12:45"}).empty());
}

TEST(MissingValues, TheirSpellings) {
  for (const char* text : {"", "NA", "na", "NaN", "N/A", "#N/A", "null", "None", "-Inf", "+infinity", "."})
    EXPECT_TRUE(is_missing_value(text)) << text;
  for (const char* text : {"0", "1e5", "day0", "nana", "-1"}) EXPECT_FALSE(is_missing_value(text)) << text;
}

class TimesOfTable : public ::testing::Test {
 protected:
  Summary import(const std::vector<std::string>& times) const {
    std::string text = "t,x1\n";
    for (const std::string& time : times) text += time + ",1\n";
    testing::write_text(folder.file("in.csv"), text);
    return import_population(folder.file("in.csv"), output, options, true);
  }
  std::vector<double> times() const {
    const io::PopulationFile file(output, comm);
    return file.read_split(io::Split::all, 0, file.info().n_rows).t;
  }
  void expect_refused(const std::vector<std::string>& texts, const std::vector<std::string>& parts) const {
    expect_error(ExitCode::bad_input, parts, [&] { import(texts); });
  }

  testing::TemporaryFolder folder;
  std::string output = folder.file("out.h5");
  mpi::Communicator comm{MPI_COMM_SELF};
  Options options;
};

TEST_F(TimesOfTable, LabelsBecomeTheirNumbers) {
  import({"day10", "day2", "day0"});
  EXPECT_EQ(times(), (std::vector<double>{0, 2, 10}));
  const io::Hdf5Reader file(output);
  EXPECT_EQ(file.attribute_strings("/", "time_labels"), (std::vector<std::string>{"day0", "day10", "day2"}));
  EXPECT_EQ(file.attribute_doubles("/", "time_label_values"), (std::vector<double>{0, 10, 2}));
  expect_refused({"early", "late"}, {"line 1", "'early', 'late'", "--time-values early=0,late=1"});
  expect_refused({"0", "day1", "day2"}, {"--time-values"});
  expect_refused({"14/04/2016", "15/04/2016"}, {"line 1", "'14/04/2016'", "several ways", "2016-04-14"});
  expect_refused({"a", std::string(2000, 'b')}, {"line 3", "2000 bytes"});
}

TEST_F(TimesOfTable, GivenValues) {
  options.time.values = {{"early", 0.5}, {"late", -1}};
  import({"early", "late", "early"});
  EXPECT_EQ(times(), (std::vector<double>{-1, 0.5, 0.5}));
  expect_refused({"early", "noon"}, {"'noon'", "gives no time"});
  expect_refused({"early", "early"}, {"'late'", "does not have"});
}

TEST_F(TimesOfTable, DatesAreCountedFromTheFirst) {
  import({"2016-04-15", "2016-04-14T12:00:00Z", "2016-04-14 18:00:00.0"});
  EXPECT_EQ(times(), (std::vector<double>{0, 0.25, 0.5}));
  EXPECT_EQ(io::PopulationFile(output, comm).info().time.origin, "2016-04-14T12:00:00Z");
  EXPECT_EQ(io::PopulationFile(output, comm).info().time_unit, "d");
  options.time.unit = "h";
  options.time.origin = "2016-04-14";
  import({"2016-04-14T12:00+02:00", "2016/04/15"});
  EXPECT_EQ(times(), (std::vector<double>{10, 24}));
  EXPECT_EQ(io::PopulationFile(output, comm).info().time.origin, "2016-04-14T00:00:00Z");
  options.time.unit = "hours";
  expect_refused({"2016-04-14"}, {"'hours'", "s, min, h, d, y"});
  options.time.unit = "h";
  expect_refused({"2016-04-14", "2016-02-30"}, {"line 3", "'2016-02-30'", "no date"});
  options.time.origin = "yesterday";
  expect_refused({"2016-04-14"}, {"--time-origin", "'yesterday'"});
  expect_refused({"1", "2"}, {"--time-origin is for dates", "numbers"});
  options = {};
  options.time.format = TimeFormat::datetime;
  expect_refused({"1", "2"}, {"line 2", "'1'", "no date"});
  options.time.format = TimeFormat::number;
  expect_refused({"2016-04-14"}, {"line 2", "not a number"});
}

}  // namespace
}  // namespace rhoflux::importers
