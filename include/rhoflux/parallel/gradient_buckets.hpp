#pragma once

#include <cstdint>
#include <vector>

#include "rhoflux/device/types.hpp"

namespace rhoflux::parallel {

/// Counts how often each part of a gradient is added to in a step, and in what order the parts are complete.
class GradientUse {
 public:
  struct Part {
    Range entries;
    int times = 0;          ///< that it was added to
    std::int64_t last = 0;  ///< when it was added to last, in calls of `add`
  };

  /// @param size length of the gradient
  explicit GradientUse(int size) : m_part_of(static_cast<std::size_t>(size), -1) {}

  void clear();
  void add(Range entries);
  /// Position in parts() of the part that begins at an entry, or -1.
  int part_at(int entry) const { return m_part_of[static_cast<std::size_t>(entry)]; }
  const std::vector<Part>& parts() const { return m_parts; }
  /// Sorts the parts by the time at which they are complete.
  void sort();

 private:
  std::vector<int> m_part_of;  ///< by first entry
  std::vector<Part> m_parts;
  std::int64_t m_calls = 0;
};

/// Entries whose sum over ranks is one message.
struct Bucket {
  std::vector<Range> entries;
  int size = 0;
  int n_parts = 0;  ///< parts of the gradient that have to be complete
};

/// Groups the parts, in their order, into about n_buckets buckets of like size; what is in no part goes to
/// the last one.
/// @param size length of the gradient
std::vector<Bucket> make_buckets(const std::vector<GradientUse::Part>& parts, int size, int n_buckets);

}  // namespace rhoflux::parallel
