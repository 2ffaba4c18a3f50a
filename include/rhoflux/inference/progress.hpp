#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace rhoflux::inference {

/// Lines of long work: one every so many seconds, none for short work.
class Progress {
 public:
  struct Options {
    std::function<void(const std::string&)> print;  ///< empty: no lines
    double seconds = 10;                            ///< between two lines
  };
  /// @param what the work @param count of its items @param items their name, "rows", for lines that say how many are
  ///   done; empty: the share alone
  Progress(Options options, std::string what, std::int64_t count, std::string items = "");

  /// So many items more are done.
  void advance(std::int64_t items) { reach(m_done + items); }
  /// So many items are done in all.
  void reach(std::int64_t done);

 private:
  using Clock = std::chrono::steady_clock;

  Options m_options;
  std::string m_what, m_items;
  std::int64_t m_count, m_done = 0;
  Clock::time_point m_start = Clock::now(), m_said = m_start;
};

}  // namespace rhoflux::inference
