#include "rhoflux/io/safe_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <vector>

#include "hdf5_types.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::io {

namespace fs = std::filesystem;

namespace {

/// .NAME.tmp.UNIQUE is the temporary file of NAME.
constexpr const char* temporary_mark = ".tmp.";

/// Process numbers repeat on other machines that share the folder, so that they alone do not do.
std::string unique_text() {
  std::random_device source;
  char text[32];
  std::snprintf(text, sizeof(text), "%08x%08x", source(), source());
  return text;
}

/// Of a new file, as the umask of the process has it.
mode_t usual_permissions() {
  static const mode_t permissions = [] {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return static_cast<mode_t>(0666 & ~mask);
  }();
  return permissions;
}

/// Waits until a file or folder is on disk.
void synchronise(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    fail_io(path.string() + ": cannot be opened to synchronise it: " + std::strerror(errno));
  const int result = ::fsync(descriptor);
  const int reason = errno;
  ::close(descriptor);
  // Some file systems have no fsync for folders and say EINVAL; they order the rename themselves.
  if (result != 0 && reason != EINVAL) fail_io(path.string() + ": fsync failed: " + std::strerror(reason));
}

}  // namespace

std::string folder_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

void require_other_file(const std::string& output, const std::string& input) {
  std::error_code ignored;
  if (fs::equivalent(input, output, ignored))
    fail_input(input + ": is the input and the output; give the output another name");
}

void require_absent(const std::string& path, bool overwrite) {
  if (path.empty()) fail_input("the name of the output file is empty");
  std::error_code status;
  const fs::path folder = folder_of(path);
  if (!fs::is_directory(folder, status)) fail_input(path + ": there is no folder " + folder.string());
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    fail_input(path + ": the folder " + folder.string() + " is not writable: " + std::strerror(errno));
  }
  if (!fs::exists(fs::symlink_status(path, status))) return;
  if (fs::is_symlink(fs::symlink_status(path, status)) && !fs::is_directory(path, status))
    fail_input(
        path +
        ": is a symbolic link, which is neither replaced nor followed; give the name of the file itself");
  if (fs::is_directory(path, status)) fail_input(path + ": is a folder; give the name of a file");
  if (fs::exists(path, status) && !fs::is_regular_file(path, status))
    fail_input(path + ": is a device, a pipe or a socket; give the name of a file");
  if (!overwrite) fail_input(path + ": already exists; give --force to overwrite");
}

namespace {

// ---- temporary files of a process that a signal ends ----

/// The names that a signal handler may read at any moment.
struct PendingName {
  std::atomic<bool> is_set{false};
  char name[4096];
};
PendingName pending_names[8];
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void remove_pending_and_end(int signal_number) {
  for (PendingName& pending : pending_names)
    if (pending.is_set) ::unlink(pending.name);
  ::signal(signal_number, SIG_DFL);
  ::raise(signal_number);
}

/// Signals that would end the process; where it handles them itself, training does, they stay as they are.
void clean_up_on_signals() {
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP}) {
    struct sigaction present = {};
    if (::sigaction(signal_number, nullptr, &present) != 0 || present.sa_handler != SIG_DFL) continue;
    struct sigaction action = {};
    action.sa_handler = remove_pending_and_end;
    ::sigaction(signal_number, &action, nullptr);
  }
}

void note_pending(const std::string& name) {
  clean_up_on_signals();
  for (PendingName& pending : pending_names) {
    if (pending.is_set || name.size() >= sizeof(pending.name)) continue;
    std::memcpy(pending.name, name.c_str(), name.size() + 1);
    pending.is_set = true;
    return;
  }
}

void forget_pending(const std::string& name) {
  for (PendingName& pending : pending_names)
    if (pending.is_set && name == pending.name) pending.is_set = false;
}

}  // namespace

PendingFile::PendingFile(const std::string& path, bool overwrite) : m_path(path), m_overwrite(overwrite) {
  require_absent(path, overwrite);
  const std::string name = "." + fs::path(path).filename().string() + temporary_mark + unique_text();
  m_temporary = (fs::path(folder_of(path)) / name).string();
  note_pending(m_temporary);
  const int descriptor =
      ::open(m_temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    const int reason = errno;
    forget_pending(m_temporary);
    fail_io(path + ": a temporary file cannot be made beside it: " + std::strerror(reason));
  }
  ::close(descriptor);
}

PendingFile::~PendingFile() {
  std::error_code ignored;
  if (!m_published) fs::remove(m_temporary, ignored);
  forget_pending(m_temporary);
}

void PendingFile::sync_and_verify(const std::function<void(const std::string&)>& verify) {
  synchronise(m_temporary);
  try {
    verify(m_temporary);
  } catch (const Error& error) {
    fail_io(m_path + ": what was written does not read back: " + error.what());
  }
}

void PendingFile::publish() {
  require_absent(m_path, m_overwrite);
  if (::chmod(m_temporary.c_str(), usual_permissions()) != 0 && errno != EPERM && errno != ENOTSUP)
    fail_io(m_path + ": cannot be given the usual permissions: " + std::strerror(errno));
  if (std::rename(m_temporary.c_str(), m_path.c_str()) != 0) {
    fail_io(m_path + ": cannot rename the temporary file " + m_temporary + ": " + std::strerror(errno));
  }
  m_published = true;
  forget_pending(m_temporary);
  synchronise(folder_of(m_path));
}

void write_safely(const std::string& path, bool overwrite,
                  const std::function<void(const std::string&)>& write,
                  const std::function<void(const std::string&)>& verify, const std::function<void()>& allow) {
  PendingFile file(path, overwrite);
  write(file.temporary());
  file.sync_and_verify(verify);
  if (allow) allow();
  file.publish();
}

void remove_abandoned_files(const std::string& folder,
                            const std::function<bool(const std::string& name)>& is_ours) {
  std::vector<fs::path> abandoned;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const std::size_t end = name.rfind(temporary_mark);
    if (name.front() == '.' && end != std::string::npos && is_ours(name.substr(1, end - 1)))
      abandoned.push_back(entry.path());
  }
  for (const fs::path& path : abandoned) fs::remove(path, ignored);
}

namespace {

/// Reads the entries first .. first + count of the leading dimension (everything, for a scalar) and drops
/// them.
void read_and_drop(hid_t dataset, hid_t type, hid_t space, hid_t memory, std::size_t elements,
                   const std::string& what) {
  std::vector<char> buffer(elements * type_bytes(type, what));
  check_hdf5(H5Dread(dataset, type, memory, space, H5P_DEFAULT, buffer.data()), ExitCode::bad_input, what);
  if (H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tis_variable_str(type) > 0) {
    check_hdf5(H5Dvlen_reclaim(type, memory, H5P_DEFAULT, buffer.data()), ExitCode::bad_input, what);
  }
}

void read_dataset(const Hdf5Handle& dataset, const std::string& what) {
  constexpr ExitCode code = ExitCode::bad_input;
  Hdf5Handle creation = own_hdf5(H5Dget_create_plist(dataset.id()), H5Pclose, code, what);
  if (H5Pget_layout(creation.id()) == H5D_VIRTUAL) return;
  Hdf5Handle type = own_hdf5(H5Dget_type(dataset.id()), H5Tclose, code, what);
  Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, code, what);
  const auto total = static_cast<hsize_t>(space_count(space.id(), what));
  if (total == 0) return;
  const std::vector<hsize_t> extents = to_hsize(space_shape(space.id(), what));
  if (extents.empty()) {
    read_and_drop(dataset.id(), type.id(), space.id(), space.id(), 1, what);
    return;
  }
  // Pieces of about 8 MiB, so that verifying a large file needs no large memory.
  const hsize_t row = total / extents[0];
  const hsize_t piece = std::max<hsize_t>(1, (hsize_t{8} << 20) / (row * type_bytes(type.id(), what)));
  std::vector<hsize_t> start(extents.size(), 0);
  std::vector<hsize_t> count = extents;
  for (hsize_t first = 0; first < extents[0]; first += piece) {
    start[0] = first;
    count[0] = std::min(piece, extents[0] - first);
    check_hdf5(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
               code, what);
    Hdf5Handle memory = own_hdf5(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
                                 H5Sclose, code, what);
    read_and_drop(dataset.id(), type.id(), space.id(), memory.id(), static_cast<std::size_t>(count[0] * row),
                  what);
  }
}

/// Reads every dataset below a group.
void read_members(const Hdf5Handle& group, const std::string& group_name, const std::string& path) {
  constexpr ExitCode code = ExitCode::bad_input;
  for (const std::string& member :
       member_names(group.id(), path + ", '" + group_name + "': cannot list the group")) {
    const std::string name = group_name + "/" + member;
    const std::string what = path + ", '" + name + "': cannot read it";
    Hdf5Handle object = own_hdf5(H5Oopen(group.id(), member.c_str(), H5P_DEFAULT), H5Oclose, code, what);
    const H5I_type_t kind = H5Iget_type(object.id());
    if (kind == H5I_DATASET) read_dataset(object, what);
    if (kind == H5I_GROUP) read_members(object, name, path);
  }
}

}  // namespace

void read_back_check(const std::string& path) {
  silence_hdf5();
  std::error_code ignored;
  if (!fs::exists(path, ignored)) fail_input(path + ": no such file");
  const Hdf5Handle access = file_access(path, ExitCode::bad_input);
  Hdf5Handle file = own_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose,
                             ExitCode::bad_input, path + ": not an HDF5 file, or damaged");
  Hdf5Handle root = own_hdf5(H5Gopen2(file.id(), "/", H5P_DEFAULT), H5Gclose, ExitCode::bad_input,
                             path + ": cannot open the root group");
  read_members(root, "", path);
}

}  // namespace rhoflux::io
