#pragma once

#include <zlib.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rhoflux::importers {

/// The lines of a text file, which may be compressed (gzip), with the number of the last one.
///
/// Line ends are LF or CRLF, or CR alone where the file begins with such lines (old Macintosh), and are taken
/// away, as is a byte order mark. Bad input: no such file, a folder, a
/// file in UTF-16 or with zero bytes (no text), a damaged or cut-off gzip stream, a line of more than 16 MiB.
class TextLines {
 public:
  explicit TextLines(const std::string& path);

  /// The next line, valid until the next call; false at the end of the file.
  bool next(std::string_view& line);

  /// Makes the line longer by the one that follows it, and by the line end between them; false at the end of
  /// the file.
  bool extend(std::string_view& line);

  /// Goes to the first line.
  void rewind();

  /// Number of the line that next() gave last, from 1.
  std::int64_t number() const { return m_number; }
  std::string place() const { return m_path + ", line " + std::to_string(m_number); }
  const std::string& path() const { return m_path; }
  bool is_compressed() const { return m_is_compressed; }
  bool has_cr_lines() const { return m_line_end == '\r'; }

  [[noreturn]] void fail(const std::string& message) const;

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };

  void open();
  bool has_utf16_mark() const;
  [[noreturn]] void fail_utf16() const;
  [[noreturn]] void fail_zero_bytes() const;
  bool fill();
  bool find_line_end(std::size_t from, std::size_t& end);
  std::string_view held_line(std::size_t end) const;

  std::string m_path;
  std::unique_ptr<gzFile_s, Close> m_file;
  std::vector<char> m_bytes;      ///< read and not yet given out, from m_begin on
  std::size_t m_begin = 0;        ///< of the present line
  std::size_t m_next = 0;         ///< of the line after it
  std::size_t m_filled = 0;       ///< bytes that are in m_bytes
  std::int64_t m_number = 0;      ///< of the present line, where it begins
  std::int64_t m_lines_read = 0;  ///< line ends passed
  char m_line_end = '\n';
  bool m_is_at_end = false, m_is_compressed = false;
};

}  // namespace rhoflux::importers
