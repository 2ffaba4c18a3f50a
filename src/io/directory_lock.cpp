#include "rhoflux/io/directory_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

#include "rhoflux/core/error.hpp"

namespace rhoflux::io {
namespace {

constexpr auto pause = std::chrono::milliseconds(100);

/// True if the path still leads to the open file: the last holder may have removed it in between.
bool is_current(int descriptor, const std::string& path) {
  struct stat ours = {}, theirs = {};
  return ::fstat(descriptor, &ours) == 0 && ::stat(path.c_str(), &theirs) == 0 &&
         ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

std::string this_process() {
  char host[256] = {};
  ::gethostname(host, sizeof(host) - 1);
  const char* job = std::getenv("SLURM_JOB_ID");
  return "process " + std::to_string(::getpid()) + " on " + host +
         (job == nullptr ? "" : std::string(", SLURM job ") + job);
}

std::string holder(int descriptor) {
  char text[512] = {};
  const ssize_t size = ::pread(descriptor, text, sizeof(text) - 1, 0);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "another process";
}

}  // namespace

DirectoryLock::DirectoryLock(const std::string& directory, std::chrono::milliseconds patience)
    : m_path((std::filesystem::path(directory) / ".lock").string()) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;; std::this_thread::sleep_for(pause)) {
    const int descriptor = ::open(m_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) {
      const std::string message = directory + ": cannot be locked for this run: " + std::strerror(errno);
      if (errno == ENOSPC || errno == EDQUOT || errno == EIO) fail_io(message);
      fail_input(message);
    }
    const bool locked = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    const bool is_held_by_another = !locked && errno == EWOULDBLOCK;
    const bool is_late = std::chrono::steady_clock::now() > end;
    if (locked ? is_current(descriptor, m_path) : !is_held_by_another) {
      m_descriptor = descriptor;
      m_is_effective = locked;
      break;
    }
    const std::string who = holder(descriptor);
    ::close(descriptor);
    if (is_late)
      fail_input(directory + ": another run is writing here (" + who +
                 "); wait for it, or give another checkpoint.directory");
  }
  const std::string who = this_process();
  // For the message of another run alone: a disk that is full does not matter here.
  const bool written = ::ftruncate(m_descriptor, 0) == 0 && ::write(m_descriptor, who.data(), who.size()) > 0;
  (void)written;
}

DirectoryLock::~DirectoryLock() {
  if (m_descriptor < 0) return;
  ::unlink(m_path.c_str());  // before the lock is given up, so that nobody else's is removed
  ::close(m_descriptor);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : m_path(std::move(other.m_path)),
      m_descriptor(std::exchange(other.m_descriptor, -1)),
      m_is_effective(other.m_is_effective) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(m_path, other.m_path);
  std::swap(m_descriptor, other.m_descriptor);
  std::swap(m_is_effective, other.m_is_effective);
  return *this;
}

}  // namespace rhoflux::io
