#pragma once

#include <string>
#include <vector>

#include "arguments.hpp"
#include "context.hpp"
#include "rhoflux/checkpoint/model_description.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/io/population.hpp"

/// The conditions at which commands evaluate a model: of --condition, or of the rows of their input.
namespace rhoflux::apps {

/// --condition name=value,..
/// @param fallback where the conditions come from without it
void add_condition(Arguments& arguments, const std::string& fallback);

/// The condition that --condition gives; empty: it is absent. Warns where the model was not trained on it. Throws Error
/// (bad input), with names and allowed values, for a model without conditions, an unknown or missing name, and a value
/// that is not allowed.
std::vector<double> condition_option(const Context& context, const Arguments& arguments,
                                     const checkpoint::ModelDescription& model);

/// The same for a command that has no rows to take conditions from: then a model with conditions needs the option.
std::vector<double> required_condition(const Context& context, const Arguments& arguments,
                                       const checkpoint::ModelDescription& model);

/// How the coordinates of a model are found in a file.
NameRule coordinate_rule(const checkpoint::ModelDescription& model);

/// What is read of a population: the coordinates that have the names of those of the model, in its order; where none has such
/// a name, all as they stand.
io::PopulationChoice choice_of_coordinates(const checkpoint::ModelDescription& model);

/// Warns where the coordinates of a population that was opened by that choice have other names than those of the model.
/// Names x1, x2, .. are none.
void warn_of_names(const Context& context, const checkpoint::ModelDescription& model, const std::string& path,
                   const std::vector<std::string>& names);
inline void warn_of_names(const Context& context, const checkpoint::ModelDescription& model,
                          const io::PopulationFile& file) {
  warn_of_names(context, model, file.path(), file.info().dim_names);
}

/// The same at whose rows the model is evaluated: its conditions too, unless they are given.
io::PopulationChoice choice_of_conditions(const checkpoint::ModelDescription& model,
                                          const std::vector<double>& given);

/// Warns of the rows of a split whose conditions the model was not trained on. Collective.
void warn_of_rows(const Context& context, const checkpoint::ModelDescription& model,
                  const io::PopulationFile& file, io::Split split);

/// The condition given, or else those of the rows.
inline const std::vector<double>& conditions_of(const std::vector<double>& given,
                                                const std::vector<double>& of_rows) {
  return given.empty() ? of_rows : given;
}

/// Attribute `condition` of an output; nothing where none is given.
void write_condition(io::Hdf5Writer& file, const checkpoint::ModelDescription& model,
                     const std::vector<double>& given);

/// Datasets /condition/NAME (n), as a population has them.
/// @param conditions (n, n_variables)
void write_conditions(io::Hdf5Writer& file, const checkpoint::ModelDescription& model,
                      const std::vector<double>& conditions);

/// The datasets /condition/NAME (N) of a file of points, as the model counts them.
class PointConditions {
 public:
  /// Throws Error (bad input) for a missing dataset or a wrong shape, and for categories that the model does not know.
  PointConditions(const io::Hdf5Reader& file, const checkpoint::ModelDescription& model, std::int64_t count);
  /// (n, n_variables). Throws Error (bad input) for a number that is not finite and a code without category.
  std::vector<double> read(std::int64_t first, std::int64_t n) const;

 private:
  const io::Hdf5Reader& m_file;
  const ConditionEncoding& m_encoding;
  std::vector<std::vector<double>> m_codes;  ///< of each category of the file the place in the model, or NaN
};

}  // namespace rhoflux::apps
