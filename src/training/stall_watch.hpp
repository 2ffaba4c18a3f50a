#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace rhoflux::training {

/// Ends this process when a piece of work takes many times as long as it ever did before ([training] stall_limit). MPI waits
/// without an error, and for ever, for a rank whose machine has lost the network.
///
/// The limit is `factor` times the longest duration so far of work of the same kind, and `least` at least; `first` for the first piece
/// of a kind. Seconds in which the process was suspended do not count.
class StallWatch {
 public:
  enum class Work : int { step, validation, files };

  using Seconds = std::chrono::duration<double>;
  /// What happens at a stall, in a thread of its own; the text says how long which work has taken.
  using Answer = std::function<void(const std::string&)>;

  /// factor = 0: watches nothing.
  StallWatch(double factor, Answer answer, Seconds least = std::chrono::seconds(10),
             Seconds first = std::chrono::minutes(10));
  ~StallWatch();
  StallWatch(const StallWatch&) = delete;
  StallWatch& operator=(const StallWatch&) = delete;

  /// The work before has ended, and this begins.
  void begin(Work work, std::int64_t step);

 private:
  void watch();

  double m_factor;
  Answer m_answer;
  Seconds m_least, m_first;
  std::mutex m_mutex;  ///< of what follows
  std::condition_variable m_ended;
  bool m_is_over = false;
  std::int64_t m_count = 0;  ///< pieces that have begun
  std::int64_t m_step = 0;
  Work m_work = Work::step;
  std::chrono::steady_clock::time_point m_began;
  std::array<Seconds, 3> m_longest{};  ///< by kind; 0: none yet
  std::thread m_thread;                ///< last, so that it begins when the rest is there
};

/// Says on the standard error stream what has stalled and ends the process with ExitCode::rank_lost. The root does so at
/// once, the others a little later each: where the root can still be heard, the launcher ends them before they speak.
[[noreturn]] void end_stalled_rank(int rank, const std::string& message);

}  // namespace rhoflux::training
