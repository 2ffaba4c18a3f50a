#pragma once

#include <chrono>
#include <string>

namespace rhoflux::io {

/// Keeps two runs from writing to one directory: holds a lock (flock) on `directory`/.lock, which the
/// operating system releases however the process ends. The file says who holds it, and is removed at the end.
class DirectoryLock {
 public:
  DirectoryLock() = default;
  /// Waits up to `patience` for a holder that is about to end. Throws Error: bad input, naming the holder, if
  /// the lock is held after that, or if the file cannot be made.
  explicit DirectoryLock(const std::string& directory,
                         std::chrono::milliseconds patience = std::chrono::seconds(10));
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;

  bool is_held() const { return m_descriptor >= 0; }
  /// False on a file system without locks; then nothing keeps two runs apart.
  bool is_effective() const { return m_is_effective; }

 private:
  std::string m_path;
  int m_descriptor = -1;
  bool m_is_effective = true;
};

}  // namespace rhoflux::io
