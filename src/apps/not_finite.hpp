#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "context.hpp"
#include "rhoflux/core/time_names.hpp"

namespace rhoflux::apps {

/// Counts the rows of each array of an output that hold a value which is not finite. Log density, score and their rates
/// are finite wherever a double can hold the log density; a velocity far from the data, or between modes, may be beyond
/// the range of doubles. That is said, not hidden.
class NotFinite {
 public:
  /// @param names of the arrays
  explicit NotFinite(const std::vector<std::string>& names);

  /// @param array number in `names` @param first number of the first row
  /// @param values rows of n_components numbers each
  void add(std::size_t array, std::int64_t first, std::size_t n_components,
           const std::vector<double>& values);

  /// Adds up what the ranks have seen; collective.
  void add_up(const mpi::Communicator& comm);

  /// A line for each array that has such rows, on the root's standard error.
  /// @param count rows of an array @param place_of text that says where a row is
  void print(const mpi::Communicator& comm, std::int64_t count,
             const std::function<std::string(std::int64_t)>& place_of) const;

 private:
  struct Array {
    std::string name;
    std::int64_t count = 0;
    double first = 0;  ///< row; infinite while there is none
  };
  std::vector<Array> m_arrays;
};

/// "t = 0.25, x = (3, -1)"; the time with the name that the data have for it.
std::string text_of_point(const TimeMeaning& meaning, double t, const std::vector<double>& x);

}  // namespace rhoflux::apps
