#include "rhoflux/device/thread_team.hpp"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "rhoflux/core/error.hpp"

namespace rhoflux {

ThreadTeam::ThreadTeam(int n_threads) : m_errors(static_cast<std::size_t>(n_threads)) {
  for (int k = 1; k < n_threads; ++k) m_threads.emplace_back([this, k] { wait_for_work(k); });
}

ThreadTeam::~ThreadTeam() {
  {
    const std::lock_guard<std::mutex> lock(m_mutex);
    m_stops = true;
  }
  m_begun.notify_all();
  for (std::thread& thread : m_threads) thread.join();
}

void ThreadTeam::call(int k) {
  try {
    (*m_work)(k);
  } catch (...) {
    m_errors[static_cast<std::size_t>(k)] = std::current_exception();
  }
}

void ThreadTeam::wait_for_work(int k) {
  for (long n_done = 0;; ++n_done) {
    {
      std::unique_lock<std::mutex> lock(m_mutex);
      m_begun.wait(lock, [&] { return m_stops || m_n_runs > n_done; });
      if (m_stops) return;
    }
    call(k);
    const std::lock_guard<std::mutex> lock(m_mutex);
    if (--m_n_working == 0) m_ended.notify_one();
  }
}

void ThreadTeam::run(const std::function<void(int)>& work) {
  {
    const std::lock_guard<std::mutex> lock(m_mutex);
    m_work = &work;
    m_n_working = static_cast<int>(m_threads.size());
    for (std::exception_ptr& error : m_errors) error = nullptr;
    ++m_n_runs;
  }
  m_begun.notify_all();
  call(0);
  std::unique_lock<std::mutex> lock(m_mutex);
  m_ended.wait(lock, [&] { return m_n_working == 0; });
  for (const std::exception_ptr& error : m_errors)
    if (error) std::rethrow_exception(error);
}

int threads_of_environment() {
  const char* given = std::getenv("OMP_NUM_THREADS");
  if (given == nullptr || *given == '\0') return 1;
  char* end = nullptr;
  const long threads = std::strtol(given, &end, 10);
  if (end == given || (*end != '\0' && *end != ',') || threads < 1 || threads > 1024)
    fail_input("OMP_NUM_THREADS = " + std::string(given) + ": must be a whole number from 1 to 1024");
  return static_cast<int>(threads);
}

int processors_of_process() {
  cpu_set_t processors;
  CPU_ZERO(&processors);
  if (sched_getaffinity(0, sizeof(processors), &processors) != 0)  // more of them than a cpu_set_t holds
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return CPU_COUNT(&processors);
}

}  // namespace rhoflux
