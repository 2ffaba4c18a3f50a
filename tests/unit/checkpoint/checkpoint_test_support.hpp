#pragma once

#include <cmath>
#include <limits>
#include <string>

#include "rhoflux/checkpoint/checkpoint.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::checkpoint::testing {

inline network::ParameterLayout layout_of(const Checkpoint& checkpoint) {
  const ModelDescription& model = checkpoint.model;
  return flux::layout_of(model.config, model.flux, model.units.n_dims());
}

/// Numbers that float holds exactly, zero in the gaps of the layout, which are not stored.
inline std::vector<double> numbered(const network::ParameterLayout& layout, double first) {
  std::vector<double> values(static_cast<std::size_t>(layout.size()), 0.0);
  for (const network::ParameterBlock& block : layout.blocks())
    for (int k = 0; k < block.size(); ++k)
      values[static_cast<std::size_t>(block.offset + k)] = first + 0.125 * (block.offset + k);
  return values;
}

/// A checkpoint with no field of its state at its default, and few of its model.
inline Checkpoint example() {
  Checkpoint checkpoint;
  ModelDescription& model = checkpoint.model;
  model.config.family = density::Family::factorised;
  model.config.weights = density::MixtureWeights::time_constant;
  model.config.n_logistics = 2;
  model.config.n_products = 3;
  model.config.hidden = {4, 3};
  model.config.time_features = 6;
  model.config.time_frequency_min = 0.25;
  model.config.time_frequency_max = 12.5;
  model.config.coordinate_features = 2;
  model.config.coordinate_frequency_min = 0.75;
  model.config.coordinate_frequency_max = 6.5;
  model.units = {{0.5, -1}, {1.5, 2}, -2, 3.25};
  model.dim_names = {"height", "width"};
  model.time_unit = "h";
  model.origin.time.origin = "2016-04-14T21:26:00Z";
  model.origin.time.labels = {"day0", "day3"};
  model.origin.time.label_values = {0, 3};
  model.origin.import_choices = {{"basis", "X_pca"}, {"dims", "1,2"}};
  model.conditions.variables.resize(2);
  model.conditions.variables[0].name = "dose";
  model.conditions.variables[0].mean = 0.5;
  model.conditions.variables[0].scale = 0.25;
  model.conditions.variables[0].least = 0.125;
  model.conditions.variables[0].most = 0.875;
  model.conditions.variables[1].name = "drug";
  model.conditions.variables[1].categories = {"A", "B"};
  model.conditions.choices = {0.125, 0, 0.875, 0};
  model.conditions.weights = {3, 4.5};
  model.config.n_conditions = 3;
  model.flux.divergence_free = flux::DivergenceFree::antisymmetric;
  model.flux.hidden = {5};
  model.flux.volatility = flux::Volatility::parse("0:0.5,1:0.25");
  checkpoint.deck = "[data]\nfile = a.h5\n";
  TrainingState& state = checkpoint.state;
  const network::ParameterLayout layout = layout_of(checkpoint);
  state.precision = Precision::double_precision;
  state.seed = std::numeric_limits<std::uint64_t>::max();
  state.n_train_rows = 77;
  state.step = 1234;
  state.parameters = numbered(layout, 1);
  state.averaged = numbered(layout, 2);
  state.first_moment = numbered(layout, 3);
  state.second_moment = numbered(layout, 4);
  state.best_validation = 1.0 / 3;
  state.best_step = 1200;
  state.validations_since_best = 2;
  state.terms = {{"nll", 2.5, 0}, {"kinetic", -0.1, 0.25}};
  state.loss_count = 34;
  state.history.add({1200, 2.5, 0.125, 1e-3, 2.25, {{"kinetic", 0.1}}});
  checkpoint.provenance = {{"git", "abc"}, {"program", "rhoflux 1"}, {"ranks", "4"}};
  checkpoint.earlier_runs = "to step 5: program rhoflux 0";
  return checkpoint;
}

inline void write(const std::string& path, const Checkpoint& checkpoint) {
  write_checkpoint(path, checkpoint, layout_of(checkpoint));
}

}  // namespace rhoflux::checkpoint::testing
