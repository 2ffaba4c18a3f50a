#include "rhoflux/io/csv_import.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>
#include <fstream>

#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::io {
namespace {

using test::expect_error;
using testing::TemporaryFolder;

class CsvImport : public ::testing::Test {
 protected:
  CsvSummary import(const std::string& text, const CsvOptions& options = {}) const {
    testing::write_text(input, text);
    return import_csv(input, output, options, true);
  }

  void expect_refused(const std::string& text, const std::vector<std::string>& parts,
                      const CsvOptions& options = {}) const {
    expect_error(ExitCode::bad_input, parts, [&] { import(text, options); });
    EXPECT_FALSE(std::filesystem::exists(output)) << text;
  }

  PopulationRows rows(Split split = Split::all) const {
    const PopulationFile file(output, comm);
    return file.read_split(split, 0, file.info().count(split));
  }

  TemporaryFolder folder;
  std::string input = folder.file("in.csv");
  std::string output = folder.file("out.h5");
  mpi::Communicator comm{MPI_COMM_SELF};
};

TEST_F(CsvImport, SortsSplitsAndReportsIgnoredColumns) {
  const CsvSummary summary = import(
      "t,x1,x2,split,seq\n"
      "3,1.5,-2.5,test,7\n"
      "1.25,1e-3,+4,train,7\n"
      "2,.5,6.,1,8\n");
  EXPECT_EQ(summary.n_rows, 3);
  EXPECT_EQ(summary.split_count, (std::array<std::int64_t, 3>{1, 1, 1}));
  EXPECT_EQ(summary.dim_names, (std::vector<std::string>{"x1", "x2"}));
  EXPECT_EQ(summary.ignored_columns, std::vector<std::string>{"seq"});
  EXPECT_EQ(summary.t_min, 1.25);
  EXPECT_EQ(summary.t_max, 3.0);
  EXPECT_FALSE(summary.has_weight);
  EXPECT_EQ(rows().t, (std::vector<double>{1.25, 2, 3}));
  EXPECT_EQ(rows().x, (std::vector<double>{1e-3, 4, 0.5, 6, 1.5, -2.5}));
  EXPECT_EQ(rows(Split::val).t, std::vector<double>{2});
  EXPECT_EQ(PopulationFile(output, comm).info().source, "in.csv");
}

TEST_F(CsvImport, AcceptsWhatSpreadsheetsWrite) {
  const CsvSummary summary = import(
      "\xEF\xBB\xBF\"t\", x1 ,\"a \"\"note\"\", long\"\r\n"
      "\"1\", 2 ,\"x, y\"\r\n"
      "2,\"3\",\r\n"
      "\r\n"
      "   \r\n");
  EXPECT_EQ(summary.n_rows, 2);
  EXPECT_EQ(summary.ignored_columns, std::vector<std::string>{"a \"note\", long"});
  EXPECT_EQ(rows().x, (std::vector<double>{2, 3}));
  EXPECT_EQ(import("t,x1\n5,6").n_rows, 1);  // no line end after the last row
}

TEST_F(CsvImport, ChosenColumnsUnitsAndWeights) {
  CsvOptions options;
  options.time_column = "day";
  options.coordinate_columns = {"lat", "lon"};
  options.weight_column = "w";
  options.split_column = "part";
  options.time_unit = "days";
  options.source = "a catalogue";
  const CsvSummary summary = import("lon,lat,w,day,part,t\n1,2,0.5,3,2,x\n4,5,0,6,0,y\n", options);
  EXPECT_TRUE(summary.has_weight);
  EXPECT_EQ(summary.ignored_columns, std::vector<std::string>{"t"});
  const PopulationFile file(output, comm);
  EXPECT_EQ(file.info().dim_names, (std::vector<std::string>{"lat", "lon"}));
  EXPECT_EQ(file.info().time_unit, "days");
  EXPECT_EQ(file.info().source, "a catalogue");
  EXPECT_EQ(rows().x, (std::vector<double>{2, 1, 5, 4}));
  EXPECT_EQ(rows().weight, (std::vector<double>{0.5, 0}));
  EXPECT_EQ(rows(Split::test).t, std::vector<double>{3});
}

TEST_F(CsvImport, DrawnSplitFollowsTheFractionsAndTheSeed) {
  std::string text = "t,x1\n";
  constexpr int n_rows = 20000;
  for (int i = 0; i < n_rows; ++i) text += "0," + std::to_string(i) + "\n";
  CsvOptions options;
  options.val_fraction = 0.2;
  options.test_fraction = 0.1;
  const CsvSummary first = import(text, options);
  // Five standard deviations of a binomial count.
  EXPECT_NEAR(first.split_count[1], 0.2 * n_rows, 5.0 * std::sqrt(n_rows * 0.2 * 0.8));
  EXPECT_NEAR(first.split_count[2], 0.1 * n_rows, 5.0 * std::sqrt(n_rows * 0.1 * 0.9));
  const std::vector<double> test_rows = rows(Split::test).x;
  import(text, options);
  EXPECT_EQ(rows(Split::test).x, test_rows);
  options.seed = 2;
  import(text, options);
  EXPECT_NE(rows(Split::test).x, test_rows);
  EXPECT_EQ(import(text).split_count[0], n_rows);
}

TEST_F(CsvImport, BadRowsAreNamedByLine) {
  const std::string start = "t,x1,x2,split\n0,1,2,train\n";
  expect_refused(start + "1,2,3\n", {"in.csv", "line 3", "expected 4 fields", "found 3"});
  expect_refused(start + "1,2,3,val,\n", {"line 3", "found 5"});
  expect_refused(start + "1,2,abc,val\n", {"line 3", "'abc'", "'x2'", "not a number"});
  expect_refused(start + "1,2,3.5kg,val\n", {"line 3", "'3.5kg'"});
  expect_refused(start + "1,,3,val\n", {"line 3", "''", "'x1'", "not a number"});
  expect_refused(start + "1,2,0x10,val\n", {"line 3", "'0x10'"});
  expect_refused(start + "nan,2,3,val\n", {"line 3", "'nan'", "'t'", "not finite"});
  expect_refused(start + "1,-inf,3,val\n", {"line 3", "'-inf'", "not finite"});
  expect_refused(start + "1,1e999,3,val\n", {"line 3", "'1e999'", "out of the range"});
  expect_refused(start + "1,2,3,dev\n", {"line 3", "unknown split 'dev'", "train, val, test"});
  expect_refused(start + "1,2,3,3\n", {"line 3", "unknown split '3'"});
  expect_refused(start + "1,\"2,3,val\n", {"line 3", "quote is not closed"});
  expect_refused(start + "1,\"2\"5,3,val\n", {"line 3", "follows a closing quote"});
  expect_refused(start + "\n1,2,3,val\n", {"line 3", "blank"});
  expect_refused("t,x1,weight\n0,1,-1\n", {"line 2", "-1", "negative"});
}

TEST_F(CsvImport, BadHeadersAndEmptyFilesAreRefused) {
  expect_refused("", {"in.csv", "empty"});
  expect_refused("\n\n", {"empty"});
  expect_refused("t,x1\n", {"no rows"});
  expect_refused("time,x1\n0,1\n", {"line 1", "no column 't'", "time, x1"});
  expect_refused("t,lon,lat\n0,1,2\n", {"line 1", "no coordinate columns", "lon, lat"});
  expect_refused("t,x1,x1\n0,1,2\n", {"line 1", "'x1' twice"});
  expect_refused("t,x1,x2,x4\n0,1,2,3\n", {"line 1", "'x4'", "'x3'"});
  expect_refused("t,x1,\n0,1,2\n", {"line 1", "column 3", "no name"});
  CsvOptions options;
  options.coordinate_columns = {"lon", "height"};
  expect_refused("t,lon,lat\n0,1,2\n", {"no column 'height'"}, options);
  options.coordinate_columns = {"lon", "t"};
  expect_refused("t,lon,lat\n0,1,2\n", {"'t'", "two purposes"}, options);
  options = {};
  options.split_column = "part";
  expect_refused("t,x1\n0,1\n", {"no column 'part'"}, options);
}

TEST_F(CsvImport, FractionsMustBePossible) {
  CsvOptions options;
  options.val_fraction = 0.6;
  options.test_fraction = 0.4;
  expect_refused("t,x1\n0,1\n", {"fractions"}, options);
  options.val_fraction = -0.1;
  expect_refused("t,x1\n0,1\n", {"fractions"}, options);
  options.val_fraction = 0.1;
  expect_refused("t,x1,split\n0,1,train\n", {"split column"}, options);
}

TEST_F(CsvImport, MissingInputAndExistingOutput) {
  expect_error(ExitCode::bad_input, {"in.csv", "no such file"},
               [&] { import_csv(input, output, {}, false); });
  testing::write_text(input, "t,x1\n0,1\n");
  testing::write_text(output, "precious");
  expect_error(ExitCode::bad_input, {"out.h5", "already exists"},
               [&] { import_csv(input, output, {}, false); });
  EXPECT_EQ(testing::read_text(output), "precious");
}

}  // namespace
}  // namespace rhoflux::io
