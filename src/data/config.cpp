#include "rhoflux/data/config.hpp"

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

std::string TimeList::to_string() const {
  return values.empty() ? "none" : print_numbers(values);
}

TimeList TimeList::parse(const std::string& text) {
  return {text == "none" ? std::vector<double>() : parse_numbers(text)};
}

}  // namespace rhoflux::data
