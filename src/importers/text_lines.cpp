#include "text_lines.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "rhoflux/core/error.hpp"

namespace rhoflux::importers {

namespace {
constexpr std::size_t block_bytes = std::size_t{1} << 20;
constexpr std::size_t longest_line = std::size_t{16} << 20;
}  // namespace

TextLines::TextLines(const std::string& path) : m_path(path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) fail_input(path + ": no such file");
  if (std::filesystem::is_directory(path, ignored))
    fail_input(path + ": is a folder, expected a table of text");
  open();
}

void TextLines::open() {
  m_file.reset(gzopen(m_path.c_str(), "rb"));
  if (!m_file) fail_input(m_path + ": cannot be opened for reading");
  gzbuffer(m_file.get(), 1 << 18);
  m_bytes.resize(block_bytes);
  m_begin = m_next = m_filled = 0;
  m_number = m_lines_read = 0;
  m_is_at_end = false;
  fill();
  m_is_compressed = gzdirect(m_file.get()) == 0;
  const std::string_view start(m_bytes.data(), m_filled);
  if (has_utf16_mark()) fail_utf16();
  const std::size_t cr = start.find('\r');
  const bool is_cut_in_crlf = cr + 1 == start.size() && start.size() == block_bytes;
  m_line_end = cr != std::string_view::npos && start.find('\n') == std::string_view::npos && !is_cut_in_crlf
                   ? '\r'
                   : '\n';
  if (start.substr(0, 3) == "\xEF\xBB\xBF") m_next = 3;
}

void TextLines::rewind() {
  open();
}

void TextLines::fail(const std::string& message) const {
  fail_input(place() + ": " + message);
}

bool TextLines::has_utf16_mark() const {
  const std::string_view start(m_bytes.data(), 2);
  return start == "\xFF\xFE" || start == "\xFE\xFF";
}

void TextLines::fail_utf16() const {
  fail_input(m_path + ": is text in UTF-16; save it in UTF-8");
}

void TextLines::fail_zero_bytes() const {
  if (m_lines_read == 0 && has_utf16_mark()) fail_utf16();
  fail_input(m_path + ": is no text (it has zero bytes); expected a table of text");
}

/// Reads more bytes behind those of the present line; false at the end of the file.
bool TextLines::fill() {
  if (m_is_at_end) return false;
  if (m_begin > 0) {
    std::memmove(m_bytes.data(), m_bytes.data() + m_begin, m_filled - m_begin);
    m_filled -= m_begin;
    m_next -= m_begin;
    m_begin = 0;
  }
  if (m_filled > longest_line)
    fail_input(m_path + ", line " + std::to_string(m_lines_read + 1) +
               ": is longer than 16 MiB; expected a table of text with a row a line");
  if (m_bytes.size() - m_filled < block_bytes) m_bytes.resize(m_filled + block_bytes);
  const int count = gzread(m_file.get(), m_bytes.data() + m_filled, static_cast<unsigned>(block_bytes));
  int code = Z_OK;
  const char* reason = gzerror(m_file.get(), &code);
  if (count < 0 || (code != Z_OK && code != Z_STREAM_END)) {
    const std::string after = m_path + ": reading failed after line " + std::to_string(m_lines_read) + ": ";
    if (code == Z_BUF_ERROR) fail_input(after + "the compressed file is cut off");
    if (code == Z_ERRNO) fail_io(after + std::strerror(errno));
    fail_input(after + "the compressed file is damaged (" + reason + ")");
  }
  if (count > 0 && std::memchr(m_bytes.data() + m_filled, 0, static_cast<std::size_t>(count)) != nullptr)
    fail_zero_bytes();
  m_filled += static_cast<std::size_t>(count);
  m_is_at_end = count == 0;
  return count > 0;
}

/// Finds the end of the line that begins at m_begin, looking from `from` bytes behind it on.
bool TextLines::find_line_end(std::size_t from, std::size_t& end) {
  while (true) {
    const std::size_t first = m_begin + from;
    const void* found =
        first < m_filled ? std::memchr(m_bytes.data() + first, m_line_end, m_filled - first) : nullptr;
    if (found != nullptr) {
      end = static_cast<std::size_t>(static_cast<const char*>(found) - m_bytes.data());
      m_next = end + 1;
      break;
    }
    from = m_filled - m_begin;
    if (fill()) continue;
    end = m_filled;
    m_next = m_filled;
    if (m_begin + from == m_begin) return false;
    break;
  }
  ++m_lines_read;
  return true;
}

std::string_view TextLines::held_line(std::size_t end) const {
  std::string_view line(m_bytes.data() + m_begin, end - m_begin);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

bool TextLines::next(std::string_view& line) {
  m_begin = m_next;
  std::size_t end = 0;
  if (!find_line_end(0, end)) return false;
  m_number = m_lines_read;
  line = held_line(end);
  return true;
}

bool TextLines::extend(std::string_view& line) {
  const std::size_t length = m_next - m_begin;
  if (m_next == m_filled && !fill()) return false;
  std::size_t end = 0;
  m_next = m_begin + length;
  if (!find_line_end(length, end) || end < m_begin + length) return false;
  line = held_line(end);
  return true;
}

}  // namespace rhoflux::importers
