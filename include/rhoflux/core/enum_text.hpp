#pragma once

#include <string>

#include "rhoflux/core/error.hpp"

namespace rhoflux {

/// The text of one value of an enumeration, as decks and checkpoints have it.
template <class Enum>
struct EnumName {
  const char* text;
  Enum value;
};

/// The texts of an enumeration: specialised beside it, with one member,
///   static constexpr EnumName<Enum> names[] = {{"text", Enum::value}, ..};
/// Decks, checkpoints and help texts all read this table.
template <class Enum>
struct EnumText;

/// The text of a value.
template <class Enum>
std::string enum_to_text(Enum value) {
  for (const EnumName<Enum>& name : EnumText<Enum>::names)
    if (name.value == value) return name.text;
  throw Error(ExitCode::io_failure, "a value of an enumeration has no text");  // a fault of the program
}

/// All texts in the order of the table, e.g. "single | double".
template <class Enum>
std::string enum_choices(const char* separator = " | ") {
  std::string choices;
  for (const EnumName<Enum>& name : EnumText<Enum>::names)
    choices += (choices.empty() ? "" : separator) + std::string(name.text);
  return choices;
}

/// The value of a text. Throws Error (bad input) with the reason alone, naming what there is.
template <class Enum>
Enum enum_from_text(const std::string& text) {
  for (const EnumName<Enum>& name : EnumText<Enum>::names)
    if (text == name.text) return name.value;
  fail_input("'" + text + "' is not one of the choices " + enum_choices<Enum>());
}

}  // namespace rhoflux
