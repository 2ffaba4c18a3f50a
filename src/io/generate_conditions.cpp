#include <algorithm>
#include <array>

#include "synthetic.hpp"

namespace rhoflux::io {
namespace {

double dose_of(double uniform) {
  constexpr std::array<double, 6> doses = {0.0, 0.5, 1.0, 1.5, 2.5, 3.0};
  return doses[std::min(doses.size() - 1, static_cast<std::size_t>(uniform * doses.size()))];
}

Sample conditions(const SampleRandom& random, int /*n_dims*/) {
  const double t = random.uniforms(slot_time).first;
  const double c = dose_of(random.uniforms(slot_choice).first);
  return {t, {c * t + random.normals(slot_noise).first}, {c}};
}

Sample conditions_drug(const SampleRandom& random, int /*n_dims*/) {
  const double t = random.uniforms(slot_time).first;
  const auto [u_dose, u_drug] = random.uniforms(slot_choice);
  const double c = dose_of(u_dose);
  const double drug = u_drug < 0.5 ? 0.0 : 1.0;
  const auto [z1, z2] = random.normals(slot_noise);
  return {t, {c * t + z1, (drug == 0.0 ? c : -c) * t + 0.5 * z2}, {c, drug}};
}

}  // namespace

std::vector<Generator> condition_generators() {
  Generator dose = {
      "conditions",
      "1-D, a Gaussian that moves at the speed of its dose, t in [0, 1], with the condition dose",
      1,
      false,
      "x ~ N(c t, 1), dX = c dt, dose c = 0, 0.5, 1, 1.5, 2.5 or 3, t ~ U(0, 1)",
      conditions};
  dose.conditions = {{"dose", {}, {}}};
  Generator drug = {"conditions_drug",
                    "2-D, the same where drug A moves x2 up and drug B moves it down, with dose and drug",
                    2,
                    false,
                    "x1 ~ N(c t, 1), x2 ~ N(s c t, 0.5^2), dX = c (1, s) dt, dose c = 0, 0.5, 1, 1.5, 2.5 or "
                    "3, s = 1 (drug A) or -1 (drug B), t ~ U(0, 1)",
                    conditions_drug};
  drug.conditions = {{"dose", {}, {}}, {"drug", {"A", "B"}, {}}};
  return {dose, drug};
}

}  // namespace rhoflux::io
