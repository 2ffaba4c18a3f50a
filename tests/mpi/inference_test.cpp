#include <gtest/gtest.h>
#include <mpi.h>

#include <memory>

#include "rhoflux/inference/evaluation.hpp"
#include "rhoflux/inference/verification.hpp"
#include "unit/inference/inference_test_support.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::inference {
namespace {

using testing::make_checkpoint;

/// 6000 rows of the test split with as many distinct times as asked for.
io::PopulationData population(int n_times) {
  io::PopulationData data;
  data.n_dims = 2;
  const std::vector<double> x = testing::random_normals(2 * 6000, 3);
  for (int row = 0; row < 6000; ++row) {
    data.t.push_back(1 + 2.0 * (row * n_times / 6000) / n_times);
    data.x.insert(data.x.end(),
                  {x[2 * static_cast<std::size_t>(row)], x[2 * static_cast<std::size_t>(row) + 1]});
    data.split.push_back(2);
  }
  return data;
}

class InferenceOnRanks : public ::testing::Test {
 protected:
  void SetUp() override {
    if (world.is_root()) folder = std::make_unique<io::testing::TemporaryFolder>();
    if (world.is_root()) path = folder->file("data.h5");
    world.broadcast(path);
  }
  void TearDown() override { world.barrier(); }

  /// The same by all ranks together and by this rank alone.
  std::pair<Evaluation, Evaluation> evaluate_both(int n_times, const EvaluationOptions& options) {
    mpi::on_root(world, [&] { io::write_population(path, population(n_times), true); });
    const io::PopulationFile shared(path, world), own(path, self);
    return {evaluate(inference, shared, world, options), evaluate(inference, own, self, options)};
  }

  mpi::Communicator world{MPI_COMM_WORLD}, self{MPI_COMM_SELF};
  std::unique_ptr<io::testing::TemporaryFolder> folder;
  std::string path;
  Inference inference{make_checkpoint({})};
};

TEST_F(InferenceOnRanks, EvaluationHasTheSameBits) {
  EvaluationOptions options;
  options.max_transport_points = 50;
  const auto [shared, own] = evaluate_both(7, options);
  EXPECT_EQ(shared.nll_standardised, own.nll_standardised);
  EXPECT_EQ(shared.count, 6000);
  ASSERT_EQ(shared.times.size(), 7u);
  ASSERT_EQ(own.times.size(), 7u);
  for (std::size_t k = 0; k < 7; ++k) {
    EXPECT_EQ(shared.times[k].t, own.times[k].t);
    EXPECT_EQ(shared.times[k].count, own.times[k].count);
    EXPECT_EQ(shared.times[k].nll, own.times[k].nll);
    EXPECT_EQ(shared.times[k].w1, own.times[k].w1);
    EXPECT_EQ(shared.times[k].w2, own.times[k].w2);
  }
}

/// Each of several ranks may see few times where there are many.
TEST_F(InferenceOnRanks, WhetherThereAreManyTimesDoesNotDependOnTheRanks) {
  EvaluationOptions options;
  options.max_times = 100;
  options.max_transport_points = 2;
  for (const int n_times : {100, 101, 150}) {
    const auto [shared, own] = evaluate_both(n_times, options);
    EXPECT_EQ(own.times.size(), n_times > 100 ? 0u : 100u);
    EXPECT_EQ(shared.times.size(), own.times.size()) << n_times << " times";
    EXPECT_EQ(shared.nll_standardised, own.nll_standardised);
  }
}

TEST_F(InferenceOnRanks, VerificationHasTheSameBits) {
  VerificationOptions options;
  options.points = 30;
  options.samples = 1000;
  options.mass_points = 1000;
  options.mass_centres = 300;
  options.volatility = testing::constant_volatility(0.5);
  for (const int n_dims : {1, 3}) {
    const Inference model(make_checkpoint({density::Family::factorised, n_dims, flux::DivergenceFree::none}));
    const std::vector<Check> shared = verify(model, world, options), own = verify(model, self, options);
    ASSERT_EQ(shared.size(), own.size());
    for (std::size_t k = 0; k < own.size(); ++k) {
      EXPECT_EQ(own[k].verdict, Verdict::passed) << own[k].name;
      EXPECT_EQ(shared[k].value, own[k].value) << own[k].name;
      EXPECT_EQ(shared[k].bound, own[k].bound) << own[k].name;
    }
  }
}

}  // namespace
}  // namespace rhoflux::inference
