#include "rhoflux/io/directory_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

#include "rhoflux/core/error.hpp"

namespace rhoflux::io {
namespace {

constexpr auto pause = std::chrono::milliseconds(100);

/// True if the path still leads to the open file: the last holder may have removed it, or another run may have put its
/// own there. Opened anew, because network file systems look at the server then.
bool is_current(int descriptor, const std::string& path) {
  const int now = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (now < 0) return false;
  struct stat ours = {}, theirs = {};
  const bool same = ::fstat(descriptor, &ours) == 0 && ::fstat(now, &theirs) == 0 &&
                    ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
  ::close(now);
  return same;
}

/// A job of SLURM and how often it had been put back into the queue before this start of it.
struct JobStart {
  std::string job;
  long restarts = -1;
};

constexpr const char* job_mark = ", SLURM job ";
constexpr const char* restart_mark = ", restart ";

JobStart this_start() {
  const char* job = std::getenv("SLURM_JOB_ID");
  const char* restarts = std::getenv("SLURM_RESTART_COUNT");
  if (job == nullptr) return {};
  return {job, restarts == nullptr ? 0 : std::strtol(restarts, nullptr, 10)};
}

std::string this_process() {
  char host[256] = {};
  ::gethostname(host, sizeof(host) - 1);
  const JobStart start = this_start();
  return "process " + std::to_string(::getpid()) + " on " + host +
         (start.job.empty() ? "" : job_mark + start.job + restart_mark + std::to_string(start.restarts));
}

/// What this_process() has written.
JobStart start_of(const std::string& holder) {
  const std::size_t job = holder.rfind(job_mark), restart = holder.rfind(restart_mark);
  if (job == std::string::npos || restart == std::string::npos || restart < job) return {};
  const std::size_t begin = job + std::strlen(job_mark);
  return {holder.substr(begin, restart - begin),
          std::strtol(holder.c_str() + restart + std::strlen(restart_mark), nullptr, 10)};
}

bool is_earlier_start_of_this_job(const std::string& holder) {
  const JobStart ours = this_start(), theirs = start_of(holder);
  return !ours.job.empty() && ours.job == theirs.job && theirs.restarts < ours.restarts;
}

std::string text_of(int descriptor) {
  char text[512] = {};
  const ssize_t size = ::pread(descriptor, text, sizeof(text) - 1, 0);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "another process";
}

/// For the messages of other runs alone: a disk that is full does not matter here.
void sign(int descriptor) {
  const std::string who = this_process();
  const bool written = ::ftruncate(descriptor, 0) == 0 && ::pwrite(descriptor, who.data(), who.size(), 0) > 0;
  (void)written;
}

[[noreturn]] void fail_to_lock(const std::string& directory) {
  const std::string message = directory + ": cannot be locked for this run: " + std::strerror(errno);
  if (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == ESTALE) fail_io(message);
  fail_input(message);
}

/// Puts a new file, locked where that is possible, in the place of the lock; gives its descriptor.
int replace(const std::string& directory, const std::string& path) {
  std::string name = path + ".XXXXXX";
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) fail_to_lock(directory);
  (void)::fchmod(descriptor, 0644);
  sign(descriptor);
  (void)::flock(descriptor, LOCK_EX | LOCK_NB);
  if (std::rename(name.c_str(), path.c_str()) == 0) return descriptor;
  const int reason = errno;
  ::unlink(name.c_str());
  ::close(descriptor);
  errno = reason;
  fail_to_lock(directory);
}

}  // namespace

DirectoryLock::DirectoryLock(const std::string& directory, std::chrono::milliseconds patience)
    : m_path((std::filesystem::path(directory) / ".lock").string()), m_directory(directory) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;; std::this_thread::sleep_for(pause)) {
    const int descriptor = ::open(m_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor < 0) fail_to_lock(directory);
    const bool locked = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    const bool is_held_by_another = !locked && errno == EWOULDBLOCK;
    if (locked && is_current(descriptor, m_path)) {
      m_descriptor = descriptor;
      sign(descriptor);
      return;
    }
    const std::string who = text_of(descriptor);
    ::close(descriptor);
    if (!locked && !is_held_by_another) {
      m_is_effective = false;
      m_descriptor = replace(directory, m_path);
      return;
    }
    if (std::chrono::steady_clock::now() <= end) continue;
    if (!is_earlier_start_of_this_job(who))
      fail_input(directory + ": another run is writing here (" + who +
                 "); wait for it, or give another checkpoint.directory");
    m_taken_from = who;
    m_descriptor = replace(directory, m_path);
    return;
  }
}

std::string DirectoryLock::loss() const {
  if (!is_held() || is_current(m_descriptor, m_path)) return "";
  const int descriptor = ::open(m_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  const std::string who = descriptor < 0 ? "" : text_of(descriptor);
  if (descriptor >= 0) ::close(descriptor);
  return m_directory +
         (who.empty()
              ? ": its file .lock is gone; another run has come and ended, or somebody has removed the file"
              : ": another run has taken this directory over (" + who + ")") +
         "; this run ends and writes nothing more";
}

void DirectoryLock::require_held() const {
  if (const std::string lost = loss(); !lost.empty()) fail_io(lost);
}

DirectoryLock::~DirectoryLock() {
  if (m_descriptor < 0) return;
  // Before the lock is given up, so that nobody else's is removed.
  if (is_current(m_descriptor, m_path)) ::unlink(m_path.c_str());
  ::close(m_descriptor);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : m_path(std::move(other.m_path)),
      m_directory(std::move(other.m_directory)),
      m_taken_from(std::move(other.m_taken_from)),
      m_descriptor(std::exchange(other.m_descriptor, -1)),
      m_is_effective(other.m_is_effective) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(m_path, other.m_path);
  std::swap(m_directory, other.m_directory);
  std::swap(m_taken_from, other.m_taken_from);
  std::swap(m_descriptor, other.m_descriptor);
  std::swap(m_is_effective, other.m_is_effective);
  return *this;
}

}  // namespace rhoflux::io
