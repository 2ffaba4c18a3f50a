#include "rhoflux/density/config.hpp"

#include <sstream>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::density {
namespace {

template <class T>
[[noreturn]] void refuse(const char* key, const T& value, const std::string& allowed) {
  std::ostringstream message;
  message << "model." << key << " = " << value << ": must be " << allowed;
  fail_input(message.str());
}

void check_count(const char* key, int value, int least, int most) {
  if (value < least || value > most) {
    refuse(key, value, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
}

void check_features(const char* key, int value, int least) {
  constexpr int most = 4096;
  if (value < least || value > most || value % 2 != 0) {
    refuse(key, value,
           "an even whole number (pairs of a sine and a cosine) from " + std::to_string(least) + " to " +
               std::to_string(most));
  }
}

void check_hidden(const std::vector<int>& widths) {
  std::string list;
  bool allowed = !widths.empty() && widths.size() <= 16;
  for (const int width : widths) {
    list += (list.empty() ? "" : ",") + std::to_string(width);
    allowed = allowed && width >= 1 && width <= 16384;
  }
  if (!allowed) refuse("hidden", list, "1 to 16 widths from 1 to 16384, separated by commas");
}

/// NaN fails every comparison below.
void check_frequencies(const std::string& feature, double lowest, double highest) {
  const std::string min_key = feature + "_frequency_min";
  const std::string max_key = feature + "_frequency_max";
  if (!(lowest > 0.0)) refuse(min_key.c_str(), lowest, "greater than 0");
  if (!(highest >= lowest)) {
    std::ostringstream allowed;
    allowed << "at least model." << min_key << " = " << lowest;
    refuse(max_key.c_str(), highest, allowed.str());
  }
}

void check_growth(const Config& config) {
  const bool is_default = !config.growth_share.is_learned && config.growth_share.value == GrowthShare{}.value;
  if (!config.grows() && !is_default)
    refuse("growth_share", config.growth_share.to_string(), "left out with model.growth = none");
  if (config.grows() && config.weights == MixtureWeights::time_constant)
    refuse("growth", enum_to_text(config.growth),
           "none with model.weights = time_constant: growth is what a change of the weights may count as");
}

}  // namespace

std::string GrowthShare::to_string() const {
  return is_learned ? "learned" : print_number(value);
}

GrowthShare GrowthShare::parse(const std::string& text) {
  GrowthShare share;
  share.is_learned = text == "learned";
  if (!share.is_learned) share.value = parse_number(text);
  if (!(share.value >= 0 && share.value <= 1)) fail_input("must be from 0 to 1, or learned");
  return share;
}

void Config::validate() const {
  check_count("ensemble", n_members, 1, max_members);
  check_count("components", n_logistics, 1, max_logistics);
  check_count("mixture", n_products, 1, max_products);
  check_hidden(hidden);
  check_features("time_features", time_features, 2);
  check_frequencies("time", time_frequency_min, time_frequency_max);
  check_features("coordinate_features", coordinate_features, 0);
  check_frequencies("coordinate", coordinate_frequency_min, coordinate_frequency_max);
  check_count("conditions", n_conditions, 0, max_conditions);
  check_growth(*this);
}

}  // namespace rhoflux::density
