#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "rhoflux/inference/inference.hpp"

namespace rhoflux::inference::testing {

/// A model with random weights.
struct ModelCase {
  density::Family family = density::Family::autoregressive;
  int n_dims = 2;
  flux::DivergenceFree divergence_free = flux::DivergenceFree::none;
  int n_products = 2;  ///< of the factorised family
};

inline std::vector<double> random_normals(std::size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values(count);
  for (double& value : values) value = normal(engine);
  return values;
}

/// Small networks whose weights are random, units that are not those of the model, times 1 to 3.
inline checkpoint::Checkpoint make_checkpoint(const ModelCase& of) {
  checkpoint::Checkpoint checkpoint;
  checkpoint::ModelDescription& model = checkpoint.model;
  model.config.family = of.family;
  model.config.n_logistics = 3;
  model.config.n_products = of.n_products;
  model.config.hidden = {std::max(8, of.n_dims), std::max(8, of.n_dims)};
  model.config.time_features = 4;
  model.config.time_frequency_max = 4;
  model.flux.divergence_free = of.divergence_free;
  model.flux.hidden = {6};
  for (int i = 0; i < of.n_dims; ++i) {
    model.units.mean.push_back(0.5 - i);
    model.units.scale.push_back(2.0 / (1 + i));
    model.dim_names.push_back("x" + std::to_string(i + 1));
  }
  model.units.t_first = 1;
  model.units.t_last = 3;
  const flux::Dynamics<double> dynamics(model.config, model.flux, of.n_dims,
                                        {1, flux::Dynamics<double>::Use::density});
  const density::InitialRows rows = {of.n_dims, random_normals(200 * static_cast<std::size_t>(of.n_dims), 1)};
  checkpoint.state.parameters = dynamics.initialise(rows, 1);
  const std::vector<double> noise = random_normals(checkpoint.state.parameters.size(), 2);
  for (std::size_t k = 0; k < noise.size(); ++k) checkpoint.state.parameters[k] += 0.1 * noise[k];
  return checkpoint;
}

/// Times of the model, (n).
inline std::vector<double> random_times(std::size_t n, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> uniform(1.05, 2.95);
  std::vector<double> t(n);
  for (double& value : t) value = uniform(engine);
  return t;
}

/// States where the model has mass, units of the data, (n, n_dims).
inline std::vector<double> random_states(const Inference& inference, std::size_t n, unsigned seed) {
  return inference.model().units.to_data(
      random_normals(n * static_cast<std::size_t>(inference.n_dims()), seed));
}

/// All families and divergence-free parts in the dimensions given.
inline std::vector<ModelCase> model_cases(const std::vector<int>& dims) {
  std::vector<ModelCase> cases;
  for (const int n_dims : dims) {
    cases.push_back({density::Family::autoregressive, n_dims, flux::DivergenceFree::none});
    cases.push_back({density::Family::factorised, n_dims, flux::DivergenceFree::none});
    if (n_dims > 1)
      cases.push_back({density::Family::autoregressive, n_dims, flux::DivergenceFree::density_weighted});
  }
  return cases;
}

inline flux::Volatility constant_volatility(double g) {
  flux::Volatility volatility;
  volatility.values = {g};
  return volatility;
}

}  // namespace rhoflux::inference::testing
