#pragma once

#include <functional>
#include <string>

namespace rhoflux::io {

/// Fails (bad input) unless `path` can be written: its folder must exist and be writable, and the path itself
/// must be free, or a regular file with overwrite = true. To be called before long work starts.
void require_absent(const std::string& path, bool overwrite);

/// Writes a file so that a crash at any moment leaves the old file, or none, or the complete new one.
///
/// `write(temporary)` fills a temporary file in the same folder; it is synchronised to disk,
/// `verify(temporary)` reads it again (throwing if it is not good), it is renamed to `path` and the folder is
/// synchronised. After any failure the temporary file is removed and `path` is as before. Errors: bad input
/// as require_absent; an I/O failure when verification or the operating system fails; what `write` throws
/// passes through.
void write_safely(const std::string& path, bool overwrite,
                  const std::function<void(const std::string&)>& write,
                  const std::function<void(const std::string&)>& verify);

/// Opens an HDF5 file and reads every dataset in it, which checks every checksum.
/// Throws (bad input) naming the file and the dataset that cannot be read.
void read_back_check(const std::string& path);

}  // namespace rhoflux::io
