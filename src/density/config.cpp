#include "rhoflux/density/config.hpp"

#include <sstream>

#include "rhoflux/core/error.hpp"

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

}  // namespace

void Config::validate() const {
  check_count("components", n_logistics, 1, max_logistics);
  check_count("mixture", n_products, 1, max_products);
  check_hidden(hidden);
  check_features("time_features", time_features, 2);
  check_frequencies("time", time_frequency_min, time_frequency_max);
  check_features("coordinate_features", coordinate_features, 0);
  check_frequencies("coordinate", coordinate_frequency_min, coordinate_frequency_max);
  check_count("conditions", n_conditions, 0, max_conditions);
}

}  // namespace rhoflux::density
