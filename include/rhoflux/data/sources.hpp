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
#include "rhoflux/objectives/sample_stream.hpp"

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
  TimeMeaning time;                   ///< of the data; empty without
  io::TextAttributes import_choices;  ///< of the data; empty without
  /// Names of all coordinates of the file where data.coordinates chooses some, or another order; else empty.
  std::vector<std::string> coordinates_chosen_from;

  /// Input rows of the conditions of the data (density::Config::n_conditions).
  int n_condition_rows() const;
  /// Rows of a split of the data; 0 without data.
  std::int64_t count(io::Split split) const { return data ? data->info().count(split) : 0; }
};

/// Reads the grids of tabulated potentials: /axis_1 (n1) .. /axis_D (nD), ascending, and /value (n1, .., nD).
/// Collective. Throws Error (bad input) naming file and dataset.
void read_tables(objectives::Config& config, const mpi::Communicator& comm);

/// Files that a run reads: data, distributions, tables of potentials; each once.
std::vector<std::string> input_files(const Config& data, const objectives::Config& objective);

/// A population whose rows at some times are held out. Collective. Throws Error (bad input) for a file that is not a population,
/// and for a time that it does not have.
std::unique_ptr<io::PopulationFile> open_population(const std::string& path, const TimeList& hold_out_times,
                                                    const mpi::Communicator& comm);

/// Opens the files. Collective. Throws Error (bad input) for a file that is not a population, dimensions that
/// disagree, a time held out that the data do not have.
Sources open_sources(const Config& data, const objectives::Config& objective, const mpi::Communicator& comm);

/// Units of the model: of the training rows (see above), or of the given distributions, each counting the
/// same. Collective. Throws Error (bad input).
Units measure(const Sources& sources, const Config& config, const mpi::Communicator& comm);

/// At most `most` rows from the data, or from the given distributions, the same on every rank. Collective.
density::InitialRows initial_rows(const Sources& sources, const mpi::Communicator& comm, const Units& units,
                                  std::int64_t most, std::uint64_t seed);

/// The rows of a shard, as draw_batch() draws them.
/// @param replicates of the members of an ensemble; none: the rows count the same for each
template <class Scalar>
std::unique_ptr<objectives::SampleStream<Scalar>> make_row_stream(const Shard<Scalar>& shard,
                                                                  const BatchConfig& config,
                                                                  const Replicates& replicates = {});

}  // namespace rhoflux::data
