#include "rhoflux/inference/progress.hpp"

#include <utility>

#include "rhoflux/core/text.hpp"

namespace rhoflux::inference {

Progress::Progress(Options options, std::string what, std::int64_t count, std::string items)
    : m_options(std::move(options)), m_what(std::move(what)), m_items(std::move(items)), m_count(count) {}

void Progress::reach(std::int64_t done) {
  m_done = done;
  const Clock::time_point now = Clock::now();
  const auto seconds_since = [now](Clock::time_point begin) {
    return std::chrono::duration<double>(now - begin).count();
  };
  if (!m_options.print || m_done >= m_count || seconds_since(m_said) < m_options.seconds) return;
  m_said = now;
  const std::string number =
      m_items.empty() ? "" : std::to_string(m_done) + " of " + std::to_string(m_count) + " " + m_items + ", ";
  m_options.print(m_what + ": " + number + std::to_string(100 * m_done / m_count) + " % after " +
                  formatted("%.0f", seconds_since(m_start)) + " s");
}

}  // namespace rhoflux::inference
