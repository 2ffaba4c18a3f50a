#include "same_model.hpp"

#include <algorithm>

#include "rhoflux/core/enum_text.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/data/conditions.hpp"

namespace rhoflux::training {
namespace {

std::string text_of(int value) {
  return std::to_string(value);
}
std::string text_of(const std::string& text) {
  return text;
}
std::string text_of(double value) {
  return print_number(value);
}
std::string text_of(const std::vector<int>& values) {
  std::vector<std::string> pieces;
  for (const int value : values) pieces.push_back(std::to_string(value));
  return joined(pieces, ",");
}
template <class Enum>
std::string text_of(Enum value) {
  return enum_to_text(value);
}

/// Gathers what differs.
class Comparison {
 public:
  template <class Value>
  void compare(const char* key, const Value& ours, const Value& theirs) {
    if (ours == theirs) return;
    m_differences.push_back(std::string(key) + " = " + text_of(ours) + ", the checkpoint has " +
                            text_of(theirs));
  }
  const std::vector<std::string>& differences() const { return m_differences; }

 private:
  std::vector<std::string> m_differences;
};

}  // namespace

namespace {

/// "dose,drug(A|B)": names and categories, which the input rows of the networks stand for.
std::string names_of(const ConditionEncoding& conditions) {
  std::vector<std::string> names;
  for (const ConditionVariable& variable : conditions.variables)
    names.push_back(variable.name +
                    (variable.is_category() ? "(" + joined(variable.categories, "|") + ")" : ""));
  return names.empty() ? "none" : joined(names, ",");
}

bool is_reordered(const std::vector<std::string>& ours, const std::vector<std::string>& theirs) {
  return ours != theirs && ours.size() == theirs.size() &&
         std::is_permutation(ours.begin(), ours.end(), theirs.begin());
}

}  // namespace

std::vector<std::string> model_differences(const RunConfig& config, const data::Sources& sources,
                                           const checkpoint::ModelDescription& model) {
  const density::Config &ours = config.model, &theirs = model.config;
  Comparison found;
  found.compare("dimensions", sources.n_dims, model.units.n_dims());
  // Coordinates may be called otherwise, but not stand in another order.
  const bool is_chosen = !config.data.coordinates.names.empty();
  if (is_chosen || is_reordered(sources.dim_names, model.dim_names))
    found.compare("data.coordinates", joined(sources.dim_names), joined(model.dim_names));
  found.compare("data.conditions",
                names_of(sources.data ? data::named_conditions(*sources.data) : ConditionEncoding()),
                names_of(model.conditions));
  found.compare("model.family", ours.family, theirs.family);
  found.compare("model.ensemble", ours.n_members, theirs.n_members);
  found.compare("model.components", ours.n_logistics, theirs.n_logistics);
  if (ours.family == density::Family::factorised)
    found.compare("model.mixture", ours.n_products, theirs.n_products);
  found.compare("model.hidden", ours.hidden, theirs.hidden);
  found.compare("model.time_features", ours.time_features, theirs.time_features);
  found.compare("model.time_frequency_min", ours.time_frequency_min, theirs.time_frequency_min);
  found.compare("model.time_frequency_max", ours.time_frequency_max, theirs.time_frequency_max);
  found.compare("model.coordinate_features", ours.coordinate_features, theirs.coordinate_features);
  found.compare("model.coordinate_frequency_min", ours.coordinate_frequency_min,
                theirs.coordinate_frequency_min);
  found.compare("model.coordinate_frequency_max", ours.coordinate_frequency_max,
                theirs.coordinate_frequency_max);
  found.compare("model.weights", ours.weights, theirs.weights);
  found.compare("model.growth", ours.growth, theirs.growth);
  found.compare("model.growth_share", ours.growth_share.to_string(), theirs.growth_share.to_string());
  found.compare("flux.divergence_free", config.flux.divergence_free, model.flux.divergence_free);
  if (config.flux.divergence_free != flux::DivergenceFree::none)
    found.compare("flux.hidden", config.flux.hidden, model.flux.hidden);
  return found.differences();
}

}  // namespace rhoflux::training
