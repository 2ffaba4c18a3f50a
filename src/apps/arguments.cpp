#include "arguments.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <limits>
#include <sstream>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::apps {

Arguments::Arguments(std::string command, std::string description, std::string usage_note)
    : m_command(std::move(command)),
      m_description(std::move(description)),
      m_usage_note(std::move(usage_note)) {
  flag("help", "print this text");
}

Arguments& Arguments::add(Option option) {
  m_options.push_back(std::move(option));
  return *this;
}

Arguments& Arguments::positional(const std::string& name, ValueForm form, const std::string& explanation) {
  m_positionals.push_back({name, std::move(form), explanation});
  return *this;
}

Arguments& Arguments::positional_list(const std::string& name, ValueForm form,
                                      const std::string& explanation) {
  m_positionals.push_back({name, std::move(form), explanation, true});
  return *this;
}

Arguments& Arguments::required(const std::string& name, ValueForm form, const std::string& explanation) {
  return add({name, std::move(form), explanation, Option::Presence::required, ""});
}

Arguments& Arguments::optional(const std::string& name, ValueForm form, const std::string& explanation,
                               const std::string& when_absent) {
  return add({name, std::move(form), explanation, Option::Presence::optional, when_absent});
}

Arguments& Arguments::defaulted(const std::string& name, ValueForm form, const std::string& fallback,
                                const std::string& explanation) {
  return add({name, std::move(form), explanation, Option::Presence::defaulted, fallback});
}

Arguments& Arguments::flag(const std::string& name, const std::string& explanation) {
  return optional(name, no_value(), explanation);
}

Arguments& Arguments::renamed(const std::string& old_name, const std::string& name) {
  m_new_names[old_name] = name;
  return *this;
}

Arguments& Arguments::alias(const std::string& other_name, const std::string& name) {
  m_aliases[other_name] = name;
  return *this;
}

Arguments& Arguments::renamed_value(const std::string& option, const std::string& old_text,
                                    const std::string& text) {
  m_new_values[{option, old_text}] = text;
  return *this;
}

Arguments& Arguments::takes_deck_overrides() {
  m_has_deck_overrides = true;
  return *this;
}

void Arguments::fail_with_usage(const std::string& message) const {
  fail_input(message + "\n  usage: " + usage() + "   (--help says more)");
}

std::vector<std::string> Arguments::set_overrides_aside(const std::vector<std::string>& given) {
  if (!m_has_deck_overrides) return given;
  std::vector<std::string> rest;
  for (const std::string& argument : given) {
    if (const auto found = cli::parse_override(argument))
      m_overrides.push_back(*found);
    else
      rest.push_back(argument);
  }
  return rest;
}

std::vector<std::string> Arguments::with_new_names(std::vector<std::string> given) {
  for (std::string& argument : given) {
    if (argument == "--") break;
    if (argument.rfind("--", 0) != 0) continue;
    const std::size_t end = std::min(argument.find('='), argument.size());
    const std::string name = argument.substr(2, end - 2);
    const auto alias = m_aliases.find(name);
    if (alias != m_aliases.end()) argument = "--" + alias->second + argument.substr(end);
    const auto found = m_new_names.find(name);
    if (found == m_new_names.end()) continue;
    m_warnings.push_back("--" + name + " is now --" + found->second);
    argument = "--" + found->second + argument.substr(end);
  }
  return given;
}

void Arguments::read_tokens(const std::vector<std::string>& given) {
  namespace po = boost::program_options;
  po::options_description table;
  po::positional_options_description positions;
  for (const PositionalArgument& argument : m_positionals) {
    if (argument.is_list)
      table.add_options()(argument.name.c_str(), po::value<std::vector<std::string>>());
    else
      table.add_options()(argument.name.c_str(), po::value<std::string>());
    positions.add(argument.name.c_str(), argument.is_list ? -1 : 1);
  }
  for (const Option& option : m_options) {
    if (option.form.name.empty())
      table.add_options()(option.name.c_str(), "");
    else
      table.add_options()(option.name.c_str(), po::value<std::string>());
  }
  po::variables_map values;
  try {
    // Abbreviations are not accepted: scripts would break when an option is added.
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(given).options(table).positional(positions).style(style).run(), values);
  } catch (const po::error& error) {
    fail_with_usage(error.what());
  }
  for (const auto& [name, value] : values) {
    if (const auto* list = boost::any_cast<std::vector<std::string>>(&value.value())) m_lists[name] = *list;
    const auto* text = boost::any_cast<std::string>(&value.value());
    m_values[name] = text == nullptr ? "" : *text;
  }
}

void Arguments::replace_old_values() {
  for (const auto& [option_and_text, text] : m_new_values) {
    const auto& [option, old_text] = option_and_text;
    const auto found = m_values.find(option);
    if (found == m_values.end() || found->second != old_text) continue;
    m_warnings.push_back("--" + option + " " + old_text + " is now --" + option + " " + text);
    found->second = text;
  }
}

namespace {
/// @param what how messages call the option or argument
/// What `check` throws, with the option and its value before it.
void check_value(const std::string& what, const std::string& value,
                 const std::function<void(const std::string&)>& check) {
  try {
    check(value);
  } catch (const Error& error) {
    fail_input(what + " " + (value.empty() ? "''" : value) + ": " + error.what());
  }
}
}  // namespace

void Arguments::parse(const std::vector<std::string>& given) {
  read_tokens(with_new_names(set_overrides_aside(given)));
  replace_old_values();
  for (const PositionalArgument& argument : m_positionals) {
    if (!has(argument.name)) fail_with_usage("the argument " + argument.name + " is missing");
    const std::vector<std::string> given =
        argument.is_list ? texts(argument.name) : std::vector<std::string>{text(argument.name)};
    for (const std::string& value : given) check_value(argument.name, value, argument.form.check);
  }
  for (const Option& option : m_options) {
    if (!has(option.name) && option.presence == Option::Presence::required)
      fail_with_usage("the option --" + option.name + " is missing");
    if (!has(option.name) && option.presence == Option::Presence::defaulted)
      m_values[option.name] = option.fallback;
    else if (has(option.name) && !option.form.name.empty())
      check_value("--" + option.name, text(option.name), option.form.check);
  }
}

std::int64_t Arguments::whole_number(const std::string& name) const {
  return parse_whole_number(text(name), std::numeric_limits<std::int64_t>::min(),
                            std::numeric_limits<std::int64_t>::max());
}

double Arguments::number(const std::string& name) const {
  return parse_number(text(name));
}

double Arguments::time(const std::string& name, const TimeMeaning& meaning) const {
  double t = 0;
  check_value("--" + name, text(name), [&](const std::string& given) { t = parse_time(meaning, given); });
  return t;
}

std::vector<double> Arguments::times(const std::string& name, const TimeMeaning& meaning) const {
  std::vector<double> times;
  check_value("--" + name, text(name),
              [&](const std::string& given) { times = parse_times(meaning, given); });
  return times;
}

std::vector<std::int64_t> Arguments::whole_numbers(const std::string& name) const {
  return parse_whole_numbers(text(name), std::numeric_limits<std::int64_t>::min(),
                             std::numeric_limits<std::int64_t>::max());
}

std::string Arguments::usage() const {
  std::string line = "rhoflux " + m_command;
  for (const PositionalArgument& argument : m_positionals)
    line += " " + argument.name + (argument.is_list ? " [" + argument.name + " ...]" : "");
  for (const Option& option : m_options)
    if (option.presence == Option::Presence::required) line += " --" + option.name + " " + option.form.name;
  if (!m_usage_note.empty()) line += " " + m_usage_note;
  return line + " [options]";
}

std::string full_explanation(const Option& option) {
  std::vector<std::string> notes;
  if (option.presence == Option::Presence::required) notes.emplace_back("required");
  if (!option.form.allowed.empty()) notes.push_back(option.form.allowed);
  if (!option.fallback.empty()) notes.push_back("default " + option.fallback);
  return option.explanation + (notes.empty() ? "" : " (" + joined(notes, "; ") + ")");
}

std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::string lines;
  const std::string margin(indent, ' ');
  for (const std::string& paragraph : split(text, '\n')) {
    std::istringstream words(paragraph);
    std::string line = margin;
    for (std::string word; words >> word;) {
      if (line.size() > indent && line.size() + 1 + word.size() > width) {
        lines += line + "\n";
        line = margin;
      }
      line += (line.size() > indent ? " " : "") + word;
    }
    lines += line + "\n";
  }
  return lines;
}

namespace {

constexpr std::size_t explanation_column = 26;

/// A name and its explanation, which begins below the name where this is long.
std::string described(const std::string& name, const std::string& explanation) {
  const std::string head = "  " + name;
  std::string lines = wrapped(explanation, explanation_column);
  if (head.size() + 2 > explanation_column) return head + "\n" + lines;
  return lines.replace(0, head.size(), head);
}

std::string choices_text(const ValueForm& form) {
  std::string text;
  for (const NamedValue& value : form.choices)
    if (!value.explanation.empty()) text += described("  " + value.text, value.explanation);
  return text;
}

}  // namespace

std::string Arguments::help() const {
  const std::string label = "Usage: ";
  std::string text =
      wrapped(usage(), label.size()).replace(0, label.size(), label) + "\n" + wrapped(m_description, 0);
  if (!m_positionals.empty()) text += "\nArguments\n";
  for (const PositionalArgument& argument : m_positionals)
    text += described(argument.name, argument.explanation) + choices_text(argument.form);
  text += "\nOptions\n";
  for (const Option& option : m_options) {
    const std::string name = (option.name == "help" ? "-h, --" : "--") + option.name;
    text +=
        described(name + (option.form.name.empty() ? "" : " " + option.form.name), full_explanation(option)) +
        choices_text(option.form);
  }
  if (m_has_deck_overrides)
    text += described("--section.key=value",
                      "any key of the deck, which wins over the deck's own value "
                      "(see --help-deck)");
  return text;
}

}  // namespace rhoflux::apps
