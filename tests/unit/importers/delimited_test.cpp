#include "rhoflux/importers/import.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "rhoflux/io/population.hpp"
#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::importers {
namespace {

using io::PopulationFile;
using io::PopulationRows;
using io::Split;
using io::testing::TemporaryFolder;
using test::expect_error;
namespace testing = io::testing;

class DelimitedImport : public ::testing::Test {
 protected:
  Summary import(const std::string& text, const Options& options = {}) const {
    testing::write_text(input, text);
    return import_population(input, output, options, true);
  }

  void expect_refused(const std::string& text, const std::vector<std::string>& parts,
                      const Options& options = {}) const {
    std::filesystem::remove(output);
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

TEST_F(DelimitedImport, SortsSplitsAndReportsIgnoredColumns) {
  const Summary summary = import(
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

TEST_F(DelimitedImport, AcceptsWhatSpreadsheetsWrite) {
  const Summary summary = import(
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

TEST_F(DelimitedImport, ChosenColumnsUnitsAndWeights) {
  Options options;
  options.time.column = "day";
  options.coordinate_columns = {"lat", "lon"};
  options.weight_column = "w";
  options.split_column = "part";
  options.time.unit = "days";
  options.source = "a catalogue";
  const Summary summary = import("lon,lat,w,day,part,t\n1,2,0.5,3,2,x\n4,5,0,6,0,y\n", options);
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

TEST_F(DelimitedImport, DrawnSplitFollowsTheFractionsAndTheSeed) {
  std::string text = "t,x1\n";
  constexpr int n_rows = 20000;
  for (int i = 0; i < n_rows; ++i) text += "0," + std::to_string(i) + "\n";
  Options options;
  options.split.val_fraction = 0.2;
  options.split.test_fraction = 0.1;
  const Summary first = import(text, options);
  // Five standard deviations of a binomial count.
  EXPECT_NEAR(first.split_count[1], 0.2 * n_rows, 5.0 * std::sqrt(n_rows * 0.2 * 0.8));
  EXPECT_NEAR(first.split_count[2], 0.1 * n_rows, 5.0 * std::sqrt(n_rows * 0.1 * 0.9));
  const std::vector<double> test_rows = rows(Split::test).x;
  import(text, options);
  EXPECT_EQ(rows(Split::test).x, test_rows);
  options.split.seed = 2;
  import(text, options);
  EXPECT_NE(rows(Split::test).x, test_rows);
  EXPECT_EQ(import(text).split_count[0], n_rows);
}

TEST_F(DelimitedImport, BadRowsAreNamedByLine) {
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

TEST_F(DelimitedImport, BadHeadersAndEmptyFilesAreRefused) {
  expect_refused("", {"in.csv", "empty"});
  expect_refused("\n\n", {"empty"});
  expect_refused("t,x1\n", {"no rows"});
  expect_refused("time,x1\n0,1\n", {"line 1", "no column 't'", "time, x1"});
  expect_refused("t,lon,lat\n0,1,2\n", {"line 1", "no coordinate columns", "lon, lat"});
  expect_refused("t,x1,x1\n0,1,2\n", {"line 1", "'x1' twice"});
  expect_refused("t,x1,x2,x4\n0,1,2,3\n", {"line 1", "'x4'", "'x3'"});
  expect_refused("0,1,2\n1,2,3\n", {"line 1", "numbers alone", "header"});
  expect_refused(std::string("t,x1\n0,1\n\0", 11), {"zero bytes"});
  expect_refused("\xFF\xFEt,x1\n0,1\n", {"UTF-16"});
  Options options;
  options.coordinate_columns = {"lon", "height"};
  expect_refused("t,lon,lat\n0,1,2\n", {"no column 'height'"}, options);
  options.coordinate_columns = {"lon", "t"};
  expect_refused("t,lon,lat\n0,1,2\n", {"'t'", "two purposes"}, options);
  options = {};
  options.split_column = "part";
  expect_refused("t,x1\n0,1\n", {"no column 'part'"}, options);
}

TEST_F(DelimitedImport, FindsTheDelimiter) {
  for (const char* text : {"t\tx1\tx2\n0\t1.5\t2\n1\t3\t4\n", "t;x1;x2\n0;1.5;2\n1;3;4\n",
                           "t x1 x2\n0 1.5 2\n1 3 4\n", "  t  x1 \t x2 \n 0  1.5 2\n1   3   4 \n",
                           "t;x1;x2\n0;1,5;2\n1;3;4\n", "t\tx1\tx2\n0\t1,5\t2\n1\t3\t4e0\n",
                           "# a comment, with; all\tof them\nt,x1,x2\n0,1.5,2\n# here too\n1,3,4\n",
                           "# t x1 x2\n0 1.5 2\n1 3 4\n", "#t,x1,x2\n0,1.5,2\n1,3,4\n",
                           "\"t\" \"x1\" \"x2\"\n\"a\" 0 1.5 2\n\"b\" 1 3 4\n",
                           "t,x1,x2\r\n0,1.5,2,\r\n1,3,4,\r\n", ",t,x1,x2\n7,0,1.5,2\n8,1,3,4\n"}) {
    import(text);
    EXPECT_EQ(rows().t, (std::vector<double>{0, 1})) << text;
    EXPECT_EQ(rows().x, (std::vector<double>{1.5, 2, 3, 4})) << text;
  }
  Options options;
  options.delimiter = Delimiter::semicolon;
  expect_refused("t,x1\n0,1\n", {"line 1", "no column 't'", "t,x1"}, options);
}

TEST_F(DelimitedImport, NumbersWithCommasAndPointsAreNotMixed) {
  expect_refused("t;x1\n0;1,5\n1;1.5\n", {"line 3", "'1.5'", "decimal point", "decimal commas"});
  expect_refused("t;x1\n0;1.5\n1;1,5\n", {"line 3", "'1,5'", "decimal comma", "decimal points"});
  expect_refused("t;x1\n0;1.234,5\n", {"line 2", "'1.234,5'", "thousands"});
  expect_refused("t;x1\n0;1,234,500\n", {"line 2", "thousands"});
  EXPECT_EQ(import("t;x1\n0;1,5\n").notes.front(),
            "a table of text with semicolons between its fields; decimal commas");
}

TEST_F(DelimitedImport, NamesLabelsAndConditionsAreKept) {
  Options options;
  options.id_column = "cell";
  options.label_columns = {"type"};
  options.condition_columns = {"dose", "drug"};
  options.growth_column = "g";
  options.growth_form = GrowthForm::factor;
  import(
      "t,x1,cell,type,dose,drug,g\n2,1,c\xC3\xA4,late,0.5,B,1\n0,2,b,early,1,A,2\n1,3,\"a, "
      "\"\"x\"\"\nz\",late,2,B,4\n",
      options);
  const PopulationFile file(output, comm);
  ASSERT_EQ(file.info().labels.size(), 1U);
  EXPECT_EQ(file.info().labels[0].categories, (std::vector<std::string>{"early", "late"}));
  EXPECT_EQ(file.ids({0, 1, 2}), (std::vector<std::string>{"b", "a, \"x\"\nz", "c\xC3\xA4"}));
  EXPECT_EQ(file.label_codes("type", {0, 1, 2}), (std::vector<std::int32_t>{0, 1, 1}));
  EXPECT_EQ(file.source_rows({0, 2}), (std::vector<std::int64_t>{1, 0}));
  const io::Hdf5Reader reader(output);
  EXPECT_EQ(reader.read<double>("condition/dose"), (std::vector<double>{1, 2, 0.5}));
  EXPECT_EQ(reader.read<std::int32_t>("condition/drug"), (std::vector<std::int32_t>{0, 1, 1}));
  EXPECT_EQ(reader.attribute_strings("condition/drug", "categories"), (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(reader.read<double>("growth"), (std::vector<double>{std::log(2.0), std::log(4.0), 0.0}));
  expect_error(ExitCode::bad_input, {"'kind'", "type"}, [&] { file.label_codes("kind", {0}); });
  options.growth_column = "x1";
  expect_refused("t,x1,cell,type,dose,drug\n0,1,a,b,1,d\n", {"'x1'", "two purposes"}, options);
}

TEST_F(DelimitedImport, NoiseOfTheResolution) {
  std::string text = "t,x1,x2\n";
  for (int i = 0; i < 2000; ++i)
    text += std::to_string(i % 2) + "," + std::to_string(i % 5) + "," + std::to_string(0.25 * (i % 3)) + "\n";
  Options options;
  options.dequantise = {"x2"};
  const Summary summary = import(text, options);
  EXPECT_EQ(summary.notes.back(), "uniform noise of the resolution added: x2 = 0.25");
  const std::vector<double> x = rows().x;
  double sum_of_squares = 0;
  for (std::size_t i = 0; i < x.size(); i += 2) {
    EXPECT_EQ(x[i], std::floor(x[i]));
    const double noise = x[i + 1] - 0.25 * std::round(x[i + 1] / 0.25);
    EXPECT_LE(std::fabs(noise), 0.125);
    sum_of_squares += noise * noise;
  }
  // The variance of uniform noise, within five standard errors: h^2 / 12 and (h^4 / 180 / n)^(1/2).
  EXPECT_NEAR(sum_of_squares / 2000, 0.0625 / 12, 5 * std::sqrt(std::pow(0.25, 4) / 180 / 2000));
  EXPECT_EQ(io::Hdf5Reader(output).attribute_string("import", "dequantised"), "x2 = 0.25");
  options.dequantise = {"x9"};
  expect_refused(text, {"'x9'", "x1, x2"}, options);
}

TEST_F(DelimitedImport, FractionsMustBePossible) {
  Options options;
  options.split.val_fraction = 0.6;
  options.split.test_fraction = 0.4;
  expect_refused("t,x1\n0,1\n", {"--val", "--test", "less than 1"}, options);
  options.split.val_fraction = -0.1;
  expect_refused("t,x1\n0,1\n", {"--val", "--test", "less than 1"}, options);
  options.split.val_fraction = 0.1;
  expect_refused("t,x1,split\n0,1,train\n", {"split column"}, options);
}

TEST_F(DelimitedImport, MissingInputAndExistingOutput) {
  expect_error(ExitCode::bad_input, {"in.csv", "no such file"},
               [&] { import_population(input, output, {}, false); });
  testing::write_text(input, "t,x1\n0,1\n");
  testing::write_text(output, "precious");
  expect_error(ExitCode::bad_input, {"out.h5", "already exists"},
               [&] { import_population(input, output, {}, false); });
  EXPECT_EQ(testing::read_text(output), "precious");
}

// ---- files that are odd ----

TEST_F(DelimitedImport, LinesThatEndInCarriageReturns) {
  EXPECT_EQ(import("t,x1\r0,1.5\r1,2\r").notes.front(),
            "a table of text with commas between its fields, lines that end in CR");
  EXPECT_EQ(rows().x, (std::vector<double>{1.5, 2}));
  expect_refused("t,x1\r0,1\r1,y\r", {"line 3", "'y'"});
  // One CR in a file with other line ends is no line end.
  expect_refused("t,x1\n0,1\r1,2\n", {"line 2", "carriage return"});
  EXPECT_EQ(import("t,x1,note\n0,1,\"a\rb\"\n").n_rows, 1);
}

TEST_F(DelimitedImport, TextsThatAreNotUtf8) {
  Options options;
  options.label_columns = {"kind"};
  expect_refused("t,x1,kind\n0,1,a\n1,2,caf\xE9\n", {"line 3", "'kind'", "caf?", "UTF-8"}, options);
  options.label_columns = {"caf\xE9"};
  expect_refused("t,x1,caf\xE9\n0,1,a\n", {"line 1", "the name of a column", "UTF-8"}, options);
  options = {};
  options.id_column = "name";
  expect_refused("t,x1,name\n0,1,\xED\xA0\x80\n", {"line 2", "the name of the row", "UTF-8"}, options);
  EXPECT_EQ(import("t,x1,name\n0,1,\xC3\xA9\xF0\x9F\xA6\xA0\n", options).n_rows, 1);
  import("t,x1,caf\xE9\n0,1,\xE9\n");  // columns that are left out may hold anything
}

TEST_F(DelimitedImport, TextsThatAreTooLongOrHaveSlashesInTheirNames) {
  Options options;
  options.label_columns = {"kind"};
  expect_refused("t,x1,kind\n0,1," + std::string(1025, 'a') + "\n", {"line 2", "1025 bytes", "1024"},
                 options);
  options.label_columns = {"a/b"};
  expect_refused("t,x1,a/b\n0,1,u\n", {"line 1", "'a/b'", "rename"}, options);
  // Batches end before texts fill the memory.
  options.label_columns = {"kind"};
  std::string text = "t,x1,kind\n";
  for (int i = 0; i < 20000; ++i)
    text += "0," + std::to_string(i) + "," + std::to_string(i % 10) + std::string(1000, 'a') + "\n";
  EXPECT_EQ(import(text, options).n_rows, 20000);
  EXPECT_EQ(rows().x[19999], 19999);
}

TEST_F(DelimitedImport, EveryWeightZero) {
  expect_refused("t,x1,weight\n0,1,0\n1,2,0\n", {"in.csv", "every weight", "'weight'"});
  EXPECT_EQ(import("t,x1,weight\n0,1,0\n1,2,0.5\n").n_rows, 2);
}

TEST_F(DelimitedImport, CommasThatMayStandBetweenThousands) {
  const auto has_warning = [&](const std::string& text) {
    for (const std::string& note : import(text).notes)
      if (note.find("thousands") != std::string::npos) return true;
    return false;
  };
  EXPECT_TRUE(has_warning("t;x1\n0;1,000\n1;12,500\n"));
  EXPECT_FALSE(has_warning("t;x1\n0;1,000\n1;0,500\n"));
  EXPECT_FALSE(has_warning("t;x1\n0;1,00\n1;12,500\n"));
  EXPECT_FALSE(has_warning("t;x1\n0;1\n1;2\n"));
  expect_refused("t,x1\n0,\"1,000\"\n", {"line 2", "'1,000'", "thousands"});
  for (const char* text : {"NA", "#N/A", "null"})
    expect_refused("t,x1\n0,1\n1," + std::string(text) + "\n", {"line 3", text, "missing value"});
}

TEST_F(DelimitedImport, ManyColumns) {
  std::string header = "t", row = "0";
  for (int k = 1; k <= 5000; ++k) {
    header += ",x" + std::to_string(k);
    row += "," + std::to_string(k);
  }
  EXPECT_EQ(import(header + ",y\n" + row + ",0\n").dim_names.size(), 5000U);
  EXPECT_EQ(rows().x[4999], 5000);
  expect_refused(std::string(600000, ',') + "\n" + std::string(600000, ',') + "\n", {"line 1", "columns"});
}

TEST_F(DelimitedImport, OutputThatIsTheInput) {
  testing::write_text(input, "t,x1\n0,1\n");
  expect_error(ExitCode::bad_input, {"in.csv", "is the input"},
               [&] { import_population(input, input, {}, true); });
  std::filesystem::create_hard_link(input, output);
  expect_error(ExitCode::bad_input, {"in.csv", "is the input"},
               [&] { import_population(input, output, {}, true); });
}

}  // namespace
}  // namespace rhoflux::importers
