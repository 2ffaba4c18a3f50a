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
  struct sigaction action = {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

std::string StopRequest::reason(std::int64_t steps_made) const {
  if (received_signal == SIGUSR1) return "signal USR1";
  if (received_signal == SIGTERM) return "signal TERM";
  if (m_limits.stop_after > 0 && steps_made >= m_limits.stop_after) return "--stop-after";
  const std::chrono::duration<double, std::ratio<3600>> elapsed =
      std::chrono::steady_clock::now() - program_start;
  if (m_limits.max_hours > 0 && elapsed.count() >= m_limits.max_hours) return "--max-hours";
  return "";
}

}  // namespace rhoflux::training
