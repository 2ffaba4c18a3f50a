#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "rhoflux/core/text.hpp"

/// Times that name snapshots: when two are the same, and as texts that name them.
namespace rhoflux {

/// Largest relative difference of a time and the same time that has gone through float32: two units in the last
/// of its 24 bits, one for its rounding and one for a sum or a product in that precision before.
inline constexpr double time_rounding = 0x1p-22;

/// Whether a and b are the same time but for float32 rounding: |a - b| <= 2^-22 max(|a|, |b|). False for NaN.
/// Which of several times in a file is meant, named_time() says: times closer than this are not merged.
inline bool same_time(double a, double b) {
  return std::fabs(a - b) <= time_rounding * std::max(std::fabs(a), std::fabs(b));
}

/// The one of `times` (ascending) that t names: the nearest, of two equally near ones the earlier, if it is the
/// same time. So a time that is there exactly names itself, however close the next one is.
inline std::optional<double> named_time(const std::vector<double>& times, double t) {
  const auto later = std::lower_bound(times.begin(), times.end(), t);
  std::optional<double> nearest;
  if (later != times.begin()) nearest = *(later - 1);
  if (later != times.end() && (!nearest || *later - t < t - *nearest)) nearest = *later;
  return nearest && same_time(*nearest, t) ? nearest : std::nullopt;
}

/// Texts of some times, in their order, each of which names its time among them (named_time()) and is off by at most a
/// hundredth of the least gap between two of them: 6 digits, as many as %g has, or as many more as that takes.
inline std::vector<std::string> distinct_texts(const std::vector<double>& times) {
  std::vector<double> ascending;
  for (const double t : times)
    if (std::isfinite(t)) ascending.push_back(t);
  std::sort(ascending.begin(), ascending.end());
  ascending.erase(std::unique(ascending.begin(), ascending.end()), ascending.end());
  double gap = std::numeric_limits<double>::infinity();
  for (std::size_t k = 1; k < ascending.size(); ++k) gap = std::min(gap, ascending[k] - ascending[k - 1]);
  const auto names = [&](const std::string& text, double t) {
    const double read = read_number(text).value;
    return named_time(ascending, read) == t && std::fabs(read - t) <= 0.01 * gap;
  };
  std::vector<std::string> texts(times.size());
  for (int digits = 6; digits <= 17; ++digits) {  // 17 give back every bit
    const std::string format = "%." + std::to_string(digits) + "g";
    bool names_all = true;
    for (std::size_t k = 0; k < times.size() && names_all; ++k) {
      texts[k] = formatted(format.c_str(), times[k]);
      names_all = !std::isfinite(times[k]) || names(texts[k], times[k]);
    }
    if (names_all) break;
  }
  return texts;
}

/// A time alone, as a text that names it.
inline std::string time_text(double t) {
  return distinct_texts({t}).front();
}

/// The first of some texts, for a message: "0, 1, 2, ..."; empty where there are none.
inline std::string list_of_texts(std::vector<std::string> texts) {
  constexpr std::size_t most = 8;
  const bool is_cut = texts.size() > most;
  if (is_cut) {
    texts.resize(most);
    texts.emplace_back("...");
  }
  return joined(texts);
}

/// The same of times.
inline std::string list_of_times(const std::vector<double>& times) {
  return list_of_texts(distinct_texts(times));
}

}  // namespace rhoflux
