#pragma once

#include <string>

namespace rhoflux::io {

/// SHA-256 of a file in 64 hexadecimal digits, as sha256sum prints it. Reads in pieces of 1 MiB.
/// Throws Error: bad input if the file cannot be opened, an I/O failure if reading fails.
std::string sha256_of_file(const std::string& path);

}  // namespace rhoflux::io
