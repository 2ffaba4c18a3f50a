#include "model_file.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "file_values.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::checkpoint {
namespace {

void require_usable(const MassKnots& mass, const std::string& path) {
  const auto is_finite = [](double value) { return std::isfinite(value); };
  const bool ascends =
      std::adjacent_find(mass.t.begin(), mass.t.end(), std::greater_equal<>()) == mass.t.end();
  if (mass.t.size() != mass.log_mass.size() || mass.t.size() == 1 || !ascends ||
      !std::all_of(mass.t.begin(), mass.t.end(), is_finite) ||
      !std::all_of(mass.log_mass.begin(), mass.log_mass.end(), is_finite))
    fail_input(path +
               ", 'flux': the attributes mass_t and log_mass must be as many finite numbers, two at least, "
               "and the times ascend");
}

flux::Config read_flux(const io::Hdf5Reader& file) {
  flux::Config config;
  if (!file.exists("flux")) return config;
  config.kind = read_choice<flux::Kind>(file, "flux", "kind");
  config.divergence_free = read_choice<flux::DivergenceFree>(file, "flux", "divergence_free");
  config.hidden = read_widths(file, "flux");
  const std::string volatility = file.attribute_string("flux", "noise");
  config.volatility =
      located(place_of(file, "flux", "noise"), [&] { return flux::Volatility::parse(volatility); });
  if (file.has_attribute("flux", "mass_t")) {  // since version 6
    config.mass.t = file.attribute_doubles("flux", "mass_t");
    config.mass.log_mass = file.attribute_doubles("flux", "log_mass");
    require_usable(config.mass, file.path());
  }
  located(file.path(), [&] { config.validate(); });
  return config;
}

density::Config read_density(const io::Hdf5Reader& file) {
  density::Config config;
  const auto integer = [&](const char* name) {
    return static_cast<int>(read_count(file, "model", name, std::numeric_limits<int>::max()));
  };
  config.family = read_choice<density::Family>(file, "model", "family");
  config.weights = read_choice<density::MixtureWeights>(file, "model", "weights");
  if (file.has_attribute("model", "ensemble")) config.n_members = integer("ensemble");  // since version 7
  config.n_logistics = integer("components");
  config.n_products = integer("mixture");
  config.hidden = read_widths(file, "model");
  config.time_features = integer("time_features");
  config.time_frequency_min = file.attribute_double("model", "time_frequency_min");
  config.time_frequency_max = file.attribute_double("model", "time_frequency_max");
  config.coordinate_features = integer("coordinate_features");
  config.coordinate_frequency_min = file.attribute_double("model", "coordinate_frequency_min");
  config.coordinate_frequency_max = file.attribute_double("model", "coordinate_frequency_max");
  if (file.has_attribute("model", "growth")) {  // since version 6
    config.growth = read_choice<density::Growth>(file, "model", "growth");
    const std::string share = file.attribute_string("model", "growth_share");
    config.growth_share =
        located(place_of(file, "model", "growth_share"), [&] { return density::GrowthShare::parse(share); });
  }
  located(file.path(), [&] { config.validate(); });
  return config;
}

void require_usable(const Units& units, const std::string& path) {
  const auto is_finite = [](double value) { return std::isfinite(value); };
  if (!is_finite(units.t_first) || !is_finite(units.t_last) || units.t_last < units.t_first)
    fail_input(path + ", 'model', attribute 'time_range': found " + print_number(units.t_first) + " and " +
               print_number(units.t_last) + ", expected a time and one that is not earlier");
  if (!std::all_of(units.mean.begin(), units.mean.end(), is_finite))
    fail_input(path + ", 'model/mean': has a value that is not a finite number");
  if (!std::all_of(units.scale.begin(), units.scale.end(), [&](double s) { return s > 0 && is_finite(s); }))
    fail_input(path + ", 'model/scale': has a value that is not a finite number above 0");
}

Units read_units(const io::Hdf5Reader& file, std::int64_t n_dims) {
  Units units;
  const std::vector<double> range = file.attribute_doubles("model", "time_range");
  if (range.size() != 2) fail_input(file.path() + ": attribute time_range of /model must have 2 numbers");
  units.t_first = range[0];
  units.t_last = range[1];
  units.mean = file.read<double>("model/mean", {n_dims});
  units.scale = file.read<double>("model/scale", {n_dims});
  require_usable(units, file.path());
  return units;
}

}  // namespace

namespace {

void write_origin(io::Hdf5Writer& file, const DataOrigin& origin) {
  file.group("data");
  file.attribute("data", "time_origin", origin.time.origin);
  file.attribute("data", "time_labels", origin.time.labels);
  file.attribute("data", "time_label_values", origin.time.label_values);
  if (!origin.coordinates.empty()) file.attribute("data", "coordinates", origin.coordinates);
  file.group("data/import");
  file.attributes("data/import", origin.import_choices);
}

/// Before version 5 a checkpoint did not have it.
DataOrigin read_origin(const io::Hdf5Reader& file) {
  DataOrigin origin;
  if (!file.exists("data")) return origin;
  origin.time.origin = file.attribute_string("data", "time_origin");
  origin.time.labels = file.attribute_strings("data", "time_labels");
  origin.time.label_values = file.attribute_doubles("data", "time_label_values");
  if (origin.time.labels.size() != origin.time.label_values.size())
    fail_input(file.path() + ", 'data': the attributes time_labels and time_label_values differ in length");
  if (file.has_attribute("data", "coordinates"))  // else the model has all, in their order
    origin.coordinates = file.attribute_strings("data", "coordinates");
  origin.import_choices = file.text_attributes("data/import");
  return origin;
}

}  // namespace

namespace {

std::string variable_group(std::size_t v) {
  return "conditions/" + std::to_string(v);
}

void write_conditions(io::Hdf5Writer& file, const ConditionEncoding& conditions) {
  if (conditions.is_empty()) return;
  file.group("conditions");
  for (std::size_t v = 0; v < conditions.n_variables(); ++v) {
    const ConditionVariable& variable = conditions.variables[v];
    const std::string group = variable_group(v);
    file.group(group);
    file.attribute(group, "name", variable.name);
    if (variable.is_category()) {
      file.attribute(group, "categories", variable.categories);
      continue;
    }
    file.attribute(group, "mean", variable.mean);
    file.attribute(group, "scale", variable.scale);
    file.attribute(group, "range", std::vector<double>{variable.least, variable.most});
  }
  const auto n_choices = signed_size(conditions.weights);
  file.write("conditions/choices", conditions.choices, {n_choices, signed_size(conditions.variables)});
  file.write("conditions/weights", conditions.weights, {n_choices});
}

/// Where the numbers of an encoding are of no use, an error that says so.
void require_usable(const ConditionEncoding& conditions, const std::string& path) {
  const auto is_finite = [](double value) { return std::isfinite(value); };
  for (const ConditionVariable& variable : conditions.variables)
    if (!variable.is_category() && (!is_finite(variable.mean) || !is_finite(variable.scale) ||
                                    variable.scale <= 0 || !(variable.least <= variable.most)))
      fail_input(path + ", 'conditions': mean, scale or range of '" + variable.name + "' is of no use");
  for (std::size_t k = 0; k < conditions.n_choices(); ++k)
    for (std::size_t v = 0; v < conditions.n_variables(); ++v) {
      const ConditionVariable& variable = conditions.variables[v];
      const double value = conditions.choice(k)[v];
      const bool is_code = value >= 0 && value < static_cast<double>(variable.categories.size());
      if (!is_finite(value) || (variable.is_category() && !is_code) || !(conditions.weights[k] > 0))
        fail_input(path + ", 'conditions/choices': entry " + std::to_string(k) + " is no condition");
    }
}

/// Of a model without conditions, and before version 6, there is no such group.
ConditionEncoding read_conditions(const io::Hdf5Reader& file) {
  ConditionEncoding conditions;
  if (!file.exists("conditions")) return conditions;
  for (std::size_t v = 0; file.exists(variable_group(v)); ++v) {
    const std::string group = variable_group(v);
    ConditionVariable variable;
    variable.name = file.attribute_string(group, "name");
    if (file.has_attribute(group, "categories")) {
      variable.categories = file.attribute_strings(group, "categories");
    } else {
      variable.mean = file.attribute_double(group, "mean");
      variable.scale = file.attribute_double(group, "scale");
      const std::vector<double> range = file.attribute_doubles(group, "range");
      if (range.size() != 2)
        fail_input(place_of(file, group, "range") + ": found " + std::to_string(range.size()) +
                   " numbers, expected 2");
      variable.least = range[0];
      variable.most = range[1];
    }
    conditions.variables.push_back(std::move(variable));
  }
  conditions.weights = file.read<double>("conditions/weights");
  const std::int64_t n_choices = signed_size(conditions.weights);
  conditions.choices =
      file.read<double>("conditions/choices", {n_choices, signed_size(conditions.variables)});
  if (conditions.is_empty() || n_choices == 0)
    fail_input(file.path() + ", 'conditions': there are no variables or no choices");
  require_usable(conditions, file.path());
  return conditions;
}

}  // namespace

void write_model(io::Hdf5Writer& file, const ModelDescription& model) {
  const density::Config& density = model.config;
  file.group("model");
  file.attribute("model", "family", enum_to_text(density.family));
  file.attribute("model", "weights", enum_to_text(density.weights));
  file.attribute("model", "ensemble", density.n_members);
  file.attribute("model", "components", density.n_logistics);
  file.attribute("model", "mixture", density.n_products);
  file.attribute("model", "hidden", std::vector<double>(density.hidden.begin(), density.hidden.end()));
  file.attribute("model", "time_features", density.time_features);
  file.attribute("model", "time_frequency_min", density.time_frequency_min);
  file.attribute("model", "time_frequency_max", density.time_frequency_max);
  file.attribute("model", "coordinate_features", density.coordinate_features);
  file.attribute("model", "coordinate_frequency_min", density.coordinate_frequency_min);
  file.attribute("model", "coordinate_frequency_max", density.coordinate_frequency_max);
  file.attribute("model", "growth", enum_to_text(density.growth));
  file.attribute("model", "growth_share", density.growth_share.to_string());
  file.attribute("model", "dim_names", model.dim_names);
  file.attribute("model", "time_unit", model.time_unit);
  file.attribute("model", "time_range", std::vector<double>{model.units.t_first, model.units.t_last});
  file.group("flux");
  file.attribute("flux", "kind", enum_to_text(model.flux.kind));
  file.attribute("flux", "divergence_free", enum_to_text(model.flux.divergence_free));
  file.attribute("flux", "hidden", std::vector<double>(model.flux.hidden.begin(), model.flux.hidden.end()));
  file.attribute("flux", "noise", model.flux.volatility.to_string());
  const MassKnots mass = at_data_times(model.flux.mass, model.units);
  file.attribute("flux", "mass_t", mass.t);
  file.attribute("flux", "log_mass", mass.log_mass);
  write_origin(file, model.origin);
  write_conditions(file, model.conditions);
  file.write("model/mean", model.units.mean, {model.units.n_dims()});
  file.write("model/scale", model.units.scale, {model.units.n_dims()});
}

namespace {

/// The masses of a model that grows reach from one end of its time range to the other, from M = 1.
void require_mass_of_model(const io::Hdf5Reader& file, const ModelDescription& model) {
  if (!model.config.grows()) return;
  const MassKnots& mass = model.flux.mass;
  constexpr double rounding = 1e-9;
  const bool is_missing = !file.has_attribute("flux", "mass_t");
  if (is_missing ||
      (!mass.t.empty() && (std::fabs(mass.t.front()) > rounding || std::fabs(mass.t.back() - 1) > rounding ||
                           std::fabs(mass.log_mass.front()) > rounding)))
    fail_input(
        file.path() +
        ", 'flux': the attributes mass_t and log_mass of a model that grows must be there, go from the "
        "first to the last time of the model, and begin with log_mass = 0");
}

}  // namespace

ModelDescription read_model(const io::Hdf5Reader& file) {
  ModelDescription model;
  model.config = read_density(file);
  model.conditions = read_conditions(file);
  model.config.n_conditions = model.conditions.n_rows();
  located(file.path(), [&] { model.config.validate(); });
  model.dim_names = file.attribute_strings("model", "dim_names");
  if (model.dim_names.empty()) fail_input(file.path() + ": attribute dim_names of /model has no names");
  model.time_unit = file.attribute_string("model", "time_unit");
  model.units = read_units(file, signed_size(model.dim_names));
  model.flux = read_flux(file);
  model.flux.mass = at_model_times(model.flux.mass, model.units);
  require_mass_of_model(file, model);
  model.origin = read_origin(file);
  model.origin.time.unit = model.time_unit;
  return model;
}

}  // namespace rhoflux::checkpoint
