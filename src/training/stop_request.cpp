#include "rhoflux/training/stop_request.hpp"

#include <chrono>
#include <csignal>

namespace rhoflux::training {
namespace {

volatile std::sig_atomic_t received_signal = 0;
auto program_start = std::chrono::steady_clock::now();

extern "C" void note_signal(int signal) {
  received_signal = signal;
}

}  // namespace

void install_stop_signals() {
  program_start = std::chrono::steady_clock::now();
  received_signal = 0;
  struct sigaction action = {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

std::string to_string(StopReason reason) {
  switch (reason) {
    case StopReason::none:
      return "";
    case StopReason::stop_after:
      return "--stop-after";
    case StopReason::max_hours:
      return "--max-hours";
    case StopReason::signal_term:
      return "signal TERM";
    case StopReason::signal_usr1:
      return "signal USR1";
  }
  return "";
}

StopReason StopRequest::reason(std::int64_t steps_made) const {
  if (received_signal == SIGUSR1) return StopReason::signal_usr1;
  if (received_signal == SIGTERM) return StopReason::signal_term;
  const std::chrono::duration<double, std::ratio<3600>> elapsed =
      std::chrono::steady_clock::now() - program_start;
  if (m_limits.max_hours > 0 && elapsed.count() >= m_limits.max_hours) return StopReason::max_hours;
  if (m_limits.stop_after > 0 && steps_made >= m_limits.stop_after) return StopReason::stop_after;
  return StopReason::none;
}

}  // namespace rhoflux::training
