#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rhoflux/cli/deck.hpp"
#include "rhoflux/core/time_names.hpp"
#include "value_form.hpp"

namespace rhoflux::apps {

/// One row of the table of options of a command.
struct Option {
  enum class Presence { optional, required, defaulted };

  std::string name;  ///< without "--"
  ValueForm form;
  std::string explanation;
  Presence presence = Presence::optional;
  std::string fallback;  ///< what holds where the option is absent: a value (`defaulted`), or in words
};

/// A required argument that has its place instead of a name.
struct PositionalArgument {
  std::string name;
  ValueForm form;
  std::string explanation;
  bool is_list = false;  ///< one or more of them
};

/// The arguments of one command: a table, from which usage texts, man page and shell completion are made, and
/// which reads a command line.
class Arguments {
 public:
  /// @param command e.g. "sample"
  /// @param description paragraphs, separated by line ends
  /// @param usage_note options that the usage line names besides the required ones
  Arguments(std::string command, std::string description, std::string usage_note = "");

  // Declaration.
  Arguments& positional(const std::string& name, ValueForm form, const std::string& explanation);
  /// The last one, which may be given several times: one or more.
  Arguments& positional_list(const std::string& name, ValueForm form, const std::string& explanation);
  Arguments& required(const std::string& name, ValueForm form, const std::string& explanation);
  /// @param when_absent what then holds, in words
  Arguments& optional(const std::string& name, ValueForm form, const std::string& explanation,
                      const std::string& when_absent = "");
  Arguments& defaulted(const std::string& name, ValueForm form, const std::string& fallback,
                       const std::string& explanation);
  /// An option without a value.
  Arguments& flag(const std::string& name, const std::string& explanation);
  /// An earlier name of an option, accepted with a warning.
  Arguments& renamed(const std::string& old_name, const std::string& name);
  /// Another name of an option, which may be used as well.
  Arguments& alias(const std::string& other_name, const std::string& name);
  /// An earlier text of a fixed value, accepted with a warning.
  Arguments& renamed_value(const std::string& option, const std::string& old_text, const std::string& text);
  /// Accepts `--section.key=value` (see overrides()).
  Arguments& takes_deck_overrides();

  /// Reads and checks the arguments after the command's name. Throws Error (bad input) that names the option
  /// for unknown, repeated or missing ones, and for values that their form does not allow.
  void parse(const std::vector<std::string>& given);

  // What was given. The accessors of values need an option that has one: given, required or with a default.
  bool has(const std::string& name) const { return m_values.count(name) > 0; }
  const std::string& text(const std::string& name) const { return m_values.at(name); }
  /// Those of a list of positional arguments.
  const std::vector<std::string>& texts(const std::string& name) const { return m_lists.at(name); }
  std::int64_t whole_number(const std::string& name) const;
  double number(const std::string& name) const;
  std::vector<std::int64_t> whole_numbers(const std::string& name) const;
  /// A time, and times, with the dates and labels of data. Bad input, naming the option, for what is none.
  double time(const std::string& name, const TimeMeaning& meaning) const;
  std::vector<double> times(const std::string& name, const TimeMeaning& meaning) const;
  std::vector<metrics::Interval> intervals(const std::string& name) const {
    return parse_intervals(text(name));
  }
  template <class Enum>
  Enum choice(const std::string& name) const {
    return enum_from_text<Enum>(text(name));
  }
  /// --seed
  std::uint64_t seed() const { return static_cast<std::uint64_t>(whole_number("seed")); }
  const std::vector<cli::Override>& overrides() const { return m_overrides; }
  /// One for each earlier name that was used.
  const std::vector<std::string>& warnings() const { return m_warnings; }

  // The table.
  const std::string& description() const { return m_description; }
  const std::vector<PositionalArgument>& positionals() const { return m_positionals; }
  const std::vector<Option>& options() const { return m_options; }
  bool has_deck_overrides() const { return m_has_deck_overrides; }

  /// "rhoflux sample CHECKPOINT --times TIMES --output FILE [options]"
  std::string usage() const;
  /// What --help prints.
  std::string help() const;

 private:
  Arguments& add(Option option);
  std::vector<std::string> set_overrides_aside(const std::vector<std::string>& given);
  std::vector<std::string> with_new_names(std::vector<std::string> given);
  void read_tokens(const std::vector<std::string>& given);
  void replace_old_values();
  [[noreturn]] void fail_with_usage(const std::string& message) const;

  std::string m_command, m_description, m_usage_note;
  std::vector<PositionalArgument> m_positionals;
  std::vector<Option> m_options;
  std::map<std::string, std::string> m_new_names, m_aliases;
  std::map<std::pair<std::string, std::string>, std::string> m_new_values;  ///< by option and old text
  bool m_has_deck_overrides = false;
  std::map<std::string, std::string> m_values;  ///< of options and positional arguments; flags: empty
  std::map<std::string, std::vector<std::string>> m_lists;  ///< of positional lists
  std::vector<cli::Override> m_overrides;
  std::vector<std::string> m_warnings;
};

/// "explanation (allowed; default 5)", the text of an option in help and man page.
std::string full_explanation(const Option& option);

/// `text`, whose line ends separate paragraphs, in lines of at most `width` characters that begin with
/// `indent` blanks; longer words stay whole.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t width = 80);

}  // namespace rhoflux::apps
