#include "rhoflux/suggestion/variations.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "rhoflux/core/text.hpp"
#include "rhoflux/density/config.hpp"

namespace rhoflux::suggestion {
namespace {

bool is_same_key(const SuggestedKey& a, const SuggestedKey& b) {
  return a.section == b.section && a.name == b.name;
}

class Varier {
 public:
  Varier(const Portrait& portrait, const std::vector<SuggestedKey>& keys)
      : m_data(portrait), m_keys(keys), m_found{{"as suggested", {}}} {}

  std::vector<Variation> run() {
    if (value_of("model", "mixture"))
      of_products();
    else
      of_network();
    return m_found;
  }

 private:
  /// Of a mixture of thousands of products, of a logistic for each coordinate.
  void of_products() {
    scale("training", "noise", 2, "twice the noise");
    products(2, "twice the products");
    add("changes in time", {{"model", "hidden", "4", ""},
                            {"model", "time_frequency_min", "0.5", ""},
                            {"model", "time_frequency_max", "4", ""}});
    scale("training", "noise", 0.5, "half the noise");
    products(0.5, "half the products");
    scale("training", "learning_rate", 0.5, "half the learning rate");
    scale("training", "learning_rate", 2, "twice the learning rate");
  }

  void of_network() {
    scale("training", "noise", 2, "twice the noise");
    fine_structure();
    const bool is_constant = m_data.is_continuous && value_of("model", "time_features") == "2";
    if (is_constant)
      add("changes in time", {{"model", "time_features", "16", ""},
                              {"model", "time_frequency_max", "4", ""},
                              {"training", "time_noise", "0.05", ""}});
    if (!is_constant) scale("model", "time_frequency_max", 2, "faster changes in time");
    if (!is_constant) scale("training", "time_noise", 2, "twice the noise on times");
    if (!m_data.is_continuous && m_data.n_times > 1)
      add("noise on times", {{"training", "time_noise", "0.05", ""}});
    widths(1.5, "wider layers");
    scale("training", "noise", 0.5, "half the noise");
    scale("training", "weight_decay", 10, "ten times the decay");
    widths(0.5, "narrower layers");
    scale("training", "learning_rate", 2, "twice the learning rate");
    components(2, "twice the logistics");
    if (!is_constant) scale("model", "time_frequency_max", 0.5, "slower changes in time");
    scale("training", "weight_decay", 0.1, "a tenth of the decay");
    components(0.5, "half the logistics");
  }

  std::optional<std::string> value_of(const std::string& section, const std::string& name) const {
    for (const SuggestedKey& key : m_keys)
      if (key.section == section && key.name == name) return key.value;
    return {};
  }
  void add(const std::string& name, std::vector<SuggestedKey> keys) {
    m_found.push_back({name, std::move(keys)});
  }

  void scale(const std::string& section, const std::string& name, double factor, const std::string& words) {
    const auto value = value_of(section, name);
    if (value) add(words, {{section, name, formatted("%.3g", factor * parse_number(*value)), ""}});
  }

  void products(double factor, const std::string& words) {
    const auto count = std::llround(factor * parse_number(*value_of("model", "mixture")));
    add(words, {{"model", "mixture", std::to_string(std::min<long long>(count, density::max_products)), ""}});
  }

  /// Sines and cosines of the coordinates four times as fine.
  void fine_structure() {
    const auto features = value_of("model", "coordinate_features");
    if (!features) return;
    const auto count = std::min<std::int64_t>(256, 3 * parse_whole_number(*features, 2, 4096) / 2 / 2 * 2);
    add("finer structure",
        {{"model", "coordinate_features", std::to_string(count), ""},
         {"model", "coordinate_frequency_max",
          formatted("%.3g", 4 * parse_number(*value_of("model", "coordinate_frequency_max"))), ""}});
  }

  /// Multiples of 8, not below the number of coordinates.
  void widths(double factor, const std::string& words) {
    std::vector<std::string> layers;
    for (const std::string& layer : split(*value_of("model", "hidden"), ',')) {
      const double width = factor * parse_number(layer);
      layers.push_back(
          std::to_string(std::max<std::int64_t>(8 * std::llround(width / 8), 8 * ((m_data.n_dims + 7) / 8))));
    }
    add(words, {{"model", "hidden", joined(layers, ","), ""}});
  }

  void components(double factor, const std::string& words) {
    const double count = factor * parse_number(*value_of("model", "components"));
    add(words,
        {{"model", "components", std::to_string(std::clamp<std::int64_t>(std::llround(count), 2, 64)), ""}});
  }

  const Portrait& m_data;
  const std::vector<SuggestedKey>& m_keys;
  std::vector<Variation> m_found;
};

}  // namespace

bool Variation::goes_with(const Variation& other) const {
  for (const SuggestedKey& mine : keys)
    for (const SuggestedKey& theirs : other.keys)
      if (is_same_key(mine, theirs)) return false;
  return true;
}

std::vector<Variation> variations(const Portrait& portrait, const std::vector<SuggestedKey>& keys) {
  return Varier(portrait, keys).run();
}

Variation combined(const Variation& first, const Variation& second) {
  Variation both = {first.name + ", " + second.name, first.keys};
  both.keys.insert(both.keys.end(), second.keys.begin(), second.keys.end());
  return both;
}

std::vector<SuggestedKey> with_variation(std::vector<SuggestedKey> keys, const Variation& variation,
                                         const std::string& why) {
  for (SuggestedKey changed : variation.keys) {
    changed.reason = why;
    const auto same = std::find_if(keys.begin(), keys.end(),
                                   [&](const SuggestedKey& key) { return is_same_key(key, changed); });
    if (same != keys.end()) {
      *same = changed;
      continue;
    }
    const auto last = std::find_if(keys.rbegin(), keys.rend(),
                                   [&](const SuggestedKey& key) { return key.section == changed.section; });
    keys.insert(last.base(), changed);
  }
  return keys;
}

}  // namespace rhoflux::suggestion
