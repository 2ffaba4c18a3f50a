#include "rhoflux/flux/config.hpp"

#include <algorithm>
#include <sstream>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::flux {
double Volatility::at(double t) const {
  if (times.empty() || t <= times.front()) return values.front();
  if (t >= times.back()) return values.back();
  const auto above =
      static_cast<std::size_t>(std::upper_bound(times.begin(), times.end(), t) - times.begin());
  const double fraction = (t - times[above - 1]) / (times[above] - times[above - 1]);
  return values[above - 1] + fraction * (values[above] - values[above - 1]);
}

double Volatility::integral_of_square(double t0, double t1) const {
  std::vector<double> ends = {t0};
  for (const double knot : times)
    if (knot > t0 && knot < t1) ends.push_back(knot);
  ends.push_back(t1);
  double sum = 0;
  for (std::size_t k = 0; k + 1 < ends.size(); ++k) {
    const double a = at(ends[k]), b = at(ends[k + 1]);  // g is linear in between
    sum += (ends[k + 1] - ends[k]) * (a * a + a * b + b * b) / 3;
  }
  return sum;
}

bool Volatility::is_zero() const {
  return std::all_of(values.begin(), values.end(), [](double g) { return g == 0.0; });
}

std::string Volatility::to_string() const {
  if (times.empty()) return print_number(values.front());
  std::string text;
  for (std::size_t k = 0; k < times.size(); ++k)
    text += (k == 0 ? "" : ",") + print_number(times[k]) + ":" + print_number(values[k]);
  return text;
}

Volatility Volatility::parse(const std::string& text) {
  Volatility volatility;
  volatility.values.clear();
  if (!text.empty() && text.back() == ',') fail_input("a comma at the end");
  std::stringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    const std::size_t colon = item.find(':');
    if (colon != std::string::npos) volatility.times.push_back(parse_number(item.substr(0, colon)));
    volatility.values.push_back(parse_number(colon == std::string::npos ? item : item.substr(colon + 1)));
    if (volatility.values.back() < 0) fail_input("a volatility cannot be negative");
  }
  if (volatility.values.empty()) fail_input("empty");
  const bool is_constant = volatility.times.empty() && volatility.values.size() == 1;
  if (!is_constant && volatility.times.size() != volatility.values.size())
    fail_input("give one number, or a list of time:value");
  for (std::size_t k = 1; k < volatility.times.size(); ++k)
    if (volatility.times[k] <= volatility.times[k - 1]) fail_input("the times must ascend");
  return volatility;
}

void Config::validate() const {
  std::string list;
  bool allowed = !hidden.empty() && hidden.size() <= 16;
  for (const int width : hidden) {
    list += (list.empty() ? "" : ",") + std::to_string(width);
    allowed = allowed && width >= 1 && width <= 16384;
  }
  if (!allowed)
    fail_input("flux.hidden = " + list + ": must be 1 to 16 widths from 1 to 16384, separated by commas");
}

}  // namespace rhoflux::flux
