#pragma once

#include <memory>
#include <string>

#include "arguments.hpp"
#include "context.hpp"
#include "rhoflux/checkpoint/model_description.hpp"
#include "rhoflux/inference/snapshots.hpp"
#include "rhoflux/inference/trajectories.hpp"
#include "rhoflux/io/population.hpp"

/// Rows of population files that commands transport, and how.
namespace rhoflux::apps {

/// Opens a population of the model's dimensions, with what is chosen of it (choice_of_coordinates()). Collective. Bad input for
/// others.
std::unique_ptr<io::PopulationFile> open_chosen(const Context& context, const std::string& path,
                                                const checkpoint::ModelDescription& model,
                                                const io::PopulationChoice& choice);

/// The same with the conditions of its rows unless one is given.
std::unique_ptr<io::PopulationFile> open_population(const Context& context, const std::string& path,
                                                    const checkpoint::ModelDescription& model,
                                                    const std::vector<double>& given = {});

/// A population that particles are compared with.
struct ComparedPopulation {
  std::unique_ptr<io::PopulationFile> file;
  /// Of the rows that count, as the file counts conditions (NaN: a category that it does not have); empty: all rows count.
  std::vector<double> condition;

  /// Sets the weights of rows of other conditions to zero.
  void leave_out_others(io::PopulationRows& rows) const;
};

/// The same as open_population() for particles of the rows' conditions. Where one condition is given, only its rows count; of a
/// file without conditions all rows count, which is said.
ComparedPopulation open_compared(const Context& context, const std::string& path,
                                 const checkpoint::ModelDescription& model, const std::vector<double>& given);

/// The rows of a split at the time of --from; the same on every rank. Collective. Bad input, naming the times there
/// are, where there are none.
inference::Snapshot find_particles(const Context& context, const io::PopulationFile& file, io::Split split,
                                   double from, const inference::TimeMatch& match);

/// How paths are followed: --steps, --scheme, --tolerance and --seed; without frames and volatility.
inference::TrajectoryOptions integration_options(const Arguments& arguments);

}  // namespace rhoflux::apps
