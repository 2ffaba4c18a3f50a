#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "npy_header.hpp"

struct zip;
struct zip_file;

namespace rhoflux::importers {

/// A ZIP archive, opened for reading (by libzip).
class ZipArchive {
 public:
  explicit ZipArchive(const std::string& path);

  /// Names of its members. Bad input for a name with a path in it: arrays are members of the archive itself.
  std::vector<std::string> members() const;
  const std::string& path() const { return m_path; }
  zip* get() const { return m_zip.get(); }

 private:
  struct Close {
    void operator()(zip* archive) const;
  };
  std::string m_path;
  std::unique_ptr<zip, Close> m_zip;
};

/// The entries of one array of an .npz file, one after the other, in the order of the file.
class NpyStream {
 public:
  NpyStream(const std::string& path, const std::string& array);

  const NpyHeader& header() const { return m_header; }
  /// "FILE, array 'NAME'"
  const std::string& what() const { return m_what; }

  /// Passes over entries.
  void skip(std::int64_t count);

  /// Reads what is left, whereupon the checksum of the array is compared. Bad input where it differs.
  void finish();

  /// The next entries as numbers. Bad input for texts and dates.
  void read(std::int64_t count, std::vector<double>& values);

  /// The next entries as texts.
  void read(std::int64_t count, std::vector<std::string>& values);

 private:
  struct Close {
    void operator()(zip_file* file) const;
  };
  void read_header();
  void read_bytes(char* to, std::size_t bytes);
  void load(std::int64_t count);
  double number_of(const char* item) const;
  std::string text_of(const char* item) const;

  std::string m_what;
  ZipArchive m_archive;
  std::unique_ptr<zip_file, Close> m_file;
  NpyHeader m_header;
  std::vector<char> m_bytes;
};

}  // namespace rhoflux::importers
