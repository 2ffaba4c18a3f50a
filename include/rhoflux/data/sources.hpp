#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rhoflux/data/config.hpp"
#include "rhoflux/data/measure.hpp"
#include "rhoflux/data/shard.hpp"
#include "rhoflux/density/density.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/objectives/config.hpp"

namespace rhoflux::data {

/// One of the distributions given at the ends of the time range.
struct EndpointSource {
  objectives::EndpointDistribution distribution;
  std::unique_ptr<io::PopulationFile> file;  ///< of a distribution that is a file
  bool is_given() const { return distribution.is_given(); }
};

/// What a run learns from: a population file, given distributions at the ends, or both.
struct Sources {
  std::unique_ptr<io::PopulationFile> data;  ///< null: none
  EndpointSource initial, terminal;
  int n_dims = 0;
  std::vector<std::string> dim_names;
  std::string time_unit;

  /// Rows of a split of the data; 0 without data.
  std::int64_t count(io::Split split) const { return data ? data->info().count(split) : 0; }
};

/// Reads the grids of tabulated potentials: /axis_1 (n1) .. /axis_D (nD), ascending, and /value (n1, .., nD).
/// Collective. Throws Error (bad input) naming file and dataset.
void read_tables(objectives::Config& config, const mpi::Communicator& comm);

/// Files that a run reads: data, distributions, tables of potentials; each once.
std::vector<std::string> input_files(const Config& data, const objectives::Config& objective);

/// Opens the files. Collective. Throws Error (bad input) for a file that is not a population, dimensions that
/// disagree, a time held out that the data do not have.
Sources open_sources(const Config& data, const objectives::Config& objective, const mpi::Communicator& comm);

/// Units of the model: of the training rows (see above), or of the given distributions, each counting the
/// same. Collective. Throws Error (bad input).
Units measure(const Sources& sources, const Config& config, const mpi::Communicator& comm);

/// At most `most` rows from the data, or from the given distributions, the same on every rank. Collective.
density::InitialRows initial_rows(const Sources& sources, const mpi::Communicator& comm, const Units& units,
                                  std::int64_t most, std::uint64_t seed);

/// Samples that a likelihood term sees.
template <class Scalar>
class SampleStream {
 public:
  virtual ~SampleStream() = default;
  /// Fills `points` and `weight` with samples first_sample, first_sample + 1, ... of one step.
  virtual void draw(const ExecutionSpace& space, std::int64_t step, std::int64_t first_sample,
                    const density::Points<Scalar>& points, const Vector<Scalar>& weight) const = 0;
};

/// The rows of a shard, as draw_batch() draws them.
template <class Scalar>
std::unique_ptr<SampleStream<Scalar>> make_row_stream(const Shard<Scalar>& shard, const BatchConfig& config);

/// Samples of a mixture of Gaussians at one time, stratified over its parts.
template <class Scalar>
std::unique_ptr<SampleStream<Scalar>> make_gaussian_stream(
    const objectives::EndpointDistribution& distribution, double tau, const Units& units,
    const BatchConfig& config);

/// How the draws of one call lie: independent of each other, or stratified over the parts of the mixture (the
/// first draws from the first part, and so on) and on a lattice, which makes means of all of them precise.
enum class Spread { independent, even };

/// Draws from a mixture of Gaussians, units of the data: (count, D) in C order.
std::vector<double> draw_gaussians(const objectives::EndpointDistribution& distribution, std::int64_t count,
                                   std::uint64_t seed, RandomPurpose purpose, Spread spread);

}  // namespace rhoflux::data
