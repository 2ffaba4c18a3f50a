#include "rhoflux/data/conditions.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>
#include <vector>

#include "rhoflux/data/shard.hpp"
#include "support/device_data.hpp"
#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::data {
namespace {

using io::testing::TemporaryFolder;
using test::expect_error;

class Conditions : public ::testing::Test {
 protected:
  /// Six rows; the last one is no training row, the second one has weight 0.
  void SetUp() override {
    data.n_dims = 1;
    data.t = {0, 0, 0, 1, 1, 1};
    data.x = {0, 1, 2, 3, 4, 5};
    data.weight = {1, 0, 1, 2, 1, 1};
    data.split = {0, 0, 0, 0, 0, 2};
    data.conditions = {{"dose", {}, {1, 100, 3, 3, 1, 7}}, {"drug", {"A", "B", "C"}, {0, 2, 1, 1, 0, 2}}};
    io::write_population(path, data, true);
  }
  io::PopulationFile open(io::PopulationChoice choice) const { return {path, comm, choice}; }
  static io::PopulationChoice both() {
    io::PopulationChoice choice;
    choice.conditions = {"dose", "drug"};
    return choice;
  }

  TemporaryFolder folder;
  std::string path = folder.file("data.h5");
  mpi::Communicator comm{MPI_COMM_SELF};
  io::PopulationData data;
};

/// Of the training rows of weight above 0: doses 1, 3, 3, 1 of weights 1, 1, 2, 1.
TEST_F(Conditions, AreMeasuredOverTheTrainingRows) {
  const ConditionEncoding found = measure_conditions(open(both()), comm);
  ASSERT_EQ(found.n_variables(), 2u);
  EXPECT_DOUBLE_EQ(found.variables[0].mean, 11.0 / 5);
  EXPECT_DOUBLE_EQ(found.variables[0].scale, std::sqrt((2 * 1.2 * 1.2 + 3 * 0.8 * 0.8) / 5));
  EXPECT_EQ(found.variables[0].least, 1);
  EXPECT_EQ(found.variables[0].most, 3);
  EXPECT_EQ(found.variables[1].categories, (std::vector<std::string>{"A", "B", "C"}));
  EXPECT_EQ(found.choices, (std::vector<double>{1, 0, 3, 1}));
  EXPECT_EQ(found.weights, (std::vector<double>{2, 3}));
}

/// More different ones than asked for: rows by weight. Sums of weights 1, 2, 4, 5 pass 5/6, 15/6 and 25/6 in rows 0, 3 and 4.
TEST_F(Conditions, OfManyKindsAreThoseOfRowsTakenByWeight) {
  data.conditions[0].value = {1, 100, 2, 3, 4, 7};
  io::write_population(path, data, true);
  io::PopulationChoice choice;
  choice.conditions = {"dose"};
  const ConditionEncoding found = measure_conditions(open(choice), comm, 3);
  EXPECT_EQ(found.choices, (std::vector<double>{1, 3, 4}));
  EXPECT_EQ(found.weights, (std::vector<double>{1, 1, 1}));
}

TEST_F(Conditions, AConstantOneHasScaleOne) {
  data.conditions[0].value.assign(6, 2.5);
  io::write_population(path, data, true);
  const ConditionEncoding found = measure_conditions(open(both()), comm);
  EXPECT_EQ(found.variables[0].mean, 2.5);
  EXPECT_EQ(found.variables[0].scale, 1);
}

TEST_F(Conditions, GoAlongWithTheRowsOfAShardAndABatch) {
  data.weight.clear();  // a row of weight 0 has no coordinates in a shard
  io::write_population(path, data, true);
  const io::PopulationFile file = open(both());
  const ConditionEncoding encoding = measure_conditions(file, comm);
  const Shard<double> shard =
      read_shard<double>(file, io::Split::train, {0, 5}, Units::identity(1), encoding, 1.0);
  EXPECT_EQ(test::values_of(shard.conditions), encoding.encoded({1, 0, 100, 2, 3, 1, 3, 1, 1, 0}));
  const density::Points<double> points = {make_vector<double>("tau", 20), make_matrix<double>("x", 1, 20),
                                          make_matrix<double>("conditions", 4, 20)};
  draw_batch(ExecutionSpace(), shard, {RandomPurpose::batch, 1, 0, 20, 0.0}, 0, points,
             make_vector<double>("weight", 20));
  const auto x = test::on_host(points.x);
  const auto drawn = test::on_host(points.conditions), rows = test::on_host(shard.conditions);
  for (int s = 0; s < 20; ++s)
    for (int k = 0; k < 4; ++k) EXPECT_EQ(drawn(k, s), rows(k, static_cast<int>(x(0, s)))) << s;
}

TEST_F(Conditions, HeldOutOnesAreInNoSplit) {
  io::PopulationChoice choice = both();
  choice.hold_out_conditions = ConditionList::parse("dose=3; dose=7,drug=C");
  const io::PopulationFile file = open(choice);
  EXPECT_EQ(file.info().count(io::Split::train), 3);
  EXPECT_EQ(file.info().count(io::Split::test), 0);
  EXPECT_EQ(file.info().count(io::Split::all), 6);
  EXPECT_EQ(file.read_split(io::Split::train, 0, 3).x, (std::vector<double>{0, 1, 4}));
  std::vector<io::Split> splits;
  file.for_each_marks([&](const io::RowMarks& marks) { splits = marks.split; });
  EXPECT_EQ(splits[2], io::Split::all);
  EXPECT_EQ(splits[4], io::Split::train);
  choice.hold_out_conditions = ConditionList::parse("dose=1,drug=A");
  EXPECT_EQ(open(choice).info().count(io::Split::train), 3);
  EXPECT_EQ(open(choice).info().count(io::Split::test), 1);
}

TEST_F(Conditions, HeldOutOnesThatNoRowHasAreRefused) {
  io::PopulationChoice choice = both();
  for (const auto& [text, said] :
       {std::pair{"dose=2", "has dose=2; dose has 1, 3, 7, 100"},
        {"dose=3; dose=7,drug=A", "has dose=7,drug=A; dose has 1, 3, 7, 100; drug has A, B, C"}}) {
    choice.hold_out_conditions = ConditionList::parse(text);
    expect_error(ExitCode::bad_input, {"data.hold_out_conditions: no row of " + path, said},
                 [&] { open(choice); });
  }
}

TEST_F(Conditions, CategoriesAreThosePlacesThatAreAskedFor) {
  io::PopulationChoice choice = both();
  choice.categories = {{}, {"C", "B", "A", "D"}};
  const io::PopulationRows rows = open(choice).read_split(io::Split::all, 0, 3);
  EXPECT_EQ(rows.conditions, (std::vector<double>{1, 2, 100, 0, 3, 1}));
  choice.categories = {{}, {"A", "B"}};
  expect_error(ExitCode::bad_input, {"row 1 (from 0)", "known categories: drug (A | B)"},
               [&] { open(choice); });
  choice.categories = {{"1", "3"}, {"A", "B", "C"}};
  expect_error(ExitCode::bad_input, {"'condition/dose': is a number, expected a category"},
               [&] { open(choice); });
}

TEST_F(Conditions, OnesThatAreNotThereAreRefused) {
  io::PopulationChoice choice;
  choice.conditions = {"dosis"};
  choice.hint = "try harder";
  expect_error(ExitCode::bad_input,
               {"there is no condition 'dosis'", "its conditions are dose, drug", "try harder"},
               [&] { open(choice); });
  choice.conditions = {"dose"};
  choice.hold_out_conditions = ConditionList::parse("drug=A");
  expect_error(ExitCode::bad_input, {"'drug' is not among data.conditions = dose"}, [&] { open(choice); });
}

}  // namespace
}  // namespace rhoflux::data
