#include "rhoflux/objectives/base_drift.hpp"

#include "kind_of_word.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/small_matrix.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::objectives {

BaseDrift BaseDrift::parse(const std::string& text) {
  const FirstWord worded = first_word(text);
  const std::string& rest = worded.rest;
  BaseDrift drift;
  drift.kind = kind_of_word<Kind>(worded, "a base drift");
  if (drift.kind == Kind::zero) return drift;
  if (drift.kind == Kind::gradient) {
    drift.potential = Potential::parse(rest);
    if (!drift.potential.is_given()) fail_input("'gradient' needs a potential");
    if (drift.potential.kind == Potential::Kind::table)
      fail_input("the gradient of a table jumps from cell to cell, which no drift may");
    return drift;
  }
  const std::vector<std::string> fields = split(rest, ':');
  if (fields.size() != 2) fail_input("'" + rest + "' must be A : b1,..,bD for linear");
  drift.offset = parse_numbers(fields[1]);
  const std::vector<double> given = parse_numbers(fields[0]);
  const std::size_t n = drift.offset.size();
  drift.n_given = given.size();
  drift.matrix = square_matrix(given, n);
  if (drift.matrix.empty())
    fail_input("'" + fields[0] + "': " + std::to_string(given.size()) + " numbers for A of " +
               std::to_string(n) + " coordinates; must be 1, D or D*D");
  return drift;
}

std::string BaseDrift::to_string() const {
  if (kind == Kind::zero) return enum_to_text(kind);
  if (kind == Kind::gradient) return enum_to_text(kind) + " " + potential.to_string();
  return enum_to_text(kind) + " " + print_numbers(given_numbers(matrix, offset.size(), n_given)) + " : " +
         print_numbers(offset);
}

}  // namespace rhoflux::objectives
