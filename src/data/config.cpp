#include "rhoflux/data/config.hpp"

#include <algorithm>
#include <cctype>
#include <initializer_list>

#include "rhoflux/core/text.hpp"

namespace rhoflux::data {

std::string TimeRange::to_string() const {
  return is_given ? print_number(first) + ":" + print_number(last) : "data";
}

TimeRange TimeRange::parse(const std::string& text) {
  TimeRange range;
  if (text == "data") return range;
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) fail_input("must be data or first:last");
  range.is_given = true;
  range.first = parse_number(text.substr(0, colon));
  range.last = parse_number(text.substr(colon + 1));
  if (!(range.last > range.first)) fail_input("the last time must be after the first");
  return range;
}

std::string Standardise::to_string() const {
  return kind == Kind::robust ? "robust" : kind == Kind::off ? "false" : "true";
}

Standardise Standardise::parse(const std::string& text) {
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto is_one_of = [&](std::initializer_list<const char*> words) {
    return std::find(words.begin(), words.end(), lower) != words.end();
  };
  if (is_one_of({"true", "yes", "on", "1"})) return {Kind::deviation};
  if (is_one_of({"false", "no", "off", "0"})) return {Kind::off};
  if (lower == "robust") return {Kind::robust};
  fail_input("neither true nor false nor robust");
}

std::string TimeList::to_string() const {
  return values.empty() ? "none" : print_numbers(values);
}

TimeList TimeList::parse(const std::string& text) {
  return {text == "none" ? std::vector<double>() : parse_numbers(text)};
}

std::string Mass::to_string() const {
  if (kind == Kind::none) return "none";
  if (kind == Kind::counts) return "counts";
  std::vector<std::string> pairs;
  for (std::size_t k = 0; k < t.size(); ++k) pairs.push_back(print_number(t[k]) + ":" + print_number(m[k]));
  return joined(pairs, ",");
}

Mass Mass::parse(const std::string& text) {
  Mass mass;
  if (text == "none") return mass;
  if (text == "counts") return {Kind::counts, {}, {}};
  mass.kind = Kind::given;
  for (const std::string& pair : split(text, ',')) {
    const std::size_t colon = pair.find(':');
    if (colon == std::string::npos) fail_input("must be none, counts or time:mass, time:mass, ..");
    mass.t.push_back(parse_number(pair.substr(0, colon)));
    mass.m.push_back(parse_number(pair.substr(colon + 1)));
    if (!(mass.m.back() > 0)) fail_input("the mass " + print_number(mass.m.back()) + " is not above 0");
    const std::size_t last = mass.t.size() - 1;
    if (last > 0 && !(mass.t[last] > mass.t[last - 1]))
      fail_input("the times must ascend, and " + print_number(mass.t[last]) + " comes after " +
                 print_number(mass.t[last - 1]));
  }
  if (mass.t.size() < 2) fail_input("must have the mass at the first and at the last time, at least");
  return mass;
}

}  // namespace rhoflux::data
