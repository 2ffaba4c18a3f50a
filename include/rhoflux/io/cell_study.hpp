#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/io/population.hpp"

namespace rhoflux::io {

/// A synthetic study of cells that branch, with known fates: N cells, each taken at one of the days 0 to 4 from a
/// path of its own of the diffusion dX = u dt + g dW in three coordinates, g = 0.7, with the drift
/// u_1 = v - theta (x_1 - v t), u_2 = mu tanh(mu x_2 / g^2), u_3 = -theta x_3, where v = 1.5, theta = 1, mu = 1.
///
/// The first coordinate moves on and stays a Gaussian around v t, the third is noise, and the second parts into two
/// branches: given x_2, the path goes on as a Brownian motion with the drift c mu, where c = 1 with the probability
/// p = 1 / (1 + exp(-2 mu x_2 / g^2)) and -1 otherwise (Benes 1981). At the start x_2 is Gaussian of deviation 0.3. A
/// cell is of the type A where x_2 > 0.8, B where x_2 < -0.8, else progenitor. The probability of being of type A at
/// day 4, tau = 4 - t later, is p Phi((x_2 + mu tau - 0.8) / s) + (1 - p) Phi((x_2 - mu tau - 0.8) / s) with
/// s = g tau^(1/2).
///
/// Genes: expression = baseline + coordinates . loadings^T + noise of deviation 0.1, 40 genes, orthonormal loadings.
struct CellStudy {
  PopulationData cells;             ///< with ids, and labels day, cell_type, donor, fate
  std::vector<double> probability;  ///< (N, 3) of being of type A, B, progenitor at day 4
  std::vector<float> expression;    ///< (N, 40)
  std::vector<double> loadings;     ///< (40, 3)
  std::vector<std::string> genes;   ///< (40)
};

/// @param[in] count number of cells, 1 to 1000000; cell i depends on the seed and i alone
CellStudy make_cell_study(std::int64_t count, std::uint64_t seed);

/// Writes a study as AnnData: obs (day, cell_type, donor, fate, probability_A), obsm/X_pca, X, varm/PCs. Crash-safe;
/// errors as write_population().
void write_cell_study(const std::string& path, const CellStudy& study, bool overwrite);

}  // namespace rhoflux::io
