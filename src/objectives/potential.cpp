#include "rhoflux/objectives/potential.hpp"

#include <algorithm>
#include <utility>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/small_matrix.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::objectives {
namespace {

struct KindName {
  Potential::Kind kind;
  const char *name, *form;
  std::size_t n_fields;
};
constexpr KindName kinds[] = {
    {Potential::Kind::circles, "circles", "c1,..,cD : R", 2},
    {Potential::Kind::quadrics, "quadrics", "c1,..,cD : a1,..,aD : r", 3},
    {Potential::Kind::balls, "balls", "c1,..,cD : R : k", 3},
    {Potential::Kind::quadratic, "quadratic", "c1,..,cD : a1,..,aD", 2},
    {Potential::Kind::double_well, "double_well", "c1,..,cD : w1,..,wD : a1,..,aD", 3}};

double positive(const std::string& text, const char* name) {
  const double value = parse_number(text);
  if (!(value > 0)) fail_input(std::string(name) + " must be greater than 0");
  return value;
}

Potential::Part parse_part(const KindName& kind, const std::string& text) {
  using Kind = Potential::Kind;
  const std::vector<std::string> fields = split(text, ':');
  if (fields.size() != kind.n_fields) fail_input("'" + text + "' must be " + kind.form + " for " + kind.name);
  Potential::Part part;
  part.centre = parse_numbers(fields[0]);
  const auto per_coordinate = [&](const std::string& field) {
    std::vector<double> values = parse_numbers(field);
    if (values.size() != part.centre.size())
      fail_input("'" + text + "': " + std::to_string(part.centre.size()) + " coordinates but " +
                 std::to_string(values.size()) + " numbers in '" + field + "'");
    return values;
  };
  if (kind.kind == Kind::circles || kind.kind == Kind::balls) part.level = positive(fields[1], "a radius");
  if (kind.kind == Kind::balls) part.sharpness = positive(fields[2], "k");
  if (kind.kind == Kind::quadrics || kind.kind == Kind::quadratic) part.slope = per_coordinate(fields[1]);
  if (kind.kind == Kind::quadrics) part.level = parse_number(fields[2]);
  if (kind.kind == Kind::double_well) {
    part.wells = per_coordinate(fields[1]);
    part.slope = per_coordinate(fields[2]);
  }
  return part;
}

}  // namespace

Potential Potential::parse(const std::string& text) {
  Potential potential;
  const auto [name, rest] = first_word(text);
  if (name == "none" && rest.empty()) return potential;
  if (name == "table") {
    if (rest.empty()) fail_input("'table' needs the path of an HDF5 file");
    potential.kind = Kind::table;
    potential.path = rest;
    return potential;
  }
  std::string known = "none";
  for (const KindName& kind : kinds) {
    known += std::string(", ") + kind.name;
    if (name != kind.name) continue;
    potential.kind = kind.kind;
    for (const std::string& part : split(rest, ';')) potential.parts.push_back(parse_part(kind, part));
  }
  if (!potential.is_given()) fail_input("'" + name + "' is not a potential; there are " + known + ", table");
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
  for (const KindName& known : kinds) {
    if (known.kind != kind) continue;
    for (const Part& part : parts) {
      text += (text.empty() ? std::string(known.name) + " " : "; ") + print_numbers(part.centre);
      if (!part.wells.empty()) text += " : " + print_numbers(part.wells);
      if (!part.slope.empty()) text += " : " + print_numbers(part.slope);
      if (kind == Kind::circles || kind == Kind::quadrics || kind == Kind::balls)
        text += " : " + print_number(part.level);
      if (kind == Kind::balls) text += " : " + print_number(part.sharpness);
    }
  }
  return text.empty() ? "none" : text;
}

}  // namespace rhoflux::objectives
