#pragma once

#include <cstdint>
#include <string>

#include "rhoflux/core/random.hpp"
#include "rhoflux/data/bootstrap.hpp"
#include "rhoflux/data/measure.hpp"
#include "rhoflux/density/density.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::data {

/// Some rows of a split in model units, in the memory of the execution space.
template <class Scalar>
struct Shard {
  std::int64_t begin = 0;           ///< index of the first row within the split
  std::int64_t total = 0;           ///< rows of the split over all ranks
  Vector<Scalar> tau;               ///< (n)
  Matrix<Scalar> x;                 ///< (n_dims, n); 0 in a row of weight 0
  Vector<Scalar> weight;            ///< (n), divided by the mean weight given
  Matrix<Scalar> conditions = {};   ///< (n_conditions, n); empty: a model without conditions
  Vector<Scalar> growth = {};       ///< (n) growth rates, 1/time; empty unless asked for
  Vector<std::int32_t> units = {};  ///< (n) bootstrap units, see read_units(); empty: each row is one
  int size() const { return static_cast<int>(tau.extent(0)); }
};

/// Rows [begin, end) of a split; collective, each rank its own range.
/// @param conditions their encoding, of the conditions that the file was opened with; empty: none
template <class Scalar>
Shard<Scalar> read_shard(const io::PopulationFile& file, io::Split split, mpi::Share rows, const Units& units,
                         const ConditionEncoding& conditions, double mean_weight);

/// Adds the growth rates of the same rows; collective. Throws Error (bad input) where the file has none or one that is
/// not finite in a row of weight above 0.
template <class Scalar>
void read_growth(const io::PopulationFile& file, io::Split split, mpi::Share rows, Shard<Scalar>& shard);

/// Adds the units of a bootstrap over the categories of a label: the codes of the same rows; collective. Throws Error (bad
/// input) where the file does not have the label.
template <class Scalar>
void read_units(const io::PopulationFile& file, io::Split split, mpi::Share rows, const std::string& label,
                Shard<Scalar>& shard);

/// Mean weight of the training split, from a stream of one rank.
double mean_weight(const io::PopulationFile& file, const mpi::Communicator& comm);

/// At most `max_rows` rows that stand for the training split with equal weights, the same on every rank: taken evenly
/// from it; where weights differ, by them: the rows in which the running sum of weights passes (k + 1/2) / n of the
/// whole, k = 0 .. n - 1, n = max_rows (a row of large weight comes several times). A row of weight 0 never comes.
density::InitialRows initial_rows(const io::PopulationFile& file, const mpi::Communicator& comm,
                                  const Units& units, std::int64_t max_rows);

/// Training rows that the batch samples [samples.begin, samples.end) can draw: sample i of a batch of B draws
/// row floor((i + U) N / B), U uniform, so that a batch is stratified over the rows, which are sorted by
/// time, and a rank needs one contiguous part of them.
mpi::Share rows_for_samples(mpi::Share samples, std::int64_t batch, std::int64_t n_rows);

/// How a batch is drawn.
struct BatchConfig {
  RandomPurpose purpose = RandomPurpose::batch;
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  std::int64_t batch = 0;  ///< samples over all ranks
  double jitter = 0;       ///< standard deviation of Gaussian noise added to each coordinate, model units
  /// The same of the time tau, at most 0.5; what leaves [0, 1] is mirrored at its ends.
  double time_jitter = 0;
  Replicate replicate = {};  ///< that weighs the rows
};

/// Fills `points`, `weight` and, unless it is empty, `growth` with the batch samples first_sample, first_sample + 1, ... of one step.
template <class Scalar>
void draw_batch(const ExecutionSpace& space, const Shard<Scalar>& shard, const BatchConfig& config,
                std::int64_t first_sample, const density::Points<Scalar>& points,
                const Vector<Scalar>& weight, const Vector<Scalar>& growth = {});

}  // namespace rhoflux::data
