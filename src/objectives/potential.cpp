#include "rhoflux/objectives/potential.hpp"

#include <sstream>
#include <utility>

#include "rhoflux/core/number_text.hpp"

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

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> pieces;
  std::stringstream stream(text);
  for (std::string piece; std::getline(stream, piece, at);) pieces.push_back(piece);
  if (text.empty() || text.back() == at) pieces.emplace_back();
  return pieces;
}

std::vector<double> numbers(const std::string& text) {
  std::vector<double> values;
  for (const std::string& piece : split(text, ',')) values.push_back(parse_number(piece));
  return values;
}

double positive(const std::string& text, const char* name) {
  const double value = parse_number(text);
  if (!(value > 0)) fail_input(std::string(name) + " must be greater than 0");
  return value;
}

std::string list(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : ",") + print_number(value);
  return text;
}

Potential::Part parse_part(const KindName& kind, const std::string& text) {
  using Kind = Potential::Kind;
  const std::vector<std::string> fields = split(text, ':');
  if (fields.size() != kind.n_fields) fail_input("'" + text + "' must be " + kind.form + " for " + kind.name);
  Potential::Part part;
  part.centre = numbers(fields[0]);
  const auto per_coordinate = [&](const std::string& field) {
    std::vector<double> values = numbers(field);
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
  const std::size_t first = text.find_first_not_of(" \t");
  const std::size_t end = text.find_first_of(" \t", first);
  const std::string name = first == std::string::npos ? "" : text.substr(first, end - first);
  if (name == "none" && text.find_first_not_of(" \t", first + 4) == std::string::npos) return potential;
  std::string known = "none";
  for (const KindName& kind : kinds) {
    known += std::string(", ") + kind.name;
    if (name != kind.name) continue;
    potential.kind = kind.kind;
    for (const std::string& part : split(end == std::string::npos ? "" : text.substr(end + 1), ';'))
      potential.parts.push_back(parse_part(kind, part));
  }
  if (!potential.is_there()) fail_input("'" + name + "' is not a potential; there are " + known);
  for (const Part& part : potential.parts)
    if (part.centre.size() != potential.parts.front().centre.size())
      fail_input("parts of " + std::to_string(potential.parts.front().centre.size()) + " and of " +
                 std::to_string(part.centre.size()) + " coordinates");
  return potential;
}

std::string Potential::to_string() const {
  std::string text;
  for (const KindName& known : kinds) {
    if (known.kind != kind) continue;
    for (const Part& part : parts) {
      text += (text.empty() ? std::string(known.name) + " " : "; ") + list(part.centre);
      if (!part.wells.empty()) text += " : " + list(part.wells);
      if (!part.slope.empty()) text += " : " + list(part.slope);
      if (kind == Kind::circles || kind == Kind::quadrics || kind == Kind::balls)
        text += " : " + print_number(part.level);
      if (kind == Kind::balls) text += " : " + print_number(part.sharpness);
    }
  }
  return text.empty() ? "none" : text;
}

}  // namespace rhoflux::objectives
