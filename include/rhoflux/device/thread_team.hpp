#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace rhoflux {

/// Threads that wait for work, so that a step does not have to start them.
class ThreadTeam {
 public:
  /// The calling thread is one of them. @param n_threads 1 or more
  explicit ThreadTeam(int n_threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const { return static_cast<int>(m_errors.size()); }

  /// Calls work(k) for k = 0..size()-1, each on a thread of its own, k = 0 on the calling one, and returns when all
  /// have returned. What work(k) throws is thrown here, that of the smallest k where there are several. Not to be
  /// called by two threads at once.
  void run(const std::function<void(int)>& work);

 private:
  void wait_for_work(int k);
  void call(int k);

  std::mutex m_mutex;
  std::condition_variable m_begun, m_ended;
  const std::function<void(int)>* m_work = nullptr;
  long m_n_runs = 0;                         ///< calls of `run` so far
  int m_n_working = 0;                       ///< threads that have not returned from the last one
  bool m_stops = false;                      ///< the threads are to end
  std::vector<std::exception_ptr> m_errors;  ///< of the last run, by thread
  std::vector<std::thread> m_threads;        ///< all but the calling one
};

/// Threads of each rank: the environment variable OMP_NUM_THREADS (of a list the first number), 1 where it is not set.
/// Throws Error (bad input) where it is no whole number from 1 to 1024.
int threads_of_environment();

/// Processors that this process may run on: those that the launcher has bound it to.
int processors_of_process();

}  // namespace rhoflux
