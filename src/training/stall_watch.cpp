#include "stall_watch.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/training/stop_request.hpp"

namespace rhoflux::training {
namespace {

constexpr auto tick = std::chrono::milliseconds(200);

const char* text_of(StallWatch::Work work) {
  switch (work) {
    case StallWatch::Work::step:
      return "step ";
    case StallWatch::Work::validation:
      return "the validation after step ";
    case StallWatch::Work::files:
      return "the checkpoint after step ";
  }
  return "";
}

}  // namespace

StallWatch::StallWatch(double factor, Answer answer, Seconds least, Seconds first)
    : m_factor(factor), m_answer(std::move(answer)), m_least(least), m_first(first) {
  if (factor > 0) m_thread = std::thread([this] { watch(); });
}

StallWatch::~StallWatch() {
  if (!m_thread.joinable()) return;
  {
    const std::lock_guard<std::mutex> lock(m_mutex);
    m_is_over = true;
  }
  m_ended.notify_one();
  m_thread.join();
}

void StallWatch::begin(Work work, std::int64_t step) {
  if (m_factor <= 0) return;
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard<std::mutex> lock(m_mutex);
  if (m_count > 0) {
    Seconds& longest = m_longest[static_cast<std::size_t>(m_work)];
    longest = std::max<Seconds>(longest, now - m_began);
  }
  ++m_count;
  m_work = work;
  m_step = step;
  m_began = now;
}

void StallWatch::watch() {
  std::unique_lock<std::mutex> lock(m_mutex);
  std::int64_t seen = 0;
  Seconds waited{0};
  auto before = std::chrono::steady_clock::now();
  while (!m_ended.wait_for(lock, tick, [this] { return m_is_over; })) {
    const auto now = std::chrono::steady_clock::now();
    // A tick that took much longer: the process was suspended.
    waited = seen == m_count ? waited + std::min<Seconds>(now - before, 5 * tick) : Seconds{0};
    seen = m_count;
    before = now;
    const Seconds longest = m_longest[static_cast<std::size_t>(m_work)];
    const bool is_first = longest.count() == 0;
    if (waited < (is_first ? m_first : std::max(m_factor * longest, m_least))) continue;
    const std::string message =
        text_of(m_work) + std::to_string(m_step) + " has not ended for " +
        formatted("%.0f s", waited.count()) + ", and " +
        (is_first ? "is the first of its kind"
                  : "the longest before took " + formatted("%.3g s", longest.count()));
    lock.unlock();
    m_answer(message);
    return;
  }
}

void end_stalled_rank(int rank, const std::string& message) {
  const auto turn = std::chrono::milliseconds(rank == 0 ? 0 : 15000 + 100 * std::min(rank, 50));
  const auto end = std::chrono::steady_clock::now() + turn;
  const StopRequest launcher({});
  bool is_ended_by_launcher = false;
  while (!is_ended_by_launcher && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(tick);
    is_ended_by_launcher = launcher.reason(0) == StopReason::signal_term;
  }
  if (!is_ended_by_launcher) std::cerr << "rhoflux: error: " + message + '\n' << std::flush;
  std::_Exit(static_cast<int>(ExitCode::rank_lost));
}

}  // namespace rhoflux::training
