#pragma once

#include <cstdint>
#include <vector>

#include "rhoflux/io/population.hpp"
#include "sample_random.hpp"

/// What generate() knows of each synthetic population.
namespace rhoflux::io {

/// Slots of a sample's random numbers; slot 0 holds the time and the split.
constexpr std::uint32_t slot_time = 0;
constexpr std::uint32_t slot_choice = 1;
constexpr std::uint32_t slot_noise = 2;

/// One sample of a population.
struct Sample {
  double t = 0.0;
  std::vector<double> x;
  std::vector<double> condition = {};  ///< of each condition of the population
  double growth = 0.0;                 ///< births minus deaths per unit of time, where the population grows
};

/// Rows of one type at one time.
struct RowGroup {
  double t = 0.0;
  std::int32_t type = 0;
  double size = 0.0;  ///< its number of rows is proportional to this
};

/// A synthetic population, of independent samples, or of groups of rows whose numbers are given.
struct Generator {
  const char* name;
  const char* description;
  int n_dims;
  bool any_dims;           ///< n_dims is a default
  const char* parameters;  ///< stored as the source
  Sample (*draw)(const SampleRandom&, int n_dims) = nullptr;
  /// Of a population whose size changes: the groups, and a sample of one of them.
  std::vector<RowGroup> (*groups)() = nullptr;
  Sample (*draw_of_group)(const SampleRandom&, const RowGroup&) = nullptr;
  std::vector<const char*> types = {};  ///< categories of the label `type`, RowGroup::type is one of them
  std::vector<ConditionColumn> conditions = {};  ///< names and categories alone
};

/// Populations whose size changes (generate_growth.cpp), and those that depend on conditions
/// (generate_conditions.cpp).
std::vector<Generator> growth_generators();
std::vector<Generator> condition_generators();

}  // namespace rhoflux::io
