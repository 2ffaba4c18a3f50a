#include <gtest/gtest.h>
#include <mpi.h>

#include <limits>

#include "rhoflux/data/sources.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::data {
namespace {

using io::testing::TemporaryFolder;
using test::expect_error;

/// A grid in a file, right until something in it is changed.
struct Table {
  std::vector<double> axis_1 = {0, 1, 4}, axis_2 = {-1, 2}, value = {1, 2, 3, 4, 5, 6};
  io::Shape shape = {3, 2};
  std::string left_out;  ///< name of a dataset that is not written

  void write(const std::string& path) const {
    io::Hdf5Writer file(path);
    const auto add = [&](const char* name, const std::vector<double>& values, const io::Shape& of) {
      if (left_out != name) file.write(name, values, of);
    };
    add("axis_1", axis_1, {static_cast<std::int64_t>(axis_1.size())});
    add("axis_2", axis_2, {static_cast<std::int64_t>(axis_2.size())});
    add("value", value, shape);
    file.close();
  }
};

class Tables : public ::testing::Test {
 protected:
  objectives::Config read(const Table& table) {
    table.write(path);
    objectives::Config config;
    config.state_cost_potential = objectives::Potential::parse("table " + path);
    read_tables(config, comm);
    return config;
  }
  void refused(const Table& table, std::vector<std::string> parts) {
    parts.push_back(path);
    expect_error(ExitCode::bad_input, parts, [&] { (void)read(table); });
  }

  TemporaryFolder folder;
  std::string path = folder.file("table.h5");
  mpi::Communicator comm{MPI_COMM_SELF};
};

TEST_F(Tables, AreReadAsTheyAre) {
  const Table table;
  const objectives::Potential::Grid grid = read(table).state_cost_potential.grid;
  EXPECT_EQ(grid.axes, (std::vector<std::vector<double>>{table.axis_1, table.axis_2}));
  EXPECT_EQ(grid.values, table.value);
}

TEST_F(Tables, OfTheEndAreReadToo) {
  Table().write(path);
  objectives::Config config;
  config.terminal_potential = objectives::Potential::parse("table " + path);
  read_tables(config, comm);
  EXPECT_EQ(config.terminal_potential.n_dims(), 2);
  EXPECT_EQ(config.state_cost_potential.n_dims(), 0);
}

TEST_F(Tables, WithoutADatasetAreRefused) {
  for (const char* name : {"axis_1", "axis_2", "value"}) {
    Table table;
    table.left_out = name;
    refused(table, {name, "no dataset"});
  }
}

TEST_F(Tables, OfShapesThatDoNotFitAreRefused) {
  Table table;
  table.axis_1 = {0, 1, 4, 5};
  refused(table, {"axis_1", "(4)", "(3, 2)"});
  table = {};
  table.shape = {2, 3};
  refused(table, {"axis_1", "(3)", "(2, 3)"});
  table = {};
  table.shape = {1, 6};
  table.axis_1 = {0};
  table.axis_2 = {0, 1, 2, 3, 4, 5};
  refused(table, {"axis_1", "at least (2)"});
  table = {};
  table.shape = {6};
  table.axis_1 = {0, 1};
  refused(table, {"axis_1", "(6)"});
}

TEST_F(Tables, WithAxesThatDoNotAscendAreRefused) {
  for (const std::vector<double>& axis : {std::vector<double>{0, 1, 1},
                                          {0, 2, 1},
                                          {0, std::numeric_limits<double>::quiet_NaN(), 3},
                                          {0, 1, std::numeric_limits<double>::infinity()}}) {
    Table table;
    table.axis_1 = axis;
    refused(table, {"axis_1", "entry", "not finite or not above"});
  }
}

TEST_F(Tables, WithValuesThatAreNotFiniteAreRefused) {
  Table table;
  table.value[4] = std::numeric_limits<double>::quiet_NaN();
  refused(table, {"value", "entry 4", "not finite"});
}

TEST_F(Tables, ThatAreNoFilesAreRefused) {
  objectives::Config config;
  config.state_cost_potential = objectives::Potential::parse("table " + folder.file("gone.h5"));
  expect_error(ExitCode::bad_input, {"gone.h5"}, [&] { read_tables(config, comm); });
  io::testing::write_text(path, "no HDF5 file");
  config.state_cost_potential = objectives::Potential::parse("table " + path);
  expect_error(ExitCode::bad_input, {path}, [&] { read_tables(config, comm); });
}

}  // namespace
}  // namespace rhoflux::data
