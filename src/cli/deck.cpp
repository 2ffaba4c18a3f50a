#include "rhoflux/cli/deck.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "deck_keys.hpp"
#include "deck_values.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::cli {
namespace {

/// Levenshtein distance: single-character insertions, deletions and replacements.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string complain_section(const std::string& section) {
  std::string suggestion;
  std::size_t nearest = 1 + section.size() / 2;
  for (const std::string& name : section_names()) {
    const bool abbreviated = !section.empty() && name.compare(0, section.size(), section) == 0;
    const std::size_t distance = abbreviated ? 0 : edit_distance(section, name);
    if (distance < nearest) {
      nearest = distance;
      suggestion = "; did you mean [" + name + "]?";
    }
  }
  return "unknown section [" + section + "]" + suggestion + " (sections: " + joined(section_names()) + ")";
}

std::string complain_key(const std::string& section, const std::string& name) {
  std::string suggestion;
  std::size_t nearest = 2 + 2 * (name.size() / 3);
  std::vector<std::string> names;
  for (const Key& key : all_keys()) {
    // A near miss in the same section is likelier than the same miss in another one.
    const std::size_t distance = 2 * edit_distance(name, key.name) + (key.section == section ? 0 : 1);
    if (distance < nearest) {
      nearest = distance;
      suggestion = "; did you mean " + key.full_name() + "?";
    }
    if (key.section == section) names.push_back(key.name);
  }
  return "unknown key " + section + "." + name + suggestion + " (keys of [" + section +
         "]: " + joined(names) + ")";
}

/// The key of a `section.key`, or an error that begins with `where`.
const Key& require_key(const std::string& where, const std::string& full_name) {
  if (const Key* key = find_key(full_name)) return *key;
  const std::size_t dot = full_name.find('.');
  const std::string section = full_name.substr(0, dot);
  if (!is_section(section)) fail_input(where + ": " + complain_section(section));
  fail_input(where + ": " + complain_key(section, dot == std::string::npos ? "" : full_name.substr(dot + 1)));
}

std::string excerpt(const std::string& line) {
  return "'" + (line.size() <= 60 ? line : line.substr(0, 57) + "...") + "'";
}

/// Fails at the first line with a byte that no text has.
void require_text(const std::string& text, const std::string& name) {
  std::size_t line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && std::strchr("\t\r\n", c) == nullptr) || byte == 0x7f || c == '\0') {
      fail_input(name + ":" + std::to_string(line) +
                 ": binary data; a deck is a text file of [section] and " +
                 "'key = value' lines (see rhoflux train --help-deck)");
    }
  }
}

/// Where each key was set: `name:line` or the option of the command line.
using Origins = std::map<std::string, std::string>;

/// Notes the line of every key and fails on what the INI syntax, the table of keys or a repetition forbids.
Origins scan_lines(const std::string& text, const std::string& name) {
  Origins origins;
  std::istringstream stream(text);
  std::string line;
  std::string section;
  for (std::size_t number = 1; std::getline(stream, line); ++number) {
    const std::string where = name + ":" + std::to_string(number);
    const std::string content(trimmed(line.substr(0, line.find('#'))));
    if (content.empty()) continue;
    if (content.front() == '[') {
      if (content.back() != ']') fail_input(where + ": " + excerpt(content) + " has no closing ']'");
      section = content.substr(1, content.size() - 2);
      if (!is_section(section)) fail_input(where + ": " + complain_section(section));
      continue;
    }
    const std::size_t equals = content.find('=');
    const std::string key_name(trimmed(content.substr(0, equals)));
    if (equals == std::string::npos || key_name.empty()) {
      fail_input(where + ": " + excerpt(content) + " is neither '[section]' nor 'key = value'");
    }
    if (section.empty()) {
      fail_input(where + ": key " + key_name +
                 " stands before the first [section] (sections: " + joined(section_names()) + ")");
    }
    const std::string full_name = require_key(where, section + "." + key_name).full_name();
    const auto [earlier, is_new] = origins.emplace(full_name, where);
    if (!is_new) {
      fail_input(where + ": duplicate key " + full_name + ", already set at " + earlier->second +
                 "; keep one of them");
    }
  }
  return origins;
}

void set_key(Deck& deck, const std::string& where, const Key& key, const std::string& value) {
  if (value.empty()) fail_input(where + ": " + key.full_name() + " has no value; allowed: " + key.allowed);
  try {
    key.set(deck, value);
  } catch (const Error& error) {
    fail_input(where + ": " + key.full_name() + " = " + value + ": " + error.what() +
               "; allowed: " + key.allowed);
  }
}

void set_from_text(Deck& deck, const std::string& text, const std::string& name, const Origins& origins) {
  namespace po = boost::program_options;
  po::options_description description;
  for (const Key& key : all_keys()) {
    description.add_options()(key.full_name().c_str(), po::value<std::string>());
  }
  std::istringstream stream(text);
  try {
    for (const po::option& option : po::parse_config_file(stream, description).options) {
      set_key(deck, origins.at(option.string_key), *find_key(option.string_key),
              std::string(trimmed(option.value.at(0))));
    }
  } catch (const po::error& error) {
    fail_input(name + ": " + error.what());
  }
}

void set_from_overrides(Deck& deck, const std::vector<Override>& overrides, Origins& origins) {
  std::map<std::string, std::string> seen;
  for (const auto& [full_name, value] : overrides) {
    const std::string option = "--" + full_name + "=" + value;
    const std::string where = "command line, " + option;
    const Key& key = require_key(where, full_name);
    const auto [earlier, is_new] = seen.emplace(full_name, option);
    if (!is_new) fail_input(where + ": duplicate, after " + earlier->second + "; keep one of them");
    set_key(deck, where, key, std::string(trimmed(value)));
    origins[full_name] = where;
  }
}

/// The origin of the first key that a message of validate() names and the user has set.
std::string origin_of(const std::string& message, const Origins& origins, const std::string& name) {
  std::size_t first = std::string::npos;
  std::string origin = name;
  for (const auto& [full_name, where] : origins) {
    // A blank or the end follows the name, lest training.steps be found in training.steps_more.
    const std::size_t position = (message + " ").find(full_name + " ");
    if (position < first) {
      first = position;
      origin = where;
    }
  }
  return origin;
}

/// `text` in lines that begin with `prefix` and have at most 100 characters, broken at blanks.
std::string comment(const std::string& prefix, const std::string& text) {
  constexpr std::size_t width = 100;
  std::string lines, line = prefix;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (line.size() + word.size() > width && line != prefix) {
      lines += line + "\n";
      line = prefix;
    }
    line += (line == prefix ? "" : " ") + word;
  }
  return lines + line + "\n";
}

/// Keys that say nothing without a density that grows, and a growth share that nothing would train.
void require_growth_for_its_keys(const Deck& deck) {
  const bool has_cost = deck.objective.is_active("growth"),
             has_rates = deck.objective.is_active("growth_rates");
  if (has_rates && deck.data.file.empty())
    fail_input("objective.growth_rates: there is no data.file whose rows could have growth rates");
  if (deck.model.grows()) {
    if (deck.model.growth_share.is_learned && !has_cost && !has_rates)
      fail_input(
          "model.growth_share = learned: needs a cost of growth, objective.growth, or rates of the rows, "
          "objective.growth_rates, without which nothing decides on it");
    return;
  }
  const std::string needs = ": needs model.growth = weights, without which a population does not grow";
  for (const char* term : {"growth", "growth_rates"})
    if (deck.objective.is_active(term))
      fail_input(std::string("objective.") + term + " = " +
                 write_value(deck.objective.schedule(term).weight) + needs);
  if (deck.data.mass.kind != data::Mass::Kind::none)
    fail_input("data.mass = " + deck.data.mass.to_string() + needs);
}

/// Without data no time has a name.
void require_times_without_names(const data::Config& data) {
  const auto require = [](const std::string& key, const std::vector<GivenTime>& times) {
    for (const GivenTime& time : times)
      if (!time.name.empty())
        fail_input(key + ": '" + time.name +
                   "' is no number, and there is no data.file whose times could have names");
  };
  require("data.mass = " + data.mass.to_string(), data.mass.t);
  if (data.time_range.is_given)
    require("data.time_range = " + data.time_range.to_string(),
            {data.time_range.first, data.time_range.last});
}

}  // namespace

void Deck::validate() const {
  const bool has_endpoint = objective.is_active("initial") || objective.terminal_distribution.is_given();
  if (data.file.empty() && !has_endpoint) {
    fail_input(
        "data.file is missing: give the population file as 'file = PATH' in [data] or --data.file=PATH, or "
        "an "
        "endpoint distribution, objective.initial_law or objective.terminal_law, and its weight");
  }
  if (data.file.empty() && !data.hold_out_times.values.empty())
    fail_input("data.hold_out_times = " + data.hold_out_times.to_string() + ": there is no data.file");
  if (data.file.empty() && data.bootstrap.is_on())
    fail_input("data.bootstrap = " + data.bootstrap.to_string() + ": there is no data.file");
  if (data.file.empty() && !data.coordinates.names.empty())
    fail_input("data.coordinates = " + data.coordinates.to_string() + ": there is no data.file");
  if (data.file.empty()) require_times_without_names(data);
  if (data.file.empty() && !data.conditions.names.empty())
    fail_input("data.conditions = " + data.conditions.to_string() + ": there is no data.file");
  if (!data.conditions.names.empty() &&
      (objective.initial_distribution.is_given() || objective.terminal_distribution.is_given()))
    fail_input(
        "data.conditions = " + data.conditions.to_string() +
        ": endpoint distributions (objective.initial_law, objective.terminal_law) say nothing of conditions; "
        "must be none with them");
  if (!data.conditions.names.empty() && data.mass.kind == data::Mass::Kind::counts)
    fail_input("data.mass = " + data.mass.to_string() +
               ": the rows of all conditions together are no masses of each; "
               "with data.conditions = " +
               data.conditions.to_string() +
               " it must be none, or t:m, .., which then holds for every condition");
  if (data.conditions.names.empty() && !objective.conditions.values.empty())
    fail_input("objective.conditions = " + objective.conditions.to_string() +
               ": there are no data.conditions; must be data");
  model.validate();
  flux.validate();
  objective.validate();
  training.validate();
  require_growth_for_its_keys(*this);
  if (objective.needs_dynamics() && training.patience > 0)
    fail_input(
        "training.patience = " + write_value(training.patience) +
        ": early stopping looks at the likelihood alone, which is not the whole objective here; must be 0");
  if (training.batch % objective.samples_per_block() != 0)
    fail_input("training.batch = " + write_value(training.batch) + ": must be a multiple of " +
               std::to_string(objective.samples_per_block()) +
               (objective.estimator == objectives::Estimator::score_function
                    ? ", the samples of one baseline of objective.estimator = score_function"
                    : ", objective.congestion_group"));
  checkpoint.validate();
  output.validate();
}

std::optional<Override> parse_override(const std::string& argument) {
  if (argument.compare(0, 2, "--") != 0) return std::nullopt;
  const std::size_t equals = argument.find('=');
  const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
  if (name.find('.') == std::string::npos) return std::nullopt;
  if (equals == std::string::npos) {
    fail_input("command line, " + argument + ": has no value; write " + argument + "=VALUE");
  }
  return Override(name, argument.substr(equals + 1));
}

std::string read_deck_text(const std::string& path) {
  constexpr std::uintmax_t largest = 1 << 20;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) fail_input(path + ": is a directory; expected a deck file");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_input(path + ": cannot open the deck: " + std::strerror(errno));
  std::string text(largest + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) fail_input(path + ": cannot read the deck: " + std::strerror(errno));
  text.resize(static_cast<std::size_t>(file.gcount()));
  require_text(text, path);
  if (text.size() > largest) fail_input(path + ": larger than 1 MiB; expected a deck file");
  return text;
}

Deck parse_deck_text(const std::string& text, const std::string& name,
                     const std::vector<Override>& overrides) {
  const std::string byte_order_mark = "\xEF\xBB\xBF";
  const bool marked = text.compare(0, byte_order_mark.size(), byte_order_mark) == 0;
  const std::string content = marked ? text.substr(byte_order_mark.size()) : text;
  require_text(content, name);
  Origins origins = scan_lines(content, name);
  Deck deck;
  set_from_text(deck, content, name, origins);
  set_from_overrides(deck, overrides, origins);
  try {
    deck.validate();
  } catch (const Error& error) {
    fail_input(origin_of(error.what(), origins, name) + ": " + error.what());
  }
  return deck;
}

Deck read_deck(const std::string& path, const std::vector<Override>& overrides) {
  return parse_deck_text(read_deck_text(path), path, overrides);
}

std::string to_ini(const Deck& deck) {
  std::string text;
  std::string section;
  for (const Key& key : all_keys()) {
    if (key.section != section) {
      section = key.section;
      text += (text.empty() ? "[" : "\n[") + section + "]\n";
    }
    const std::string value = key.get(deck);
    if (!value.empty()) text += key.name + " = " + value + "\n";  // a path that is not given
  }
  return text;
}

std::vector<KeyDifference> differences_from(const std::string& earlier, const Deck& deck) {
  Deck before;
  std::istringstream stream(earlier);
  std::string line, section;
  while (std::getline(stream, line)) {
    const std::string content(trimmed(line));
    if (content.empty() || content.front() == '#') continue;
    if (content.front() == '[') {
      section = content.substr(1, content.find(']') - 1);
      continue;
    }
    const std::size_t equals = content.find('=');
    if (equals == std::string::npos) continue;
    const Key* key = find_key(section + "." + std::string(trimmed(content.substr(0, equals))));
    if (key == nullptr) continue;
    try {
      key->set(before, std::string(trimmed(content.substr(equals + 1))));
    } catch (const Error&) {  // a value of an older program
      continue;
    }
  }
  std::vector<KeyDifference> differences;
  for (const Key& key : all_keys())
    if (key.get(before) != key.get(deck))
      differences.push_back({key.full_name(), key.get(before), key.get(deck)});
  return differences;
}

namespace {
/// The words of "single | double, range (or other spellings)"; none where there is no "|".
std::vector<std::string> choices_in(const std::string& allowed) {
  const std::string words = allowed.substr(0, allowed.find_first_of(",;("));
  if (words.find('|') == std::string::npos) return {};
  std::vector<std::string> choices;
  std::istringstream stream(words);
  for (std::string word; std::getline(stream, word, '|');) choices.emplace_back(trimmed(word));
  return choices;
}
}  // namespace

std::vector<KeyText> key_texts() {
  const Deck defaults;
  std::vector<KeyText> texts;
  for (const Key& key : all_keys())
    texts.push_back({key.full_name(), key.allowed, key.unit, key.explanation, key.get(defaults),
                     choices_in(key.allowed), key.allowed.rfind("text", 0) == 0});
  return texts;
}

std::string help_deck() {
  std::string text =
      "# Every key of the input deck with its default. This text is itself a deck: fill in [data] file, "
      "keep\n"
      "# what differs from the defaults, and train with it. A '#' begins a comment, also after a value. Any\n"
      "# key can be given on the command line as --section.key=value, which wins over the deck.\n";
  const Deck defaults;
  std::string section;
  for (const Key& key : all_keys()) {
    if (key.section != section) {
      section = key.section;
      text += "\n[" + section + "]\n";
    }
    const std::string unit = key.unit.empty() ? "" : "; unit: " + key.unit;
    const std::string value = key.get(defaults);
    text += comment("# ", key.explanation) + comment("#   ", key.allowed + unit);
    text += key.name + " =" + (value.empty() ? "" : " " + value) + "\n";
  }
  return text;
}

}  // namespace rhoflux::cli
