#include <array>
#include <cmath>

#include "synthetic.hpp"

namespace rhoflux::io {
namespace {

/// The Ornstein-Uhlenbeck process with births and deaths of growth_ou, model.md (9.9): dX = -theta X dt + g dW, growth
/// rate r = a - b x^2 / 2, X at t = 0 Gaussian of mean m0 and variance v0.
namespace killed {

constexpr double theta = 1.0, g = 0.5, a = 1.2, b = 0.8, m0 = 1.5, v0 = 0.25;

struct Moments {
  double mean, variance, log_mass;
};

/// In closed form, model.md (9.10).
Moments moments(double t) {
  const double kappa = std::sqrt(theta * theta + b * g * g), p = (theta + b * v0) / kappa;
  const double sinh = std::sinh(kappa * t), cosh = std::cosh(kappa * t), c = cosh + p * sinh;
  return {m0 / c, (kappa * (sinh + p * cosh) / c - theta) / b,
          (a + theta / 2) * t - std::log(c) / 2 - b * m0 * m0 * sinh / (2 * kappa * c)};
}

std::vector<RowGroup> groups() {
  std::vector<RowGroup> snapshots;
  for (const double t : {0.0, 0.5, 1.0, 1.5, 2.0}) snapshots.push_back({t, 0, std::exp(moments(t).log_mass)});
  return snapshots;
}

Sample draw(const SampleRandom& random, const RowGroup& snapshot) {
  const Moments now = moments(snapshot.t);
  const double x = now.mean + std::sqrt(now.variance) * random.normals(slot_noise).first;
  return {snapshot.t, {x}, {}, a - b * x * x / 2};
}

}  // namespace killed

/// A type of individuals: a Gaussian cloud of deviation 0.4 in each of two coordinates.
struct Type {
  double x1;      ///< of the centre
  double rows;    ///< at t = 0, in relation to those of other types
  double factor;  ///< by which it grows in a unit of time
};

template <std::size_t n>
std::vector<RowGroup> groups_of(const std::array<Type, n>& types, int n_snapshots) {
  std::vector<RowGroup> groups;
  for (int t = 0; t < n_snapshots; ++t)
    for (std::size_t k = 0; k < types.size(); ++k)
      groups.push_back({static_cast<double>(t), static_cast<std::int32_t>(k),
                        types[k].rows * std::pow(types[k].factor, t)});
  return groups;
}

/// @param[in] speed of all cells along x2
Sample draw_of(const Type& type, double speed, double t, const SampleRandom& random) {
  constexpr double deviation = 0.4;
  const auto [z1, z2] = random.normals(slot_noise);
  return {t, {type.x1 + deviation * z1, speed * t + deviation * z2}, {}, std::log(type.factor)};
}

constexpr std::array<Type, 2> two_types = {{{-3, 400, 1}, {3, 100, 4}}};
constexpr std::array<Type, 3> three_types = {{{-3, 400, 1}, {0, 200, 2}, {3, 1600, 0.25}}};

std::vector<RowGroup> groups_of_two() {
  return groups_of(two_types, 3);
}
Sample draw_of_two(const SampleRandom& random, const RowGroup& group) {
  return draw_of(two_types[static_cast<std::size_t>(group.type)], 0.0, group.t, random);
}

std::vector<RowGroup> groups_of_three() {
  return groups_of(three_types, 4);
}
Sample draw_of_three(const SampleRandom& random, const RowGroup& group) {
  return draw_of(three_types[static_cast<std::size_t>(group.type)], 0.5, group.t, random);
}

}  // namespace

std::vector<Generator> growth_generators() {
  Generator two = {"growth",
                   "2-D, two types that stay in place, of which B grows fourfold from each snapshot to the "
                   "next, t = 0, 1, 2, with growth rates",
                   2, false,
                   "A at (-3, 0), rows 400, 400, 400, growth rate 0; B at (3, 0), rows 100, 400, 1600 (of "
                   "3300), growth rate log 4; standard deviation 0.4"};
  two.groups = groups_of_two;
  two.draw_of_group = draw_of_two;
  two.types = {"A", "B"};
  Generator three = {"growth_three",
                     "2-D, three types that drift along x2, of which A keeps its number, B grows and C dies "
                     "out, t = 0, 1, 2, 3, with growth rates",
                     2, false,
                     "A at x1 = -3, rows 400, growth rate 0; B at x1 = 0, rows 200 2^t, growth rate log 2; C "
                     "at x1 = 3, rows 1600 / 4^t, growth rate -log 4 (rows of 6725); x2 = 0.5 t, standard "
                     "deviation 0.4; dX = (0, 0.5) dt"};
  three.groups = groups_of_three;
  three.draw_of_group = draw_of_three;
  three.types = {"A", "B", "C"};
  Generator killed = {"growth_ou",
                      "1-D, Ornstein-Uhlenbeck process with births and deaths, t = 0, 0.5, 1, 1.5, 2, with "
                      "growth rates",
                      1, false,
                      "dX = -theta X dt + g dW, growth rate a - b x^2 / 2, theta = 1, g = 0.5, a = 1.2, b = "
                      "0.8, X_0 ~ N(1.5, 0.5^2)"};
  killed.groups = killed::groups;
  killed.draw_of_group = killed::draw;
  return {two, three, killed};
}

}  // namespace rhoflux::io
