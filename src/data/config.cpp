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

}  // namespace rhoflux::data
