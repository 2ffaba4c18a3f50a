#include "value_form.hpp"

#include <cmath>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/flux/config.hpp"

namespace rhoflux::apps {
namespace {

constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

std::string range_of(std::int64_t least, std::int64_t most) {
  const std::string first = std::to_string(least);
  return most == no_limit ? first + " or more" : first + " to " + std::to_string(most);
}

/// Throws Error (bad input) with the reason alone.
std::int64_t parse_in_range(const std::string& text, std::int64_t least, std::int64_t most) {
  try {
    return parse_whole_number(text, least, most);
  } catch (const Error&) {
    fail_input("'" + text + "' must be a whole number, " + range_of(least, most));
  }
}

std::string range_of(double least, double most) {
  const bool has_least = std::isfinite(least), has_most = std::isfinite(most);
  if (has_least && has_most) return print_number(least) + " to " + print_number(most);
  if (has_least) return print_number(least) + " or more";
  return has_most ? "at most " + print_number(most) : "";
}

}  // namespace

ValueForm any_text(const std::string& name) {
  ValueForm form;
  form.name = name;
  return form;
}

ValueForm file_name() {
  ValueForm form = any_text("FILE");
  form.completion = ValueForm::Completion::file_names;
  form.check = [](const std::string& text) {
    if (text.empty()) fail_input("must name a file");
  };
  return form;
}

ValueForm whole_number(std::int64_t least, std::int64_t most, std::int64_t multiple) {
  ValueForm form = any_text("N");
  form.allowed = range_of(least, most);
  if (multiple > 1) form.allowed += ", a multiple of " + std::to_string(multiple);
  form.check = [=, allowed = form.allowed](const std::string& text) {
    bool is_allowed = false;
    try {
      is_allowed = parse_whole_number(text, least, most) % multiple == 0;
    } catch (const Error&) {  // says less than what follows
    }
    if (!is_allowed) fail_input("must be a whole number, " + allowed);
  };
  return form;
}

ValueForm number(const std::string& name, double least, double most) {
  ValueForm form = any_text(name);
  form.allowed = range_of(least, most);
  form.check = [=, allowed = form.allowed](const std::string& text) {
    const double value = parse_number(text);
    if (value < least || value > most) fail_input("must be " + allowed);
  };
  return form;
}

ValueForm whole_numbers(std::int64_t least, std::int64_t most) {
  ValueForm form = any_text("N,..");
  form.allowed = range_of(least, most) + " each";
  form.check = [=](const std::string& text) { (void)parse_whole_numbers(text, least, most); };
  return form;
}

ValueForm time() {
  ValueForm form = any_text("T");
  form.allowed = "a number, or a date or label that the data have for a time";
  form.check = [](const std::string& text) {
    if (trimmed(text).empty()) fail_input("must be a time");
  };
  return form;
}

ValueForm times() {
  ValueForm form = any_text("TIMES");
  form.allowed = "a list 0,0.5,1 or first:last:count; dates and labels of the data stand for times, too";
  form.check = [](const std::string& text) {
    if (trimmed(text).empty()) fail_input("the list is empty; give for example 0,0.5,1");
  };
  return form;
}

ValueForm intervals() {
  ValueForm form = any_text("lo:hi,..");
  form.check = [](const std::string& text) { (void)parse_intervals(text); };
  return form;
}

ValueForm volatility() {
  ValueForm form = any_text("G");
  form.allowed = "0 or more, or time:value pairs such as 0:0.5,4:0.1";
  form.check = [allowed = form.allowed](const std::string& text) {
    try {
      (void)flux::Volatility::parse(text);
    } catch (const Error& error) {
      fail_input(std::string(error.what()) + "; must be " + allowed);
    }
  };
  return form;
}

ValueForm choice(std::vector<NamedValue> values) {
  ValueForm form;
  std::vector<std::string> texts;
  for (const NamedValue& value : values) texts.push_back(value.text);
  form.name = joined(texts, "|");
  form.choices = std::move(values);
  form.check = [texts](const std::string& text) {
    for (const std::string& known : texts)
      if (text == known) return;
    fail_input("must be one of " + joined(texts));
  };
  return form;
}

ValueForm choice_or_file(std::vector<NamedValue> values) {
  ValueForm form = choice(std::move(values));
  const ValueForm file = file_name();
  form.name += "|" + file.name;
  form.completion = file.completion;
  form.check = file.check;
  return form;
}

std::vector<std::int64_t> parse_whole_numbers(const std::string& text, std::int64_t least,
                                              std::int64_t most) {
  std::vector<std::int64_t> values;
  for (const std::string& piece : split(text, ',')) values.push_back(parse_in_range(piece, least, most));
  return values;
}

std::vector<metrics::Interval> parse_intervals(const std::string& text) {
  std::vector<metrics::Interval> found;
  for (const std::string& piece : split(text, ',')) {
    const std::vector<std::string> ends = split(piece, ':');
    if (ends.size() != 2) fail_input("'" + piece + "' must be lo:hi");
    const metrics::Interval interval = {parse_number(ends[0]), parse_number(ends[1])};
    if (!(interval.low < interval.high)) fail_input("'" + piece + "' must be lo:hi with lo less than hi");
    found.push_back(interval);
  }
  return found;
}

}  // namespace rhoflux::apps
