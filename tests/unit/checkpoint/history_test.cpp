#include "rhoflux/checkpoint/history.hpp"

#include <cmath>
#include <limits>

#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::checkpoint {
namespace {

const double none = std::numeric_limits<double>::quiet_NaN();

History example() {
  History history;
  history.add({10, 2.5, 0.125, 1e-3, none, {{"kinetic", 0.1}}});
  history.add({10, none, none, none, 2.25, {}});
  history.add({20, 1.0 / 3, 0.25, 5e-4, none, {{"control", 7}, {"kinetic", 0.2}}});
  return history;
}

TEST(History, HasTheColumnsOfItsRowsAsTheyFirstAppear) {
  EXPECT_EQ(History().columns(), History::fields());
  EXPECT_EQ(example().columns(), (std::vector<std::string>{"step", "nll", "gradient_norm", "learning_rate",
                                                           "validation_nll", "kinetic", "control"}));
}

TEST(History, BecomesNumbersAndComesBack) {
  const std::vector<double> numbers = example().to_numbers();
  ASSERT_EQ(numbers.size(), 21u);
  EXPECT_EQ(numbers[0], 10);
  EXPECT_EQ(numbers[5], 0.1);
  EXPECT_TRUE(std::isnan(numbers[6]));  // the first row has no control
  EXPECT_EQ(numbers[11], 2.25);
  EXPECT_EQ(numbers[19], 0.2);
  EXPECT_EQ(numbers[20], 7);
  const History back = History::from_numbers(example().columns(), numbers);
  ASSERT_EQ(back.rows().size(), 3u);
  EXPECT_EQ(back.columns(), example().columns());
  EXPECT_TRUE(back.rows()[1].more.empty());
  EXPECT_EQ(back.rows()[2].more.size(), 2u);
  const std::vector<double> again = back.to_numbers();
  for (std::size_t k = 0; k < numbers.size(); ++k)
    EXPECT_TRUE(again[k] == numbers[k] || (std::isnan(again[k]) && std::isnan(numbers[k]))) << k;
}

TEST(History, WritesCsvWithEmptyFieldsForWhatARowLacks) {
  const io::testing::TemporaryFolder folder;
  const std::string path = folder.file("history.csv");
  io::testing::write_text(path, "of another run");
  example().write_csv(path);
  EXPECT_EQ(io::testing::read_text(path),
            "step,nll,gradient_norm,learning_rate,validation_nll,kinetic,control\n"
            "10,2.5,0.125,0.001,,0.1,\n"
            "10,,,,2.25,,\n"
            "20,0.333333333,0.25,0.0005,,0.2,7\n");
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"history.csv"});
}

TEST(History, WithoutRowsIsALineOfNames) {
  const io::testing::TemporaryFolder folder;
  History().write_csv(folder.file("history.csv"));
  EXPECT_EQ(io::testing::read_text(folder.file("history.csv")),
            "step,nll,gradient_norm,learning_rate,validation_nll\n");
  test::expect_error(ExitCode::bad_input, {"there is no folder"},
                     [&] { History().write_csv(folder.file("absent/history.csv")); });
}

}  // namespace
}  // namespace rhoflux::checkpoint
