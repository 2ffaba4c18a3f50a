#include "deck_keys.hpp"

#include <algorithm>
#include <utility>

#include "deck_values.hpp"

namespace rhoflux::cli {
namespace {

/// @param field from a Deck, const or not, to a reference to its field
template <class Field>
Key make_key(const std::string& section, const std::string& name, const std::string& range,
             const std::string& unit, const std::string& explanation, Field field) {
  static const Deck defaults;
  Key key;
  key.section = section;
  key.name = name;
  key.allowed = type_of(field(defaults));
  if (!range.empty()) key.allowed += ", " + range;
  key.unit = unit;
  key.explanation = explanation;
  key.set = [field](Deck& deck, const std::string& text) { read_value(text, field(deck)); };
  key.get = [field](const Deck& deck) { return write_value(field(deck)); };
  return key;
}

/// The keys of one section, whose values are the members of one struct of the deck.
template <class Config>
class SectionKeys {
 public:
  SectionKeys(std::vector<Key>& keys, const char* section, Config Deck::*config)
      : m_keys(keys), m_section(section), m_config(config) {}

  /// @param member pointer to a member of the struct, or a function from the struct to one of its fields
  template <class Member>
  void add(const char* name, Member member, const char* range, const char* unit, const char* explanation) {
    const auto field = [ config = m_config, member ](auto& deck) -> auto& {
      return std::invoke(member, deck.*config);
    };
    m_keys.push_back(make_key(m_section, name, range, unit, explanation, field));
  }

 private:
  std::vector<Key>& m_keys;
  const char* m_section;
  Config Deck::*m_config;
};

void add_data_keys(std::vector<Key>& keys) {
  using data::Config;
  SectionKeys<Config> section(keys, "data", &Deck::data);
  section.add("file", &Config::file, "required unless an endpoint distribution is given in [objective]", "",
              "Population file (HDF5); a relative path starts at the directory in which rhoflux is started.");
  section.add(
      "coordinates", &Config::coordinates, "", "",
      "Coordinates of the file that the model has, in its order, which matters: each is modelled given "
      "those before it.");
  section.add(
      "standardise", &Config::standardise, "", "",
      "Train on (x - mean) / standard deviation of each coordinate, taken from the training split; robust: "
      "(x - median) / (interquartile range / 1.349), which few bad rows do not change.");
  section.add("time_range", &Config::time_range, "", "time",
              "Time range of the model: that of the data (0:1 without data), or a wider one.");
  section.add("hold_out_times", &Config::hold_out_times, "", "time",
              "Snapshots left out of training and validation, to be predicted.");
  section.add("conditions", &Config::conditions, "", "",
              "Covariates /condition/NAME of the file that density and drift depend on.");
  section.add("hold_out_conditions", &Config::hold_out_conditions, "", "",
              "Rows of these conditions are left out of training and validation, to be predicted.");
  section.add("mass", &Config::mass, "the first and the last at the ends of the time range", "",
              "Mass of a population that grows: 1 at all times; as the weights of the training rows of each "
              "snapshot add up, or their numbers without weights; or given. Only ratios count.");
  section.add(
      "bootstrap", &Config::bootstrap, "", "",
      "Weigh the training rows by random numbers of mean 1 of their own for each member of an ensemble, "
      "each row or all rows of a category of /label/NAME (a donor) alike: the spread over the members is "
      "then the standard error of the result.");
  section.add("hash", &Config::hash, "", "",
              "Keep the SHA-256 of every input file in the provenance; reads each once more, at the start.");
}

void add_model_keys(std::vector<Key>& keys) {
  using density::Config;
  SectionKeys<Config> section(keys, "model", &Deck::model);
  section.add("family", &Config::family, "", "",
              "Product of conditionals, each given the coordinates before it, or mixture of products.");
  section.add("ensemble", &Config::n_members, "1 to 256", "",
              "Densities of which the model is the mean, each trained on its own from another start.");
  section.add("components", &Config::n_logistics, "1 to 64", "",
              "L: logistics in each one-dimensional mixture.");
  section.add("mixture", &Config::n_products, "1 to 16384", "",
              "K: products in the mixture (family = factorised).");
  section.add("hidden", &Config::hidden, "1 to 16 layers of 1 to 16384", "units",
              "Width of each hidden layer.");
  section.add("time_features", &Config::time_features, "even, 2 to 4096", "",
              "Sines and cosines of time given to the network; few and low ones for few snapshots.");
  section.add("time_frequency_min", &Config::time_frequency_min, "greater than 0",
              "radians over the whole time range", "Lowest frequency of the time features.");
  section.add("time_frequency_max", &Config::time_frequency_max, "time_frequency_min or more",
              "radians over the whole time range",
              "Highest frequency of the time features; those between are spaced geometrically.");
  section.add(
      "coordinate_features", &Config::coordinate_features, "even, 0 to 4096", "",
      "Sines and cosines of each coordinate, so that fine structure in one shapes the next; 0: none.");
  section.add("coordinate_frequency_min", &Config::coordinate_frequency_min, "greater than 0",
              "radians per standard deviation", "Lowest frequency of the coordinate features.");
  section.add("coordinate_frequency_max", &Config::coordinate_frequency_max,
              "coordinate_frequency_min or more", "radians per standard deviation",
              "Highest frequency of the coordinate features; those between are spaced geometrically.");
  section.add("weights", &Config::weights, "", "",
              "Mixture weights may change with time, or not: then mass moves instead of fading in and out.");
  section.add(
      "growth", &Config::growth, "", "",
      "What a change of the mixture weights means: mass that moves, or mass that appears and vanishes.");
  section.add(
      "growth_share", &Config::growth_share, "0 to 1", "",
      "Share of such a change that counts as growth; learned: a function of time and of the coordinates "
      "before, found by the cost of growth (objective.growth).");
}

void add_flux_keys(std::vector<Key>& keys) {
  using flux::Config;
  SectionKeys<Config> section(keys, "flux", &Deck::flux);
  section.add(
      "kind", &Config::kind, "", "",
      "Keep every conditional quantile, or the flux of Hua et al. 2025 (autoregressive family only).");
  section.add("divergence_free", &Config::divergence_free, "", "",
              "Learnable flux without divergence: div(rho B), or div B, of an antisymmetric B(t, x).");
  section.add("hidden", &Config::hidden, "1 to 16 layers of 1 to 16384", "units",
              "Width of each hidden layer of the divergence-free part.");
  section.add("noise", &Config::volatility, "0 or more", "units of the data / sqrt(time)",
              "g of dX = u dt + g dW, constant or linear between knots t:g; the drift u is the one that goes "
              "with it.");
}

/// The weight of one term and when it acts.
void add_term_keys(std::vector<Key>& keys, const objectives::TermRow& row) {
  const std::string& name = row.name;
  keys.push_back(make_key(
      "objective", name, "0 or more", row.unit,
      row.explanation, [name](auto& deck) -> auto& { return deck.objective.schedule(name).weight; }));
  keys.push_back(make_key(
      "objective", name + "_start", "0 or more", "steps",
      "Steps before the term acts.", [name](auto& deck) -> auto& {
        return deck.objective.schedule(name).start;
      }));
  keys.push_back(make_key(
      "objective", name + "_ramp", "0 or more", "steps",
      "Steps over which its weight then grows from 0.", [name](auto& deck) -> auto& {
        return deck.objective.schedule(name).ramp;
      }));
  if (row.sign == objectives::Sign::any) return;
  keys.push_back(make_key(
      "objective", name + "_clip", "0 or more", "that of what is averaged",
      "Bounds the pull of a sample: a cost h above it counts as clip (1 + log(h / clip)); 0: no limit.",
      [name](auto& deck) -> auto& { return deck.objective.schedule(name).saturation; }));
}

/// Keys that describe what a term needs, each with the name of its term.
using Settings = std::vector<std::pair<std::string, Key>>;

template <class T>
void add_setting(Settings& settings, const char* term, const char* name, T objectives::Config::*setting,
                 const char* range, const char* unit, const char* explanation) {
  settings.emplace_back(term,
                        make_key(
                            "objective", name, range, unit,
                            explanation, [setting](auto& deck) -> auto& { return deck.objective.*setting; }));
}

constexpr const char* potential_forms =
    "none; circles c : R; quadrics c : a : r; balls c : R : k; quadratic c : a; double_well c : w : a; "
    "table FILE";

void add_endpoint_settings(Settings& settings) {
  using objectives::Config;
  const char* forms = "none; gaussian m : V [: share]; file PATH (its training rows)";
  add_setting(settings, "initial", "initial_law", &Config::initial_distribution, forms, "units of the data",
              "The endpoint distribution at the first time.");
  add_setting(settings, "terminal", "terminal_law", &Config::terminal_distribution, forms,
              "units of the data", "The endpoint distribution at the last time.");
  add_setting(settings, "terminal", "terminal_potential", &Config::terminal_potential, potential_forms,
              "units of the data", "The cost of where mass is at the last time.");
}

void add_cost_settings(Settings& settings) {
  using objectives::Config;
  add_setting(
      settings, "kinetic", "kinetic_metric", &Config::kinetic_metric, "", "",
      "Drift (and acceleration) in the units of the data, or in standard deviations, which weighs all "
      "coordinates alike.");
  add_setting(settings, "density_kinetic", "density_kinetic_power", &Config::density_kinetic_power,
              "greater than 0, less than 1", "",
              "a of density_kinetic: how much more ways through thinly populated space cost.");
  add_setting(settings, "control", "control_sigma", &Config::control_sigma, "greater than 0",
              "units of the data / sqrt(time)", "sigma of the control term.");
  add_setting(settings, "control", "control_base", &Config::control_base,
              "zero; linear A : b, v = A x + b; gradient POTENTIAL, v = -grad V", "units of the data / time",
              "v of the control term, the drift that costs nothing.");
  add_setting(settings, "congestion", "congestion_kernel", &Config::congestion_kernel,
              "density: E[rho]; inverse_quadratic l: K(d) = 1 / (1 + |d|^2 / l^2); gaussian l: "
              "exp(-|d|^2 / (2 l^2))",
              "units of the data", "What the congestion term averages.");
  add_setting(settings, "congestion", "congestion_group", &Config::congestion_group, "2, 4, 8, 16, 32 or 64",
              "samples",
              "Model samples with the same time, whose pairs a kernel looks at; divides training.batch.");
  add_setting(settings, "state_cost", "state_cost_potential", &Config::state_cost_potential, potential_forms,
              "units of the data", "phi of the state cost.");
}

/// Of each term of the registry its own keys, then its settings.
void add_objective_keys(std::vector<Key>& keys) {
  Settings settings;
  add_endpoint_settings(settings);
  add_cost_settings(settings);
  for (const objectives::TermRow& row : objectives::TermRegistry::built_in().rows()) {
    add_term_keys(keys, row);
    for (const auto& [term, key] : settings)
      if (term == row.name) keys.push_back(key);
  }
  keys.push_back(make_key(
      "objective", "conditions", "", "",
      "Conditions of the model samples of a model with data.conditions: those of the training rows, by "
      "weight, or all "
      "combinations of these values alike.",
      [](auto& deck) -> auto& { return deck.objective.conditions; }));
  keys.push_back(make_key(
      "objective", "estimator", "", "",
      "Gradient of expectations: through the model samples, or by the score function with a baseline.",
      [](auto& deck) -> auto& { return deck.objective.estimator; }));
}

void add_training_keys(std::vector<Key>& keys) {
  using training::TrainingConfig;
  SectionKeys<TrainingConfig> section(keys, "training", &Deck::training);
  section.add("steps", &TrainingConfig::steps, "1 or more", "steps",
              "Length of the run, steps before a restart included.");
  section.add("batch", &TrainingConfig::batch, "1 to 2147483647", "samples",
              "Samples in one step, over all ranks together.");
  section.add("seed", &TrainingConfig::seed, "0 to 18446744073709551615", "",
              "Key of every random number: initial parameters and batches.");
  section.add("precision", &TrainingConfig::precision, "", "",
              "Arithmetic of training; inference is always in double.");
  section.add(
      "matrix_precision", &TrainingConfig::matrix_precision, "", "",
      "Of the factors of matrix products in training: tf32 (11 bits) is faster on NVIDIA GPUs from Ampere "
      "on, and refused elsewhere and with precision = double.");
  section.add(
      "learning_rate", [](auto& config) -> auto& { return config.schedule.peak; },
      "greater than 0, at most 1", "", "Adam's step after the warm-up.");
  section.add(
      "final_learning_rate", [](auto& config) -> auto& { return config.schedule.last; }, "0 to learning_rate",
      "", "Learning rate at the last step (schedule = cosine).");
  section.add(
      "schedule", [](auto& config) -> auto& { return config.schedule.kind; }, "", "",
      "Learning rate after the warm-up: held, or half a cosine down.");
  section.add(
      "warmup", [](auto& config) -> auto& { return config.schedule.warmup; }, "0 or more", "steps",
      "Linear growth of the learning rate at the start.");
  section.add("clip", &TrainingConfig::max_gradient_norm, "0 or more", "",
              "Largest norm of the gradient, longer ones are shortened; 0: no limit.");
  section.add(
      "beta1", [](auto& config) -> auto& { return config.adam.beta1; }, "0 or more, less than 1", "",
      "Adam's decay of the mean gradient.");
  section.add(
      "beta2", [](auto& config) -> auto& { return config.adam.beta2; }, "0 or more, less than 1", "",
      "Adam's decay of the mean squared gradient.");
  section.add(
      "epsilon", [](auto& config) -> auto& { return config.adam.epsilon; }, "greater than 0", "",
      "Adam's guard against division by zero.");
  section.add(
      "weight_decay", [](auto& config) -> auto& { return config.adam.weight_decay; }, "0 or more", "",
      "Share of each weight taken off in a step (AdamW), times the learning rate.");
  section.add(
      "noise", &TrainingConfig::jitter, "0 or more", "standard deviations of the data",
      "Standard deviation of fresh Gaussian noise on each row drawn from a file; holds off overfitting.");
  section.add("time_noise", &TrainingConfig::time_jitter, "0 to 0.5", "share of the time range",
              "The same on the time of each row, mirrored at the ends: snapshots count as a little earlier "
              "and later.");
  section.add("average", &TrainingConfig::average, "0 or more, less than 1", "",
              "Decay, per step, of the running average of the parameters; 0: no averaging.");
}

/// How a run goes, behind what it minimises by which steps.
void add_course_keys(std::vector<Key>& keys) {
  using training::TrainingConfig;
  SectionKeys<TrainingConfig> section(keys, "training", &Deck::training);
  section.add(
      "reproducible", &TrainingConfig::reproducible, "", "",
      "Sum gradients in an order that does not depend on the number of ranks: the same bits for any.");
  section.add("reproducible_lanes", &TrainingConfig::reproducible_lanes, "1 to 4096", "",
              "Partial gradients summed in fixed order (reproducible = true); no fewer than the ranks.");
  section.add("overlap", &TrainingConfig::overlap, "", "",
              "Sum the gradient over ranks while the rest of it is computed; false: afterwards.");
  section.add("validate_every", &TrainingConfig::validate_every, "0 or more", "steps",
              "Evaluate the validation split and keep the best checkpoint; 0: never.");
  section.add("patience", &TrainingConfig::patience, "0 or more", "validations",
              "Stop early after this many without improvement (needs validate_every); 0: never.");
  section.add("stall_limit", &TrainingConfig::stall_limit, "0, or 2 or more", "times",
              "End the run when a step, validation or checkpoint takes this many times the longest one so "
              "far (and 10 s at least; 10 minutes for the first of each), as when a machine has lost the "
              "network; 0: never.");
}

void add_checkpoint_keys(std::vector<Key>& keys) {
  using training::CheckpointConfig;
  SectionKeys<CheckpointConfig> section(keys, "checkpoint", &Deck::checkpoint);
  section.add("directory", &CheckpointConfig::directory, "", "",
              "Where checkpoints and history.csv go; made if absent.");
  section.add("every", &CheckpointConfig::every, "1 or more", "steps", "Interval of the checkpoints.");
  section.add("every_minutes", &CheckpointConfig::every_minutes, "0 or more", "minutes",
              "A checkpoint too when the last one is this old; 0: by steps alone.");
  section.add("keep", &CheckpointConfig::keep, "1 or more", "files",
              "Most recent checkpoints kept, besides the best one.");
}

void add_output_keys(std::vector<Key>& keys) {
  using training::OutputConfig;
  SectionKeys<OutputConfig> section(keys, "output", &Deck::output);
  section.add("log_every", &OutputConfig::log_every, "1 or more", "steps",
              "Interval of the lines of the log and of history.csv.");
}

std::vector<Key> make_keys() {
  std::vector<Key> keys;
  add_data_keys(keys);
  add_model_keys(keys);
  add_flux_keys(keys);
  add_objective_keys(keys);
  add_training_keys(keys);
  add_course_keys(keys);
  add_checkpoint_keys(keys);
  add_output_keys(keys);
  return keys;
}

}  // namespace

const std::vector<Key>& all_keys() {
  static const std::vector<Key> keys = make_keys();
  return keys;
}

const Key* find_key(const std::string& full_name) {
  for (const Key& key : all_keys()) {
    if (key.full_name() == full_name) return &key;
  }
  return nullptr;
}

std::vector<std::string> section_names() {
  std::vector<std::string> names;
  for (const Key& key : all_keys()) {
    if (names.empty() || names.back() != key.section) names.push_back(key.section);
  }
  return names;
}

bool is_section(const std::string& name) {
  const std::vector<std::string> names = section_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace rhoflux::cli
