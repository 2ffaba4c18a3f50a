#pragma once

#include <chrono>
#include <string>

namespace rhoflux::io {

/// Keeps two runs from writing to one directory: holds a lock (flock) on `directory`/.lock, which the
/// operating system releases however the process ends. The file says who holds it, and is removed at the end.
///
/// A job that SLURM has put back into the queue (same SLURM_JOB_ID, greater SLURM_RESTART_COUNT) takes the directory
/// from an earlier start of itself that still has it: SLURM has given that one up, but where its machine has lost the
/// network its processes may go on. On a file system without locks every run takes the directory from the one before.
/// Who has lost it finds that out by require_held(), to be called before anything is written.
class DirectoryLock {
 public:
  DirectoryLock() = default;
  /// Waits up to `patience` for a holder that is about to end. Throws Error: bad input, naming the holder, if
  /// the lock is held after that by another run, or if the file cannot be made.
  explicit DirectoryLock(const std::string& directory,
                         std::chrono::milliseconds patience = std::chrono::seconds(10));
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;

  bool is_held() const { return m_descriptor >= 0; }
  /// False on a file system without locks; then a second run takes the directory from the first.
  bool is_effective() const { return m_is_effective; }
  /// Who had the directory and may still be alive, where it was taken from somebody; else empty.
  const std::string& taken_from() const { return m_taken_from; }

  /// That another run, which it names, has taken the directory; "" where that is not so.
  std::string loss() const;
  /// Throws Error (I/O failure) with loss(), if there is one.
  void require_held() const;

 private:
  std::string m_path;
  std::string m_directory;
  std::string m_taken_from;
  int m_descriptor = -1;
  bool m_is_effective = true;
};

}  // namespace rhoflux::io
