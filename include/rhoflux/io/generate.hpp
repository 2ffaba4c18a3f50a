#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rhoflux/io/population.hpp"

namespace rhoflux::io {

struct GeneratorName {
  std::string name;
  std::string description;  ///< one line for the usage text
};

/// The synthetic populations that generate() knows.
const std::vector<GeneratorName>& generator_names();

/// Draws a synthetic population of `count` independent samples with random splits (80 % train, 10 % val, 10 %
/// test).
///
/// Sample i depends on the name, the seed and i alone (Philox, counter = i), so a larger set contains the
/// smaller one. z1, z2 below are standard normal; U is uniform.
///
/// - pinwheel (D = 2): the ten curved arms of Johnson et al. 2016 as scaled by Chen et al. 2020; (a, b) = (1
/// + 0.3 z1, 0.1 z2)
///   turned by the angle 2 pi k / 10 + 0.25 exp(a), times 2. t ~ U(0, 30); arm k has the probability
///   softmax_k(3 cos(2 pi (k/10 - t/30))): a bright sector goes once around while each arm stays in place.
/// - branching (D = 2): one Gaussian blob that parts into two, then four, seen at t = 0, 1, 2, 3, 4:
///   x = (1.5 t - 3 + 0.25 z1, 1.6 s1 S(t/2) + 0.8 s2 S(t/2 - 1) + 0.25 z2), s1 and s2 = -1 or 1 with
///   probability 1/2, S(u) = 3 u^2 - 2 u^3 with u clamped to [0, 1].
/// - gaussian_translation (D = 2): t ~ U(0, 1), mean (2t - 1)(1, 1), covariance L L^T with L = [[0.5, 0],
/// [0.45, 0.2]];
///   the least kinetic energy is 8.
/// - gaussian_rotation (D = 2): t ~ U(0, 1), x = s (z1, c z1 + sqrt(1 - c^2) z2), c = 0.9 - 1.8 t, s = 0.7;
///   the least kinetic energy is 1.2999.
/// - ou (D = 1): t ~ U(0, 1), the marginals of dX = -theta X dt + g dW with theta = 1, g = 0.5, X_0 ~ N(2,
/// 0.5^2).
/// - gaussian_mixture (any D): t ~ U(0, 1), mode k = 0, 1, 2 with probability 1/3,
///   x_i = 0.5 cos(2 pi (k/3 + t/4) + i - 1) + 0.5 e_i, e_1 = z_1, e_i = 0.8 e_{i-1} + 0.6 z_i.
/// - conditions (D = 1): t ~ U(0, 1), condition dose c of 0, 0.5, 1, 1.5, 2.5, 3 with probability 1/6, x = c t + z1:
///   the drift is c.
/// - conditions_drug (D = 2): with a second condition, drug A (s = 1) or B (s = -1) with probability 1/2,
///   x = (c t + z1, s c t + 0.5 z2): the drift is c (1, s).
///
/// Populations whose size changes have the true growth rate r (births minus deaths per unit of time) of each row, and
/// numbers of rows that are in the ratios of the sizes, to a row or two, in the whole and in the training rows:
///
/// - growth (D = 2, label type): snapshots t = 0, 1, 2 of A = (-3 + 0.4 z1, 0.4 z2), 400 rows each, r = 0, and
///   B = (3 + 0.4 z1, 0.4 z2), 100, 400, 1600 rows (of 3300), r = log 4. Nothing moves.
/// - growth_three (D = 2, label type): snapshots t = 0, 1, 2, 3 of (c + 0.4 z1, 0.5 t + 0.4 z2): A with c = -3, 400
///   rows each, r = 0; B with c = 0, 200 2^t rows, r = log 2; C with c = 3, 1600 / 4^t rows, r = -log 4 (of 6725 rows).
///   The drift is (0, 0.5).
/// - growth_ou (D = 1): snapshots t = 0, 0.5, 1, 1.5, 2 of dX = -theta X dt + g dW with theta = 1, g = 0.5,
///   r = a - b x^2 / 2 with a = 1.2, b = 0.8, and X_0 ~ N(1.5, 0.5^2): x ~ N(m, v) with
///   m' = -theta m - b v m, v' = -2 theta v + g^2 - b v^2, (log M)' = a - b (m^2 + v) / 2, in closed form
///   (model.md (9.10)).
///
/// @param[in] count number of rows, at least 1
/// @param[in] n_dims number of coordinates; default: that of the population
/// Bad input: an unknown name (the message lists the known ones), count < 1, a wrong number of coordinates.
PopulationData generate(const std::string& name, std::int64_t count, std::uint64_t seed,
                        std::optional<int> n_dims = {});

/// Where a generated population goes.
struct GeneratedFile {
  std::string path;
  TextAttributes provenance;
  bool overwrite = false;
};

/// The same population written to a file in pieces, so that memory does not grow with the count; one process
/// calls it. Errors as generate() and write_population().
/// @return the number of coordinates
int generate_file(const std::string& name, std::int64_t count, std::uint64_t seed, std::optional<int> n_dims,
                  const GeneratedFile& file);

}  // namespace rhoflux::io
