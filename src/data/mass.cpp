#include "rhoflux/data/mass.hpp"

#include <algorithm>
#include <cmath>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/times.hpp"

namespace rhoflux::data {
namespace {

constexpr const char* give_masses = "give the masses, data.mass = t:m, .., or take M = 1, data.mass = none";

/// log M of the straight line through knots k and k + 1, at time t.
double straight(const MassKnots& knots, std::size_t k, double t) {
  if (knots.t.size() < 2) return knots.log_mass.front();
  const double slope = (knots.log_mass[k + 1] - knots.log_mass[k]) / (knots.t[k + 1] - knots.t[k]);
  return knots.log_mass[k] + slope * (t - knots.t[k]);
}

/// With knots at both ends of the time range, and M = 1 at the first.
MassKnots from_end_to_end(MassKnots knots, const Units& units) {
  if (same_time(knots.t.front(), units.t_first)) knots.t.front() = units.t_first;
  if (same_time(knots.t.back(), units.t_last)) knots.t.back() = units.t_last;
  const double at_first = straight(knots, 0, units.t_first);
  const double at_last = straight(knots, knots.t.size() < 2 ? 0 : knots.t.size() - 2, units.t_last);
  if (knots.t.front() > units.t_first) {
    knots.t.insert(knots.t.begin(), units.t_first);
    knots.log_mass.insert(knots.log_mass.begin(), at_first);
  }
  if (knots.t.back() < units.t_last) {
    knots.t.push_back(units.t_last);
    knots.log_mass.push_back(at_last);
  }
  const double first = knots.log_mass.front();
  for (double& log_mass : knots.log_mass) log_mass -= first;
  return knots;
}

/// The times with training rows, and the logs of the sums of their weights.
MassKnots counted_masses(const TimeTable& table, const std::string& path, const TimeMeaning& meaning) {
  const std::string what = "data.mass = counts: " + path;
  if (table.is_continuous() || table.times.empty())
    fail_input(what + " has events, " + std::to_string(table.n_times) +
               " distinct times of mostly one or two rows, not snapshots whose rows could be counted; " +
               give_masses);
  MassKnots knots;
  std::vector<double> without;
  for (const TimeRows& rows : table.times) {
    const RowCount train = rows.of(io::Split::train);
    if (train.rows > 0) {
      knots.t.push_back(rows.t);
      knots.log_mass.push_back(std::log(train.weight));
    } else if (rows.of(io::Split::val).rows + rows.of(io::Split::test).rows > 0) {
      without.push_back(rows.t);
    }
  }
  if (!without.empty())
    fail_input(what + " has rows but none for training at t = " + list_of_times(meaning, without) +
               "; hold these times out (data.hold_out_times), or " + give_masses);
  if (knots.t.empty()) fail_input(what + " has no training rows; " + give_masses);
  return knots;
}

}  // namespace

MassKnots mass_of_counts(const TimeTable& table, const std::string& path, const Units& units,
                         const TimeMeaning& meaning) {
  return from_end_to_end(counted_masses(table, path, meaning), units);
}

std::string warning_of_counts(const TimeTable& table, const std::string& path, const Units& units,
                              const TimeMeaning& meaning) {
  const MassKnots knots = counted_masses(table, path, meaning);
  const double first = knots.t.front(), last = knots.t.back();
  const bool before = first > units.t_first && !same_time(first, units.t_first),
             after = last < units.t_last && !same_time(last, units.t_last);
  if (!before && !after) return "";
  const std::vector<std::string> texts = time_texts(meaning, {units.t_first, first, last, units.t_last});
  const std::string beyond = (before ? "from t = " + texts[0] + " to " + texts[1] : "") +
                             (before && after ? " and " : "") +
                             (after ? "from t = " + texts[2] + " to " + texts[3] : "");
  return "data.mass = counts: there are no training rows " + beyond + ": the mass is not known there, " +
         (knots.t.size() < 2
              ? "and is taken to be that at the one time with rows"
              : "and its logarithm is continued straight from the two times with rows next to it") +
         "; if you know the masses, give them (data.mass = t:m, ..)";
}

MassKnots mass_as_given(const Mass& mass, const Units& units, const TimeMeaning& meaning) {
  MassKnots knots;
  try {
    knots.t = mass.times(meaning);
  } catch (const Error& error) {
    fail_input("data.mass = " + mass.to_string() + ": " + error.what());
  }
  if (!same_time(knots.t.front(), units.t_first) || !same_time(knots.t.back(), units.t_last)) {
    const std::vector<std::string> texts =
        time_texts(meaning, {knots.t.front(), knots.t.back(), units.t_first, units.t_last});
    fail_input("data.mass: is given from t = " + texts[0] + " to " + texts[1] +
               "; the first and the last mass must be at the ends of the time range of the model, " +
               texts[2] + " and " + texts[3]);
  }
  for (const double m : mass.m) knots.log_mass.push_back(std::log(m));
  const auto [least, most] = std::minmax_element(knots.log_mass.begin(), knots.log_mass.end());
  constexpr double largest_ratio = 80;  // of logs: M must be a number in single precision
  if (*most - *least > largest_ratio)
    fail_input("data.mass = " + mass.to_string() +
               ": the largest mass may be at most e^80 times the smallest");
  return from_end_to_end(knots, units);
}

KnownMass known_mass(const Config& config, const Sources& sources, const Units& units,
                     const mpi::Communicator& comm) {
  switch (config.mass.kind) {
    case Mass::Kind::given:
      return {mass_as_given(config.mass, units, sources.time), {}};
    case Mass::Kind::counts: {
      if (!sources.data)
        fail_input(std::string("data.mass = counts: there are no rows to count without data.file; ") +
                   give_masses);
      const TimeTable table = read_time_table(*sources.data, comm);
      const std::string& path = sources.data->path();
      return {mass_of_counts(table, path, units, sources.time),
              warning_of_counts(table, path, units, sources.time)};
    }
    case Mass::Kind::none:
      break;
  }
  return {};
}

MassKnots mass_of(const Config& config, const Sources& sources, const Units& units,
                  const mpi::Communicator& comm) {
  return known_mass(config, sources, units, comm).knots;
}

}  // namespace rhoflux::data
