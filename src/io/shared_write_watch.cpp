#include "shared_write_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "rhoflux/core/error.hpp"

namespace rhoflux::io {
namespace {

constexpr auto tick = std::chrono::milliseconds(50);
constexpr auto longest_tick = std::chrono::milliseconds(1000);  // longer: the process was suspended

std::atomic<SharedWriteWatch*> current{nullptr};  // an error handler of MPI has no data of its own

std::string text_of(int code) {
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) return "an error of MPI";
  return {text, static_cast<std::size_t>(length)};
}

}  // namespace

SharedWriteWatch::SharedWriteWatch(std::string name, Answer answer, Duration patience)
    : m_name(std::move(name)), m_answer(std::move(answer)), m_patience(patience) {
  current = this;
  // Never freed here: MPICH 4.0 frees it with the file that has it, and ends the program where it is freed twice.
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  MPI_File_create_errhandler(&SharedWriteWatch::on_error, &handler);
  MPI_File_set_errhandler(MPI_FILE_NULL, handler);
}

SharedWriteWatch::~SharedWriteWatch() {
  opened();
  current = nullptr;
  {
    const std::lock_guard<std::mutex> lock(m_mutex);
    m_is_over = true;
  }
  m_ended.notify_one();
  if (m_thread.joinable()) m_thread.join();
}

void SharedWriteWatch::opened() {
  MPI_File_set_errhandler(MPI_FILE_NULL, MPI_ERRORS_RETURN);
}

/// What MPI calls before it returns the code.
void SharedWriteWatch::on_error(MPI_File* /*file*/, int* code, ...) {
  SharedWriteWatch* const watch = current;
  if (watch != nullptr) watch->expect_end(watch->m_name + ": cannot write the file: " + text_of(*code));
}

void SharedWriteWatch::expect_end(const std::string& error, Duration patience) {
  const std::lock_guard<std::mutex> lock(m_mutex);
  const bool is_first = !m_thread.joinable();
  if (!is_first && m_left <= patience) return;
  m_error = error;
  m_left = patience;
  if (is_first) m_thread = std::thread([this] { wait(); });
}

void SharedWriteWatch::wait() {
  std::unique_lock<std::mutex> lock(m_mutex);
  auto before = std::chrono::steady_clock::now();
  while (m_left.count() > 0) {
    if (m_ended.wait_for(lock, tick, [this] { return m_is_over; })) return;
    const auto now = std::chrono::steady_clock::now();
    m_left -= std::min<Duration>(std::chrono::duration_cast<Duration>(now - before), longest_tick);
    before = now;
  }
  const std::string error = m_error;
  lock.unlock();
  m_answer(error);
}

void end_shared_write(const std::vector<std::string>& files, const std::string& error) {
  const int code = static_cast<int>(ExitCode::io_failure);
  std::cerr << "rhoflux: error: " + error + '\n' << std::flush;
  // A file system that does not answer, and an MPI whose lock another thread has, are left behind.
  std::thread([code] {
    std::this_thread::sleep_for(std::chrono::seconds(10));
    std::_Exit(code);
  }).detach();
  std::atomic<bool> are_removed{false};
  std::thread([&are_removed, files] {
    for (const std::string& file : files) ::unlink(file.c_str());
    are_removed = true;
  }).detach();
  for (int k = 0; k < 40 && !are_removed; ++k) std::this_thread::sleep_for(tick);
  MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);
}

}  // namespace rhoflux::io
