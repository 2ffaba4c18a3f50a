#include "rhoflux/io/hdf5_handle.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace rhoflux::io {

std::string to_string(const Shape& shape) {
  if (shape.empty()) return "scalar";
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + (shape[i] == -1 ? std::string("any") : std::to_string(shape[i]));
  }
  return text + ")";
}

std::int64_t element_count(const Shape& shape) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::int64_t count = std::count(shape.begin(), shape.end(), 0) > 0 ? 0 : 1;
  for (const std::int64_t extent : shape) {
    if (extent > 0 && count > most / extent)
      fail_input("a shape " + to_string(shape) + " has too many elements");
    count *= extent;
  }
  return count;
}

Hdf5Handle::Hdf5Handle(Hdf5Handle&& other) noexcept : m_id(other.m_id), m_close(other.m_close) {
  other.m_id = -1;
}

Hdf5Handle& Hdf5Handle::operator=(Hdf5Handle&& other) noexcept {
  if (this != &other) {
    reset();
    m_id = other.m_id;
    m_close = other.m_close;
    other.m_id = -1;
  }
  return *this;
}

herr_t Hdf5Handle::reset() noexcept {
  if (m_id < 0) return 0;
  const hid_t id = m_id;
  m_id = -1;
  return m_close(id);
}

void silence_hdf5() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

void start_hdf5_without_end() {
  H5dont_atexit();
  H5open();  // before MPI_Init: later it would hook itself into MPI_Finalize
  silence_hdf5();
}

namespace {
/// Keeps the cause (the first and innermost entry) and the call that failed (the last), which is what helps a
/// user.
struct StackText {
  std::string innermost;
  std::string outermost;
};
herr_t collect_error(unsigned, const H5E_error2_t* entry, void* data) {
  auto* text = static_cast<StackText*>(data);
  const std::string line = std::string(entry->func_name) + ": " + entry->desc;
  if (text->innermost.empty()) text->innermost = line;
  text->outermost = line;
  return 0;
}
}  // namespace

void fail_hdf5(ExitCode code, const std::string& what) {
  StackText text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect_error, &text);
  H5Eclear2(H5E_DEFAULT);
  std::string message = what;
  if (!text.innermost.empty()) {
    message += " (HDF5: " + text.outermost;
    if (text.innermost != text.outermost) message += "; cause: " + text.innermost;
    message += ")";
  }
  throw Error(code, message);
}

Hdf5Handle own_hdf5(hid_t id, Hdf5Handle::Close close, ExitCode code, const std::string& what) {
  return {check_hdf5(id, code, what), close};
}

namespace {

bool has_locks(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return true;
  const bool is_without = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 &&
                          (errno == ENOLCK || errno == ENOSYS || errno == EOPNOTSUPP);
  ::close(descriptor);
  return !is_without;
}

}  // namespace

Hdf5Handle file_access(const std::string& path, ExitCode code) {
  Hdf5Handle access = own_hdf5(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, code, path);
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
  if (!has_locks(path)) check_hdf5(H5Pset_file_locking(access.id(), false, true), code, path);
#else
  (void)has_locks;
#endif
  return access;
}

std::vector<std::string> member_names(hid_t group, const std::string& what) {
  H5G_info_t info;
  check_hdf5(H5Gget_info(group, &info), ExitCode::bad_input, what);
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const ssize_t length =
        check_hdf5(H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT),
                   ExitCode::bad_input, what);
    std::string name(static_cast<std::size_t>(length) + 1, '\0');
    check_hdf5(
        H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT),
        ExitCode::bad_input, what);
    name.pop_back();
    names.push_back(name);
  }
  return names;
}

}  // namespace rhoflux::io
