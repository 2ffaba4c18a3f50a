#pragma once

#include <functional>
#include <string>

namespace rhoflux::io {

/// The folder of a path; "." for a name alone.
std::string folder_of(const std::string& path);

/// Fails (bad input) unless `path` can be written: its folder must exist and be writable, and the path itself
/// must be free, or a regular file with overwrite = true; a symbolic link is refused. To be called before long work starts.
void require_absent(const std::string& path, bool overwrite);

/// Fails (bad input) where the output is the input by another name, or by the same.
void require_other_file(const std::string& output, const std::string& input);

/// Writes a file so that a crash at any moment leaves the old file, or none, or the complete new one.
///
/// `write(temporary)` fills a temporary file in the same folder; it is synchronised to disk,
/// `verify(temporary)` reads it again (throwing if it is not good), it is renamed to `path` and the folder is
/// synchronised. After any failure the temporary file is removed and `path` is as before. Errors: bad input
/// as require_absent; an I/O failure when verification or the operating system fails; what `write` and `allow` throw
/// passes through. `allow` is called at last, before the file gets its name.
void write_safely(const std::string& path, bool overwrite,
                  const std::function<void(const std::string&)>& write,
                  const std::function<void(const std::string&)>& verify,
                  const std::function<void()>& allow = {});

/// The steps of write_safely one by one, for a file that several processes fill: one process, the owner,
/// makes this object, the others learn the name of the temporary file. The errors are those of write_safely.
///
/// While it exists, SIGTERM, SIGINT and SIGHUP remove the temporary file before they end the process, unless
/// the process handles them itself.
class PendingFile {
 public:
  PendingFile(const std::string& path, bool overwrite);
  /// Removes the temporary file unless it was published.
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  /// The file to fill, in the folder of `path`: empty at first, under a name that cannot be guessed, and readable for its
  /// owner alone until it is published.
  const std::string& temporary() const { return m_temporary; }

  /// Waits until the temporary file is on disk, and reads it again.
  void sync_and_verify(const std::function<void(const std::string&)>& verify);

  /// Gives the file its name. To be called after sync_and_verify().
  void publish();

 private:
  std::string m_path, m_temporary;
  bool m_overwrite;
  bool m_published = false;
};

/// Removes the temporary files that processes which were killed left in a folder.
/// @param is_ours of the final name of a file: whether its temporary file may go
void remove_abandoned_files(const std::string& folder,
                            const std::function<bool(const std::string& name)>& is_ours);

/// Opens an HDF5 file and reads every dataset in it, which checks every checksum; views of other datasets
/// (Hdf5Writer::view) hold nothing themselves and are left out.
/// Throws (bad input) naming the file and the dataset that cannot be read.
void read_back_check(const std::string& path);

}  // namespace rhoflux::io
