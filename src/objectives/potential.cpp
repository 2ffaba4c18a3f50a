#include "rhoflux/objectives/potential.hpp"

#include <algorithm>
#include <utility>

#include "kind_of_word.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/small_matrix.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::objectives {
namespace {

/// How the parts of a kind are written.
const char* form_of(Potential::Kind kind) {
  switch (kind) {
    case Potential::Kind::circles:
      return "c1,..,cD : R";
    case Potential::Kind::quadrics:
      return "c1,..,cD : a1,..,aD : r";
    case Potential::Kind::balls:
      return "c1,..,cD : R : k";
    case Potential::Kind::quadratic:
      return "c1,..,cD : a1,..,aD";
    case Potential::Kind::double_well:
      return "c1,..,cD : w1,..,wD : a1,..,aD";
    default:
      return "";
  }
}

double positive(const std::string& text, const char* name) {
  const double value = parse_number(text);
  if (!(value > 0)) fail_input(std::string(name) + " must be greater than 0");
  return value;
}

Potential::Part parse_part(Potential::Kind kind, const std::string& text) {
  using Kind = Potential::Kind;
  const std::vector<std::string> fields = split(text, ':');
  if (fields.size() != split(form_of(kind), ':').size())
    fail_input("'" + text + "' must be " + form_of(kind) + " for " + enum_to_text(kind));
  Potential::Part part;
  part.centre = parse_numbers(fields[0]);
  const auto per_coordinate = [&](const std::string& field) {
    std::vector<double> values = parse_numbers(field);
    if (values.size() != part.centre.size())
      fail_input("'" + text + "': " + std::to_string(part.centre.size()) + " coordinates but " +
                 std::to_string(values.size()) + " numbers in '" + field + "'");
    return values;
  };
  if (kind == Kind::circles || kind == Kind::balls) part.level = positive(fields[1], "a radius");
  if (kind == Kind::balls) part.sharpness = positive(fields[2], "k");
  if (kind == Kind::quadrics || kind == Kind::quadratic) part.slope = per_coordinate(fields[1]);
  if (kind == Kind::quadrics) part.level = parse_number(fields[2]);
  if (kind == Kind::double_well) {
    part.wells = per_coordinate(fields[1]);
    part.slope = per_coordinate(fields[2]);
  }
  return part;
}

}  // namespace

Potential Potential::parse(const std::string& text) {
  Potential potential;
  const FirstWord worded = first_word(text);
  potential.kind = kind_of_word<Kind>(worded, "a potential");
  if (!potential.is_given()) return potential;
  if (potential.kind == Kind::table) {
    if (worded.rest.empty()) fail_input("'table' needs the path of an HDF5 file");
    potential.path = worded.rest;
    return potential;
  }
  for (const std::string& part : split(worded.rest, ';'))
    potential.parts.push_back(parse_part(potential.kind, part));
  for (const Part& part : potential.parts)
    if (part.centre.size() != potential.parts.front().centre.size())
      fail_input("parts of " + std::to_string(potential.parts.front().centre.size()) + " and of " +
                 std::to_string(part.centre.size()) + " coordinates");
  return potential;
}

bool Potential::is_inside(const double* x) const {
  const auto holds = [&](const Part& part) {
    double sum = 0;
    for (std::size_t i = 0; i < part.centre.size(); ++i)
      sum += (part.slope.empty() ? 1.0 : part.slope[i]) * (x[i] - part.centre[i]) * (x[i] - part.centre[i]);
    return sum < (kind == Kind::quadrics ? part.level : part.level * part.level);
  };
  return is_obstacle() && std::any_of(parts.begin(), parts.end(), holds);
}

std::string Potential::to_string() const {
  if (kind == Kind::table) return "table " + path;
  std::string text;
  for (const Part& part : parts) {
    text += (text.empty() ? enum_to_text(kind) + " " : "; ") + print_numbers(part.centre);
    if (!part.wells.empty()) text += " : " + print_numbers(part.wells);
    if (!part.slope.empty()) text += " : " + print_numbers(part.slope);
    if (is_obstacle()) text += " : " + print_number(part.level);
    if (kind == Kind::balls) text += " : " + print_number(part.sharpness);
  }
  return text.empty() ? "none" : text;
}

}  // namespace rhoflux::objectives
