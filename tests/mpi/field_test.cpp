#include "rhoflux/io/field_file.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <regex>
#include <sstream>

#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::io {
namespace {

using test::expect_error;
using testing::read_text;
using testing::write_text;

/// Times and coordinates that no format would hit by chance.
FieldLayout make_layout(std::int64_t n_times, const std::vector<std::int64_t>& extents) {
  FieldLayout layout;
  for (std::int64_t t = 0; t < n_times; ++t) layout.times.push_back(0.1 + std::sqrt(1.0 + t));
  for (const std::int64_t n : extents) {
    FieldAxis axis;
    axis.name = "q" + std::to_string(layout.axes.size());
    for (std::int64_t i = 0; i < n; ++i) axis.values.push_back(std::cbrt(i) - 2.0 / 3.0);
    layout.axes.push_back(axis);
  }
  layout.arrays = {{"density", 0}, {"velocity", static_cast<int>(extents.size())}};
  return layout;
}

/// Component c of an array at point p (counted through the grid in C order) and time t; compresses badly.
double value_at(std::size_t array, std::int64_t t, std::int64_t p, std::int64_t c) {
  return std::sin(1e3 * static_cast<double>(7 * t + 3 * c + static_cast<std::int64_t>(array)) +
                  static_cast<double>(p));
}

std::int64_t row_size(const FieldLayout& layout) {
  std::int64_t size = 1;
  for (std::size_t k = 1; k < layout.axes.size(); ++k)
    size *= static_cast<std::int64_t>(layout.axes[k].values.size());
  return size;
}

FieldValues values_of(const FieldLayout& layout, const FieldSlab& slab) {
  FieldValues values(layout.arrays.size());
  for (std::size_t a = 0; a < values.size(); ++a) {
    const std::int64_t width = std::max(1, layout.arrays[a].n_components);
    for (std::int64_t p = slab.row_begin * row_size(layout); p < slab.row_end * row_size(layout); ++p)
      for (std::int64_t c = 0; c < width; ++c) values[a].push_back(value_at(a, slab.time, p, c));
  }
  return values;
}

class FieldOnRanks : public ::testing::Test {
 protected:
  void SetUp() override {
    if (comm.is_root()) {
      folder = std::make_unique<testing::TemporaryFolder>();
      path = folder->file("field.h5");
    }
    comm.broadcast(path);
  }
  void TearDown() override { comm.barrier(); }

  void write(const FieldLayout& layout, bool overwrite = false) {
    write_field(
        path, overwrite, comm, layout, [](Hdf5Writer& file) { file.attribute("/", "kind", "test"); },
        [&](const FieldSlab& slab) { return values_of(layout, slab); },
        [&](double fraction) {
          EXPECT_GT(fraction, m_fraction);
          m_fraction = fraction;
        });
    EXPECT_EQ(m_fraction, 1.0);
    m_fraction = 0.0;
  }

  /// All datasets and every number in them.
  void expect_contents(const FieldLayout& layout) const {
    const Hdf5Reader file(path);
    EXPECT_EQ(file.attribute_string("/", "kind"), "test");
    EXPECT_EQ(file.read<double>("time"), layout.times);
    Shape shape = {static_cast<std::int64_t>(layout.times.size())};
    for (std::size_t k = 0; k < layout.axes.size(); ++k) {
      const std::string name = "axis_" + std::to_string(k + 1);
      EXPECT_EQ(file.read<double>(name), layout.axes[k].values);
      EXPECT_EQ(file.attribute_string(name, "name"), layout.axes[k].name);
      shape.push_back(static_cast<std::int64_t>(layout.axes[k].values.size()));
    }
    for (std::size_t a = 0; a < layout.arrays.size(); ++a) {
      Shape full = shape;
      if (layout.arrays[a].n_components > 0) full.push_back(layout.arrays[a].n_components);
      std::vector<double> expected;
      for (std::int64_t t = 0; t < shape[0]; ++t) {
        const std::vector<double> all = values_of(layout, {t, 0, shape[1]})[a];
        expected.insert(expected.end(), all.begin(), all.end());
      }
      EXPECT_TRUE(file.read<double>(layout.arrays[a].name, full) == expected) << layout.arrays[a].name;
    }
  }

  void expect_entries(const std::vector<std::string>& expected) const {
    if (!comm.is_root()) return;
    std::vector<std::string> found = folder->entries();
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, expected);
  }

  mpi::Communicator comm{MPI_COMM_WORLD};
  std::unique_ptr<testing::TemporaryFolder> folder;
  std::string path;

 private:
  double m_fraction = 0.0;
};

const std::vector<FieldLayout>& layouts() {
  static const std::vector<FieldLayout> all = {
      make_layout(1, {1}),           make_layout(3, {7}),       make_layout(2, {150001}),
      make_layout(1, {5, 1}),        make_layout(11, {33, 17}), make_layout(1, {1, 90000}),
      make_layout(3, {257, 511}),    make_layout(2, {3, 1, 2}), make_layout(3, {13, 40, 51}),
      make_layout(1, {2, 300, 301}),
  };
  return all;
}

TEST_F(FieldOnRanks, HoldsWhatWasComputedForAnyRankCount) {
  for (const FieldLayout& layout : layouts()) {
    SCOPED_TRACE("axis 1 has " + std::to_string(layout.axes[0].values.size()) +
                 " points, slabs: " + std::to_string(slab_count(layout)));
    write(layout, true);
    mpi::on_root(comm, [&] { expect_contents(layout); });
    expect_entries({"field.h5", "field.h5.xdmf"});
  }
}

TEST_F(FieldOnRanks, WithoutCompressionAndWithOtherArrays) {
  FieldLayout layout = make_layout(4, {129, 700});
  layout.deflate = 0;
  layout.arrays = {{"a", 1}, {"b", 0}, {"c", 3}, {"d", 0}};
  write(layout);
  mpi::on_root(comm, [&] { expect_contents(layout); });
}

TEST_F(FieldOnRanks, SlabsCoverTheGridOnceInOrder) {
  for (const FieldLayout& layout : layouts()) {
    std::int64_t time = 0, row = 0;
    const auto n_rows = static_cast<std::int64_t>(layout.axes[0].values.size());
    for (std::int64_t k = 0; k < slab_count(layout); ++k) {
      const FieldSlab slab = slab_of(layout, k);
      EXPECT_EQ(slab.time, time);
      EXPECT_EQ(slab.row_begin, row);
      EXPECT_GT(slab.row_end, row);
      EXPECT_TRUE(slab.row_end - row == 1 || point_count(layout, slab) * 8 <= 512 * 1024);
      row = slab.row_end == n_rows ? 0 : slab.row_end;
      time += row == 0 ? 1 : 0;
    }
    EXPECT_EQ(time, static_cast<std::int64_t>(layout.times.size()));
  }
}

/// Every array that the description names is in the file, with the shape that it says.
TEST_F(FieldOnRanks, TheDescriptionNamesWhatTheFileHolds) {
  for (const FieldLayout& layout : layouts()) {
    write(layout, true);
    mpi::on_root(comm, [&] {
      const std::string text = read_text(path + ".xdmf");
      const Hdf5Reader file(path);
      const std::regex item("Dimensions=\"([0-9 ]+)\">field\\.h5:/([^<]+)</DataItem>");
      std::size_t count = 0;
      for (std::sregex_iterator found(text.begin(), text.end(), item), end; found != end; ++found, ++count) {
        std::istringstream extents((*found)[1]);
        Shape shape;
        for (std::int64_t extent = 0; extents >> extent;) shape.push_back(extent);
        EXPECT_EQ(file.shape((*found)[2]), shape) << (*found)[2];
      }
      EXPECT_EQ(count, layout.times.size() * (1 + layout.arrays.size()));
    });
  }
}

/// A number that depends on time alone is in the file and, at each time, in the description.
TEST_F(FieldOnRanks, ASeriesIsANumberOfEachTime) {
  FieldLayout layout = make_layout(3, {4, 5});
  layout.series = {{"mass", {1, 1.5, 0.1}}};
  write(layout);
  mpi::on_root(comm, [&] {
    EXPECT_EQ(Hdf5Reader(path).read<double>("mass"), layout.series[0].values);
    const std::string text = read_text(path + ".xdmf");
    for (const std::string number : {">1<", ">1.5<", ">0.1<"})
      EXPECT_NE(text.find("Dimensions=\"1\"" + number), std::string::npos) << text;
  });
  layout.series[0].values.pop_back();
  expect_error(ExitCode::bad_input, {"'mass'", "2 numbers", "3 times"}, [&] {
    write_field(
        path, true, comm, layout, [](Hdf5Writer&) {},
        [&](const FieldSlab& slab) { return values_of(layout, slab); }, {});
  });
}

/// X, Y, Z are the coordinates along axes 1, 2, 3, and vectors have three components.
TEST_F(FieldOnRanks, ViewsShowOneTimeInSpace) {
  const FieldLayout layout = make_layout(2, {3, 5});
  write(layout);
  mpi::on_root(comm, [&] {
    const Hdf5Reader file(path);
    std::vector<double> points, density, velocity;
    for (std::int64_t p = 0; p < 15; ++p) {
      points.insert(points.end(), {layout.axes[0].values[static_cast<std::size_t>(p / 5)],
                                   layout.axes[1].values[static_cast<std::size_t>(p % 5)], 0.0});
      density.push_back(value_at(0, 1, p, 0));
      velocity.insert(velocity.end(), {value_at(1, 1, p, 0), value_at(1, 1, p, 1), 0.0});
    }
    EXPECT_EQ(file.read<double>("view/points", {1, 3, 5, 3}), points);
    EXPECT_EQ(file.read<double>("view/density_1", {1, 3, 5}), density);
    EXPECT_EQ(file.read<double>("view/velocity_1", {1, 3, 5, 3}), velocity);
  });
}

TEST_F(FieldOnRanks, AFailureOnOneRankLeavesNothing) {
  const FieldLayout layout = make_layout(5, {300, 500});
  const int failing = comm.size() - 1;
  const auto fail_late = [&](const FieldSlab& slab) {
    if (comm.rank() == failing && slab.time > 1)
      fail_numerics("no density on rank " + std::to_string(failing));
    return values_of(layout, slab);
  };
  const auto nothing = [](Hdf5Writer&) {};
  expect_error(ExitCode::numerical_failure, {"no density on rank " + std::to_string(failing)},
               [&] { write_field(path, false, comm, layout, nothing, fail_late, {}); });
  expect_entries({});
  expect_error(ExitCode::numerical_failure, {"no density on rank 0"}, [&] {
    write_field(path, false, comm, layout, nothing,
                [&](const FieldSlab&) -> FieldValues {
                  fail_numerics("no density on rank " + std::to_string(comm.rank()));
                },
                {});
  });
  expect_error(ExitCode::bad_input, {"no deck"}, [&] {
    write_field(
        path, false, comm, layout, [](Hdf5Writer&) { fail_input("no deck"); },
        [&](const FieldSlab& slab) { return values_of(layout, slab); }, {});
  });
  expect_error(ExitCode::io_failure, {"number of values"}, [&] {
    write_field(path, false, comm, layout, nothing, [](const FieldSlab&) { return FieldValues(1); }, {});
  });
  expect_entries({});
}

TEST_F(FieldOnRanks, AFailureKeepsTheOldFiles) {
  mpi::on_root(comm, [&] {
    write_text(path, "old");
    write_text(path + ".xdmf", "old description");
  });
  const FieldLayout layout = make_layout(2, {40});
  expect_error(ExitCode::numerical_failure, {"late"}, [&] {
    write_field(
        path, true, comm, layout, [](Hdf5Writer&) {},
        [&](const FieldSlab& slab) { return values_of(layout, slab); },
        [](double fraction) {
          if (fraction == 1.0) fail_numerics("late");
        });
  });
  mpi::on_root(comm, [&] {
    EXPECT_EQ(read_text(path), "old");
    EXPECT_EQ(read_text(path + ".xdmf"), "old description");
  });
  expect_entries({"field.h5", "field.h5.xdmf"});
}

/// What is damaged between writing and reading back never gets its name.
TEST_F(FieldOnRanks, DamageOnTheWayIsAnIoFailure) {
  FieldLayout layout = make_layout(2, {40, 3});
  layout.deflate = 0;
  expect_error(ExitCode::io_failure, {"field.h5", "does not read back", "'/density'"}, [&] {
    write_field(
        path, false, comm, layout, [](Hdf5Writer&) {},
        [&](const FieldSlab& slab) { return values_of(layout, slab); },
        [&](double fraction) {
          if (fraction < 1.0 || !comm.is_root()) return;
          for (const std::string& name : folder->entries())  // that of the description is there too
            if (name.find(".xdmf") == std::string::npos)
              testing::corrupt_double(folder->file(name), value_at(0, 1, 50, 0));
        });
  });
  expect_entries({});
}

/// Before any work: compute would fail.
TEST_F(FieldOnRanks, ExistingOutputIsRefusedFirst) {
  const FieldLayout layout = make_layout(2, {40, 3});
  const auto refuse = [&](const std::vector<std::string>& parts) {
    expect_error(ExitCode::bad_input, parts, [&] {
      write_field(
          path, false, comm, layout, [](Hdf5Writer&) { fail_numerics("too late"); },
          [](const FieldSlab&) -> FieldValues { fail_numerics("too late"); }, {});
    });
  };
  mpi::on_root(comm, [&] { write_text(path + ".xdmf", ""); });
  refuse({"field.h5.xdmf", "already exists", "--force"});
  expect_entries({"field.h5.xdmf"});
  write(layout, true);
  mpi::on_root(comm, [&] { std::filesystem::remove(path + ".xdmf"); });
  refuse({"field.h5", "already exists", "--force"});
  mpi::on_root(comm, [&] { expect_contents(layout); });
  path = path + "/nowhere/field.h5";
  refuse({"no folder"});
}

TEST_F(FieldOnRanks, LayoutsOutOfRangeAreNamed) {
  const auto refuse = [&](const FieldLayout& layout, const std::string& part) {
    expect_error(ExitCode::bad_input, {"field.h5", part}, [&] {
      write_field(
          path, false, comm, layout, [](Hdf5Writer&) {},
          [&](const FieldSlab& slab) { return values_of(layout, slab); }, {});
    });
  };
  refuse(make_layout(0, {3}), "time");
  refuse(make_layout(1, {}), "1 to 3 axes");
  refuse(make_layout(1, {2, 2, 2, 2}), "1 to 3 axes");
  refuse(make_layout(1, {2, 0}), "axis 'q1'");
  FieldLayout layout = make_layout(1, {3});
  layout.arrays[1].n_components = 4;
  refuse(layout, "'velocity'");
  layout.arrays = {{"a/b", 0}};
  refuse(layout, "'a/b'");
  layout.arrays = {};
  refuse(layout, "at least one array");
  expect_entries({});
}

}  // namespace
}  // namespace rhoflux::io
