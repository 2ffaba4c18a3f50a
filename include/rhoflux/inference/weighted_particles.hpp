#pragma once

#include <cstdint>
#include <vector>

/// Sets of particles that carry weights, model.md section 10d.
namespace rhoflux::inference {

/// Births and deaths that turn the weights of particles into numbers of them.
struct Resampling {
  std::vector<std::int64_t> ancestor;  ///< (n) the particle that each new one is a copy of, ascending
  double log_mean_weight = 0;          ///< log of sum_s w_s exp(log_weight_s) / sum_s w_s
};

/// Systematic resampling, model.md (10.10): n particles of equal weight for n particles of the weights
/// w_s exp(log_weight_s), of which particle s comes n times its share of the weight, to less than one. The sum runs in the
/// order of the particles. Throws Error (numerical failure) where no particle is left, because all have failed.
/// @param log_weight (n); NaN: the particle has failed, it dies and does not count in the mean
/// @param weight (n) w, none negative, at least one of a particle that has not failed above 0
/// @param uniform U in (0, 1)
Resampling resample(const std::vector<double>& log_weight, const std::vector<double>& weight, double uniform);

/// U of a frame, a pure function of the seed and the number of the frame, and of that of the block where blocks of particles
/// are resampled on their own.
double resampling_uniform(std::uint64_t seed, std::size_t frame, std::uint64_t block = 0);

/// Particles whose weights may depend on where they are, and which may be copies of the same one.
struct ParticleFamilies {
  std::vector<double> weight;        ///< (n) above 0
  std::vector<std::int64_t> family;  ///< (n) the same number for all descendants of one particle, from 0
};

/// sqrt(n) D_n, model.md (10.12), of levels (n, n_columns), uniform in (0, 1) by the hypothesis, the largest over the columns:
///
///   D = max_u | S(u) - u |,   S(u) = share of the weight at levels below u,   n = 1 / (4 max_u Var S(u)),
///   Var S(u) = sum over families of (weight of the family below u - u times its weight)^2 / (sum w)^2.
///
/// Families are independent, their members are not. Without weights and with families of one member, Var S = u (1 - u) / n
/// and this is metrics::kolmogorov_smirnov(); where weights do not depend on the levels, n is (sum w)^2 / sum w^2 (Kish
/// 1965). Large weights at few levels make Var S larger than that says. Infinite where a level is not a number.
double family_ks(const std::vector<double>& levels, const ParticleFamilies& particles, std::size_t n_columns);

/// Effective number of families, (sum W)^2 / sum W^2, W their weights (Kish 1965).
double effective_number(const ParticleFamilies& particles);

/// The same of weights (n) of particles that are independent; NaN: none above 0.
double effective_number(const std::vector<double>& weights);

/// Whether few of n particles carry the weight, so that averages over them are uncertain: the effective number is below
/// n / 10, or below 50 and n / 2.
bool is_degenerate(double effective_number, std::int64_t n);

/// A ratio of sums over independent families, model.md (10.13), sum_f X_f / sum_f W_f, and its standard error by the delta method,
/// (sum_f (X_f - ratio W_f)^2)^(1/2) / sum_f W_f; NaN, not known, of a single family.
struct Ratio {
  double value = 0, error = 0;
};

/// Mass of particles relative to that of the particles they come from.
/// @param start_weight (n_families) W @param particles their weights are added up to X by family
Ratio relative_mass(const std::vector<double>& start_weight, const ParticleFamilies& particles);

}  // namespace rhoflux::inference
