/// Loaded before a program (LD_PRELOAD), makes its calls on some files fail or take long, as on a disk or a network file system
/// that does. By the environment:
///   FAILING_CALL   write, fsync, rename, open or flock
///   FAILING_ERROR  the number of the error, as in errno.h
///   FAILING_PATH   a part of the paths of the files that are meant
///   FAILING_AFTER  so many calls succeed first (0); negative: all calls succeed, after that many milliseconds each

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<long> calls{0};

/// True if this call of `name` on the path has to fail; errno is set then.
bool fails(const char* name, const char* path) {
  const char* call = std::getenv("FAILING_CALL");
  const char* part = std::getenv("FAILING_PATH");
  if (call == nullptr || part == nullptr || std::strcmp(call, name) != 0 ||
      std::strstr(path, part) == nullptr)
    return false;
  const char* text = std::getenv("FAILING_AFTER");
  const long after = text == nullptr ? 0 : std::atol(text);
  if (after < 0) {
    ::usleep(static_cast<useconds_t>(-after * 1000));
    return false;
  }
  if (calls++ < after) return false;
  errno = std::atoi(std::getenv("FAILING_ERROR"));
  return true;
}

bool fails(const char* name, int descriptor) {
  char link[64], path[PATH_MAX] = {};
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
  return ::readlink(link, path, sizeof(path) - 1) > 0 && fails(name, path);
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t size) {
  if (fails("write", descriptor)) return -1;
  return real<ssize_t (*)(int, const void*, size_t)>("write")(descriptor, bytes, size);
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t place) {
  if (fails("write", descriptor)) return -1;
  return real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite")(descriptor, bytes, size, place);
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
  if (fails("write", descriptor)) return -1;
  return real<ssize_t (*)(int, const iovec*, int)>("writev")(descriptor, parts, count);
}

int fsync(int descriptor) {
  if (fails("fsync", descriptor)) return -1;
  return real<int (*)(int)>("fsync")(descriptor);
}

int flock(int descriptor, int operation) {
  if (fails("flock", descriptor)) return -1;
  return real<int (*)(int, int)>("flock")(descriptor, operation);
}

int rename(const char* from, const char* to) {
  if (fails("rename", to)) return -1;
  return real<int (*)(const char*, const char*)>("rename")(from, to);
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  if ((flags & O_ACCMODE) != O_RDONLY && fails("open", path)) return -1;
  return real<int (*)(const char*, int, ...)>("open")(path, flags, mode);
}

// On 64-bit machines the two are one.
ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t place)
    __attribute__((alias("pwrite")));
int open64(const char* path, int flags, ...) __attribute__((alias("open")));
}
