#pragma once

#include <cstddef>
#include <vector>

namespace rhoflux::metrics {

/// Statistic of Kolmogorov and Smirnov of the hypothesis that n levels are uniform in (0, 1), as
/// F(x) of draws x from a distribution with distribution function F are:
///
///   sqrt(n) D_n,   D_n = max_u | share of the levels below u - u |.
///
/// Infinite where a level is not a number.
double kolmogorov_smirnov(std::vector<double> levels);

/// The largest of this statistic over the columns of levels (n, n_columns), C order; 0 where n is 0.
double kolmogorov_smirnov(const std::vector<double>& levels, std::size_t n_columns);

/// The same for levels with weights (n), of which each column of levels has the same ones:
///
///   sqrt(n_eff) max_u | share of the weight at levels below u - u |,   n_eff = (sum w)^2 / sum w^2 (Kish 1965).
///
/// A level of weight 0 does not count; equal weights give the statistic above. 0 where no weight is above 0.
double kolmogorov_smirnov(const std::vector<double>& levels, const std::vector<double>& weight,
                          std::size_t n_columns);

/// The value that the statistic exceeds with a small probability p for large n:
///   P(K > x) = 2 sum_{k>0} (-1)^(k-1) e^(-2 k^2 x^2),
/// of which the first term is kept.
double kolmogorov_smirnov_bound(double p);

/// `keep` rows of x (n, n_columns), C order, spread evenly: rows floor(k n / keep), k = 0 .. keep - 1.
std::vector<double> thinned(const std::vector<double>& x, std::size_t n_columns, std::size_t keep);

/// `keep` rows of x (n, n_columns) that stand for all of them with equal weights: those in which the running sum of the
/// weights (n) passes (k + 1/2) / keep of the whole, k = 0 .. keep - 1. A row of large weight comes several times, one
/// of weight 0 never (systematic resampling; Kitagawa 1996).
std::vector<double> thinned_by_weight(const std::vector<double>& x, const std::vector<double>& weight,
                                      std::size_t n_columns, std::size_t keep);

/// sum_k (b_k - a_k)^2, added to `sum` in this order, so that a sum over pieces has the bits of the whole.
void add_squared_distance(const double* a, const double* b, std::size_t count, double& sum);

/// A mean and its standard error.
struct Estimate {
  double mean = 0, error = 0;
};

/// Mean of n >= 2 independent values and its standard error, (sum (v - mean)^2 / n / (n - 1))^(1/2).
Estimate mean_of_independent(const std::vector<double>& values);

/// Sample standard deviations of numbers that come one set after the other, each set as long (Welford 1962).
class Deviations {
 public:
  void add(const std::vector<double>& values);
  /// Of two sets at least; NaN where one of the numbers is not finite.
  std::vector<double> standard() const;

 private:
  std::vector<double> m_mean, m_squares;
  int m_count = 0;
};

/// Central interval of a sample, sorted on the way: from its entry floor(n share) to the one as far from the
/// other end, so that at most that share of the values lies beyond each end.
struct Interval {
  double low = 0, high = 0;
};
Interval central_interval(std::vector<double> values, double share);

}  // namespace rhoflux::metrics
