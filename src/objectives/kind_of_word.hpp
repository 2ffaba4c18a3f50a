#pragma once

#include <string>

#include "rhoflux/core/enum_text.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::objectives {

/// The kind that the first word of a setting names. The first kind of its table is the absence of anything,
/// which nothing may follow. Throws Error (bad input) with the reason alone.
/// @param what "a potential"
template <class Kind>
Kind kind_of_word(const FirstWord& text, const std::string& what) {
  for (const EnumName<Kind>& name : EnumText<Kind>::names) {
    if (text.word != name.text) continue;
    if (name.value == EnumText<Kind>::names[0].value && !text.rest.empty())
      fail_input("'" + text.rest + "' follows '" + text.word + "', which stands alone");
    return name.value;
  }
  fail_input("'" + text.word + "' is not " + what + "; there are " + enum_choices<Kind>(", "));
}

}  // namespace rhoflux::objectives
