#include "completion.hpp"

#include "commands.hpp"
#include "rhoflux/cli/deck.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::apps {
namespace {

/// One branch of a `case` that says what may follow: fixed words, and names of files.
std::string branch(const std::string& pattern, const std::vector<std::string>& words, bool has_files) {
  return "    " + pattern + ") words='" + joined(words, " ") + "' files=" + (has_files ? "yes" : "no") +
         " ;;\n";
}

std::string branch(const std::string& pattern, const ValueForm& form) {
  std::vector<std::string> words;
  for (const NamedValue& value : form.choices) words.push_back(value.text);
  return branch(pattern, words, form.completion == ValueForm::Completion::file_names);
}

/// Keys with a number or a form of their own have nothing that could be offered.
std::string branches_of_keys(const std::string& command) {
  std::string text;
  for (const cli::KeyText& key : cli::key_texts())
    if (key.is_text || !key.choices.empty())
      text += branch("'" + command + " --" + key.name + "'", key.choices, key.is_text);
  return text + branch("'" + command + " --'*.*", {}, false);
}

/// What may follow an option or stand in the place of an argument.
std::string value_function() {
  std::string text =
      "# Sets words and files to what may be the value of option $2 of command $1, or, without $2, its\n"
      "# argument. Fails where there is no value.\n"
      "_rhoflux_value() {\n"
      "  case \"$1 $2\" in\n";
  for (const Command& command : commands()) {
    const Arguments arguments = command.make_arguments();
    const std::string name = command.name;
    for (const PositionalArgument& argument : arguments.positionals())
      text += branch("'" + name + " '", argument.form);
    for (const Option& option : arguments.options())
      if (!option.form.name.empty()) text += branch("'" + name + " --" + option.name + "'", option.form);
    if (arguments.has_deck_overrides()) text += branches_of_keys(name);
  }
  return text +
         "    *) words='' files=no; return 1 ;;\n"
         "  esac\n"
         "}\n";
}

/// The options of each command; those that begin a deck key end in a point or an equals sign.
std::string option_function() {
  std::string text =
      "# Sets words to the options of command $1 that may be meant by the word $2.\n"
      "_rhoflux_options() {\n"
      "  words=''\n"
      "  case \"$1\" in\n";
  std::string with_keys;
  for (const Command& command : commands()) {
    std::vector<std::string> names;
    const Arguments arguments = command.make_arguments();
    for (const Option& option : arguments.options()) names.push_back("--" + option.name);
    if (arguments.has_deck_overrides()) {
      with_keys += (with_keys.empty() ? "'" : "|'") + std::string(command.name) + " --'*.*";
      std::string section;
      for (const cli::KeyText& key : cli::key_texts()) {
        if (key.name.substr(0, key.name.find('.')) == section) continue;
        section = key.name.substr(0, key.name.find('.'));
        names.push_back("--" + section + ".");
      }
    }
    text += "    " + std::string(command.name) + ") words='" + joined(names, " ") + "' ;;\n";
  }
  std::vector<std::string> keys;
  for (const cli::KeyText& key : cli::key_texts()) keys.push_back("--" + key.name + "=");
  return text +
         "  esac\n"
         "  case \"$1 $2\" in\n"
         "    " +
         with_keys + ") words='" + joined(keys, " ") +
         "' ;;\n"
         "  esac\n"
         "}\n";
}

/// The logic, which knows no command.
constexpr const char* completion_function = R"bash(
_rhoflux() {
  local current=${COMP_WORDS[COMP_CWORD]} option='' command='' known word words='' files=no
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    for known in $_rhoflux_commands; do
      if [ "$word" = "$known" ] && [ -z "$command" ]; then command=$word; fi
    done
  done
  # An equals sign is a word of its own where COMP_WORDBREAKS has it, as it has by default.
  local before=''
  if [ "$COMP_CWORD" -ge 2 ]; then before=${COMP_WORDS[COMP_CWORD-1]}; fi
  case "$current" in
    =) option=$before current='' ;;
    --*=*) option=${current%%=*} ;;
    *) case "$before" in
         =) option=${COMP_WORDS[COMP_CWORD-2]} ;;
         --*) option=$before ;;
       esac ;;
  esac
  local prefix=''
  case "$current" in --*=*) prefix=$option= current=${current#*=} ;; esac
  if [ -z "$command" ]; then
    words="$_rhoflux_commands --help --version"
  elif [ -n "$option" ] && _rhoflux_value "$command" "$option"; then
    :
  else
    case "$current" in
      -*) _rhoflux_options "$command" "$current" ;;
      *) _rhoflux_value "$command" '' ;;
    esac
  fi
  local found
  while IFS= read -r found; do
    COMPREPLY+=("$prefix$found")
  done < <(compgen -W "$words" -- "$current"; if [ "$files" = yes ]; then compgen -f -- "$current"; fi)
  # compopt fails where no completion is going on, as in a test.
  if [ "$files" = yes ]; then compopt -o filenames 2> /dev/null; fi
  case "${#COMPREPLY[@]} ${COMPREPLY[0]-}" in '1 --'*[.=]) compopt -o nospace 2> /dev/null ;; esac
  return 0
}
complete -F _rhoflux rhoflux
)bash";

}  // namespace

std::string bash_completion() {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  return "# Completion of rhoflux for bash, made by rhoflux --bash-completion.\n"
         "_rhoflux_commands='" +
         joined(names, " ") + "'\n\n" + value_function() + "\n" + option_function() + completion_function;
}

}  // namespace rhoflux::apps
