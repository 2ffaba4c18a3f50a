#include "rhoflux/objectives/endpoint_distribution.hpp"

#include <cmath>

#include "kind_of_word.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/small_matrix.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::objectives {
namespace {

constexpr const char* form = "mean m1,..,mD : variance, D variances or D*D covariance [: weight]";

EndpointDistribution::Part parse_part(const std::string& text) {
  const std::vector<std::string> fields = split(text, ':');
  if (fields.size() != 2 && fields.size() != 3) fail_input("'" + text + "' must be " + form);
  EndpointDistribution::Part part;
  part.mean = parse_numbers(fields[0]);
  const std::size_t n = part.mean.size();
  const std::vector<double> given = parse_numbers(fields[1]);
  part.n_given = given.size();
  part.covariance = square_matrix(given, n);
  if (part.covariance.empty())
    fail_input("'" + text + "': " + std::to_string(given.size()) + " numbers for the variance of " +
               std::to_string(n) + " coordinates; must be " + form);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (part.covariance[i * n + j] != part.covariance[j * n + i])
        fail_input("'" + text + "': the covariance is not symmetric");
  part.root = cholesky_factor(part.covariance, n);
  if (fields.size() == 3) part.weight = parse_number(fields[2]);
  if (!(part.weight > 0)) fail_input("'" + text + "': a weight must be greater than 0");
  return part;
}

/// Sum over the parts of share times what `of` says of coordinate i.
template <class Function>
std::vector<double> mixed(const EndpointDistribution& distribution, Function&& of) {
  std::vector<double> result(static_cast<std::size_t>(distribution.n_dims()), 0.0);
  double total = 0;
  for (const EndpointDistribution::Part& part : distribution.parts) total += part.weight;
  for (const EndpointDistribution::Part& part : distribution.parts)
    for (std::size_t i = 0; i < result.size(); ++i) result[i] += part.weight / total * of(part, i);
  return result;
}

}  // namespace

std::vector<double> EndpointDistribution::mean() const {
  return mixed(*this, [](const Part& part, std::size_t i) { return part.mean[i]; });
}

std::vector<double> EndpointDistribution::variance() const {
  const std::vector<double> centre = mean();
  return mixed(*this, [&](const Part& part, std::size_t i) {
    const double shift = part.mean[i] - centre[i];
    return part.covariance[i * part.mean.size() + i] + shift * shift;
  });
}

EndpointDistribution EndpointDistribution::parse(const std::string& text) {
  const FirstWord worded = first_word(text);
  EndpointDistribution distribution;
  distribution.kind = kind_of_word<Kind>(worded, "an endpoint distribution");
  if (distribution.kind == Kind::none) return distribution;
  if (distribution.kind == Kind::file) {
    if (worded.rest.empty()) fail_input("'file' needs the path of a population file");
    distribution.path = worded.rest;
    return distribution;
  }
  for (const std::string& part : split(worded.rest, ';')) distribution.parts.push_back(parse_part(part));
  for (const Part& part : distribution.parts)
    if (part.mean.size() != distribution.parts.front().mean.size())
      fail_input("parts of " + std::to_string(distribution.parts.front().mean.size()) + " and of " +
                 std::to_string(part.mean.size()) + " coordinates");
  return distribution;
}

std::string EndpointDistribution::to_string() const {
  if (kind == Kind::none) return enum_to_text(kind);
  if (kind == Kind::file) return enum_to_text(kind) + " " + path;
  std::string text;
  for (const Part& part : parts) {
    const std::vector<double> given = given_numbers(part.covariance, part.mean.size(), part.n_given);
    text += (text.empty() ? enum_to_text(kind) + " " : "; ") + print_numbers(part.mean) + " : " +
            print_numbers(given);
    if (part.weight != 1) text += " : " + print_number(part.weight);
  }
  return text;
}

}  // namespace rhoflux::objectives
