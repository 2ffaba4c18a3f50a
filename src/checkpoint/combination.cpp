#include "rhoflux/checkpoint/combination.hpp"

#include <algorithm>
#include <cstddef>

#include "rhoflux/core/error.hpp"

namespace rhoflux::checkpoint {
namespace {

bool are_equal(const ConditionEncoding& a, const ConditionEncoding& b) {
  return std::equal(a.variables.begin(), a.variables.end(), b.variables.begin(), b.variables.end(),
                    [](const ConditionVariable& one, const ConditionVariable& other) {
                      return one.name == other.name && one.categories == other.categories &&
                             one.mean == other.mean && one.scale == other.scale;
                    });
}

/// Whether one of the members of both, `size` parameters each, is the same.
bool shares_a_member(const std::vector<double>& a, const std::vector<double>& b, std::size_t size) {
  for (auto one = a.begin(); one != a.end(); one += static_cast<std::ptrdiff_t>(size))
    for (auto other = b.begin(); other != b.end(); other += static_cast<std::ptrdiff_t>(size))
      if (std::equal(one, one + static_cast<std::ptrdiff_t>(size), other)) return true;
  return false;
}

/// What keeps a model from being a member beside another; empty: nothing.
std::string difference(const Checkpoint& a, const Checkpoint& b) {
  const ModelDescription &one = a.model, &other = b.model;
  if (one.dim_names != other.dim_names) return "their coordinates differ";
  if (one.units.mean != other.units.mean || one.units.scale != other.units.scale)
    return "their standardisations differ, so that they were not trained on the same rows";
  if (one.units.t_first != other.units.t_first || one.units.t_last != other.units.t_last)
    return "their time ranges differ";
  if (!are_equal(one.conditions, other.conditions)) return "their conditions differ";
  const std::size_t size = a.inference_parameters().size() / static_cast<std::size_t>(one.config.n_members);
  if (b.inference_parameters().size() != size * static_cast<std::size_t>(other.config.n_members))
    return "they do not have as many parameters";
  return shares_a_member(a.inference_parameters(), b.inference_parameters(), size)
             ? "they have a member in common, which would count twice"
             : "";
}

void require_no_shared_parameters(const NamedCheckpoint& part) {
  const ModelDescription& model = part.checkpoint.model;
  const bool has_part = model.flux.divergence_free != flux::DivergenceFree::none;
  const bool has_mass = model.config.grows() && !model.flux.mass.t.empty();
  if (has_part || has_mass)
    fail_input(
        part.name + ": has a " + (has_part ? "divergence-free part" : "mass that is learned (data.mass)") +
        ", which is one for all members of an ensemble; train the members in one run (model.ensemble, or "
        "train --replicates)");
}

}  // namespace

Checkpoint combined(const std::vector<NamedCheckpoint>& parts) {
  Checkpoint result;
  result.model = parts.front().checkpoint.model;
  result.deck = parts.front().checkpoint.deck;
  result.provenance = parts.front().checkpoint.provenance;
  result.state.seed = parts.front().checkpoint.state.seed;
  result.state.n_train_rows = parts.front().checkpoint.state.n_train_rows;
  result.model.config.n_members = 0;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const Checkpoint& part = parts[k].checkpoint;
    require_no_shared_parameters(parts[k]);
    for (std::size_t before = 0; before < k; ++before)
      if (const std::string text = difference(parts[before].checkpoint, part); !text.empty())
        fail_input(parts[k].name + " and " + parts[before].name + ": " + text);
    const std::vector<double>& parameters = part.inference_parameters();
    result.state.parameters.insert(result.state.parameters.end(), parameters.begin(), parameters.end());
    result.model.config.n_members += part.model.config.n_members;
    if (part.state.precision == Precision::double_precision)
      result.state.precision = Precision::double_precision;
  }
  if (result.model.config.n_members > density::max_members)
    fail_input("these are " + std::to_string(result.model.config.n_members) + " members; at most " +
               std::to_string(density::max_members) + " are allowed");
  result.state.first_moment.assign(result.state.parameters.size(), 0.0);
  result.state.second_moment = result.state.first_moment;
  return result;
}

}  // namespace rhoflux::checkpoint
