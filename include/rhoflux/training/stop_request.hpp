#pragma once

#include <cstdint>
#include <string>

namespace rhoflux::training {

/// When a run should stop early with a checkpoint and exit code 75.
struct StopLimits {
  double max_hours = 0;         ///< wall-clock time from the start of the program; 0: none
  std::int64_t stop_after = 0;  ///< steps made by this run; 0: none
};

/// Installs handlers of SIGUSR1 and SIGTERM that only set a flag, clears that flag, and starts the clock of
/// max_hours. To be called at the start of the program.
void install_stop_signals();

/// Why a run stops early; of several, on one rank or on different ones, the one last in this list counts.
enum class StopReason : int { none, stop_after, max_hours, signal_term, signal_usr1 };

/// "--max-hours", "signal USR1" ..
std::string to_string(StopReason reason);

/// Asked by every rank at each step; the ranks then agree.
class StopRequest {
 public:
  explicit StopRequest(const StopLimits& limits) : m_limits(limits) {}
  /// This rank's reason to stop after `steps_made` steps of this run.
  StopReason reason(std::int64_t steps_made) const;

 private:
  StopLimits m_limits;
};

}  // namespace rhoflux::training
