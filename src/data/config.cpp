#include "rhoflux/data/config.hpp"

#include <algorithm>
#include <cctype>
#include <initializer_list>

#include "rhoflux/core/text.hpp"

namespace rhoflux::data {

std::string TimeRange::to_string() const {
  return is_given ? first.to_string() + ":" + last.to_string() : "data";
}

TimeEnds TimeRange::in(const TimeMeaning& meaning) const {
  const std::string what = "data.time_range = " + to_string() + ": ";
  TimeEnds ends;
  try {
    ends = {first.in(meaning), last.in(meaning)};
  } catch (const Error& error) {
    fail_input(what + error.what());
  }
  if (!(ends.last > ends.first)) fail_input(what + "the last time must be after the first");
  return ends;
}

TimeRange TimeRange::parse(const std::string& text) {
  TimeRange range;
  if (text == "data") return range;
  range.is_given = true;
  // A time of day has colons, too.
  bool is_read = false;
  const bool has_one = std::count(text.begin(), text.end(), ':') == 1;
  for (std::size_t colon = text.find(':'); colon != std::string::npos && !is_read;
       colon = text.find(':', colon + 1)) {
    range.first = GivenTime::parse(text.substr(0, colon));
    range.last = GivenTime::parse(text.substr(colon + 1));
    is_read = has_one || (range.first.is_plain() && range.last.is_plain());
  }
  if (!is_read) fail_input("must be data or first:last");
  const bool has_numbers = range.first.name.empty() && range.last.name.empty();
  if (has_numbers && !(range.last.number > range.first.number))
    fail_input("the last time must be after the first");
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
  std::vector<std::string> texts;
  for (const GivenTime& time : values) texts.push_back(time.to_string());
  return texts.empty() ? "none" : joined(texts, ",");
}

TimeList TimeList::parse(const std::string& text) {
  TimeList list;
  if (text == "none") return list;
  for (const std::string& piece : split(text, ',')) list.values.push_back(GivenTime::parse(piece));
  return list;
}

std::string Bootstrap::to_string() const {
  return kind == Kind::rows ? "rows" : kind == Kind::label ? "label:" + label : "none";
}

Bootstrap Bootstrap::parse(const std::string& text) {
  if (text == "none") return {};
  if (text == "rows") return {Kind::rows, {}};
  const std::string head = "label:";
  if (text.rfind(head, 0) != 0 || text.size() == head.size()) fail_input("must be none, rows or label:NAME");
  return {Kind::label, text.substr(head.size())};
}

std::string Mass::to_string() const {
  if (kind == Kind::none) return "none";
  if (kind == Kind::counts) return "counts";
  std::vector<std::string> pairs;
  for (std::size_t k = 0; k < t.size(); ++k) pairs.push_back(t[k].to_string() + ":" + print_number(m[k]));
  return joined(pairs, ",");
}

std::vector<double> Mass::times(const TimeMeaning& meaning) const {
  std::vector<double> values;
  for (const GivenTime& time : t) {
    values.push_back(time.in(meaning));
    const std::size_t last = values.size() - 1;
    if (last > 0 && !(values[last] > values[last - 1]))
      fail_input("the times must ascend, and " + time.to_string() + " comes after " +
                 t[last - 1].to_string());
  }
  return values;
}

Mass Mass::parse(const std::string& text) {
  Mass mass;
  if (text == "none") return mass;
  if (text == "counts") return {Kind::counts, {}, {}};
  mass.kind = Kind::given;
  for (const std::string& pair : split(text, ',')) {
    const std::size_t colon = pair.rfind(':');  // a time of day has colons, too
    if (colon == std::string::npos) fail_input("must be none, counts or time:mass, time:mass, ..");
    mass.t.push_back(GivenTime::parse(pair.substr(0, colon)));
    mass.m.push_back(parse_number(pair.substr(colon + 1)));
    if (!(mass.m.back() > 0)) fail_input("the mass " + print_number(mass.m.back()) + " is not above 0");
  }
  const auto is_number = [](const GivenTime& time) { return time.name.empty(); };
  if (std::all_of(mass.t.begin(), mass.t.end(), is_number)) (void)mass.times({});
  if (mass.t.size() < 2) fail_input("must have the mass at the first and at the last time, at least");
  return mass;
}

}  // namespace rhoflux::data
