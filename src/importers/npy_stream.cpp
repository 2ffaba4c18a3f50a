#include "npy_stream.hpp"

#include <zip.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "rhoflux/core/calendar.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::importers {

// ---- the archive ----

void ZipArchive::Close::operator()(zip* archive) const {
  zip_discard(archive);
}

ZipArchive::ZipArchive(const std::string& path) : m_path(path) {
  int code = 0;
  m_zip.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (m_zip) return;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  fail_input(path + ": cannot be opened as an .npz file (a ZIP archive of NumPy arrays): " + reason);
}

std::vector<std::string> ZipArchive::members() const {
  std::vector<std::string> names;
  const zip_int64_t count = zip_get_num_entries(m_zip.get(), 0);
  for (zip_int64_t k = 0; k < count; ++k) {
    const char* name = zip_get_name(m_zip.get(), static_cast<zip_uint64_t>(k), ZIP_FL_ENC_GUESS);
    if (name == nullptr) fail_input(m_path + ": a member of the archive has no name");
    names.emplace_back(name);
    if (names.back().find_first_of("/\\") != std::string::npos)
      fail_input(m_path + ": the member '" + names.back() +
                 "' has a path in its name; numpy.savez writes arrays without folders");
  }
  return names;
}

// ---- the entries ----

void NpyStream::Close::operator()(zip_file* file) const {
  zip_fclose(file);
}

NpyStream::NpyStream(const std::string& path, const std::string& array)
    : m_what(path + ", array '" + array + "'"), m_archive(path) {
  const std::string member = array + ".npy";
  m_file.reset(zip_fopen(m_archive.get(), member.c_str(), 0));
  if (!m_file) fail_input(m_what + ": cannot be read: " + zip_strerror(m_archive.get()));
  read_header();
  zip_stat_t about;
  zip_stat_init(&about);
  std::int64_t count = 1;
  for (const std::int64_t extent : m_header.shape) count *= extent;
  if (zip_stat(m_archive.get(), member.c_str(), 0, &about) != 0 || (about.valid & ZIP_STAT_SIZE) == 0)
    fail_input(m_what + ": cannot be read: " + zip_strerror(m_archive.get()));
  if (static_cast<double>(about.size) < static_cast<double>(count) * static_cast<double>(m_header.item_bytes))
    fail_input(m_what + ": has " + std::to_string(about.size) + " bytes, fewer than its shape says");
}

void NpyStream::read_bytes(char* to, std::size_t bytes) {
  while (bytes > 0) {
    const zip_int64_t count = zip_fread(m_file.get(), to, bytes);
    if (count < 0) fail_input(m_what + ": is damaged: " + zip_file_strerror(m_file.get()));
    if (count == 0) fail_input(m_what + ": ends before its last entry");
    to += count;
    bytes -= static_cast<std::size_t>(count);
  }
}

void NpyStream::read_header() {
  char start[8];
  read_bytes(start, sizeof(start));
  if (std::memcmp(start, "\x93NUMPY", 6) != 0) fail_input(m_what + ": is no array of NumPy");
  const int version = start[6];
  if (version < 1 || version > 3)
    fail_input(m_what + ": has version " + std::to_string(version) + " of the format NPY; read are 1 to 3");
  unsigned char length[4] = {0, 0, 0, 0};
  read_bytes(reinterpret_cast<char*>(length), version == 1 ? 2 : 4);
  const std::size_t bytes = length[0] + 256U * length[1] + 65536U * length[2] + 16777216U * length[3];
  if (bytes > (1U << 20)) fail_input(m_what + ": its header has " + std::to_string(bytes) + " bytes");
  std::string text(bytes, ' ');
  read_bytes(text.data(), bytes);
  m_header = parse_npy_header(text, m_what);
}

void NpyStream::skip(std::int64_t count) {
  m_bytes.resize(std::size_t{1} << 16);
  std::int64_t bytes = count * static_cast<std::int64_t>(m_header.item_bytes);
  while (bytes > 0) {
    const auto piece = std::min(bytes, static_cast<std::int64_t>(m_bytes.size()));
    read_bytes(m_bytes.data(), static_cast<std::size_t>(piece));
    bytes -= piece;
  }
}

void NpyStream::finish() {
  m_bytes.resize(std::size_t{1} << 16);
  zip_int64_t count = 1;
  while (count > 0) count = zip_fread(m_file.get(), m_bytes.data(), m_bytes.size());
  if (count < 0) fail_input(m_what + ": is damaged: " + zip_file_strerror(m_file.get()));
}

/// The bytes of the next entries, each in the order of this machine.
void NpyStream::load(std::int64_t count) {
  m_bytes.resize(static_cast<std::size_t>(count) * m_header.item_bytes);
  read_bytes(m_bytes.data(), m_bytes.size());
  if (!m_header.is_big_endian || m_header.kind == NpyKind::text_bytes) return;
  const std::size_t unit = m_header.kind == NpyKind::text_ucs4 ? 4 : m_header.item_bytes;
  for (std::size_t first = 0; first < m_bytes.size(); first += unit)
    std::reverse(m_bytes.begin() + static_cast<std::ptrdiff_t>(first),
                 m_bytes.begin() + static_cast<std::ptrdiff_t>(first + unit));
}

namespace {

template <class T>
T loaded(const char* item) {
  T value;
  std::memcpy(&value, item, sizeof(T));
  return value;
}

/// IEEE 754 half precision.
double half_value(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 31)
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

std::int64_t signed_value(const char* item, std::size_t bytes) {
  switch (bytes) {
    case 1:
      return loaded<std::int8_t>(item);
    case 2:
      return loaded<std::int16_t>(item);
    case 4:
      return loaded<std::int32_t>(item);
    default:
      return loaded<std::int64_t>(item);
  }
}

std::uint64_t unsigned_value(const char* item, std::size_t bytes) {
  switch (bytes) {
    case 1:
      return loaded<std::uint8_t>(item);
    case 2:
      return loaded<std::uint16_t>(item);
    case 4:
      return loaded<std::uint32_t>(item);
    default:
      return loaded<std::uint64_t>(item);
  }
}

void append_utf8(std::uint32_t c, std::string& text) {
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 63))};
  } else if (c < 0x10000) {
    text += {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 63)),
             static_cast<char>(0x80 | (c & 63))};
  } else {
    text += {static_cast<char>(0xF0 | ((c >> 18) & 7)), static_cast<char>(0x80 | ((c >> 12) & 63)),
             static_cast<char>(0x80 | ((c >> 6) & 63)), static_cast<char>(0x80 | (c & 63))};
  }
}

}  // namespace

double NpyStream::number_of(const char* item) const {
  switch (m_header.kind) {
    case NpyKind::boolean:
    case NpyKind::unsigned_integer:
      return static_cast<double>(unsigned_value(item, m_header.item_bytes));
    case NpyKind::integer:
      return static_cast<double>(signed_value(item, m_header.item_bytes));
    case NpyKind::real:
      if (m_header.item_bytes == 2) return half_value(loaded<std::uint16_t>(item));
      return m_header.item_bytes == 4 ? static_cast<double>(loaded<float>(item)) : loaded<double>(item);
    default:
      fail_input(m_what + ": expected numbers, found " +
                 (m_header.kind == NpyKind::datetime ? "dates" : "texts"));
  }
}

std::string NpyStream::text_of(const char* item) const {
  std::string text;
  switch (m_header.kind) {
    case NpyKind::text_bytes:
      return {item, std::find(item, item + m_header.item_bytes, '\0')};
    case NpyKind::text_ucs4:
      for (std::size_t k = 0; k < m_header.item_bytes; k += 4) {
        const auto c = loaded<std::uint32_t>(item + k);
        if (c == 0) break;
        append_utf8(c, text);
      }
      return text;
    case NpyKind::datetime: {
      const auto steps = loaded<std::int64_t>(item);
      if (steps == std::numeric_limits<std::int64_t>::min()) return "NaT";
      const std::int64_t step = m_header.datetime_microseconds, parts = m_header.datetime_parts;
      // Whole microseconds and the rest apart, so that no product overflows.
      const std::int64_t whole = steps / parts, rest = steps % parts;
      constexpr double largest = 2.6e17;  // 10000-01-01 is 2.53e17
      if (std::fabs(static_cast<double>(whole) * static_cast<double>(step)) > largest)
        return "a date outside of the years 0 to 9999";
      const std::int64_t microseconds = whole * step + (rest * step - (rest < 0 ? parts - 1 : 0)) / parts;
      if (microseconds < calendar_detail::first_instant || microseconds >= calendar_detail::end_of_instants)
        return "a date outside of the years 0 to 9999";
      return print_datetime(microseconds);
    }
    case NpyKind::integer:
      return std::to_string(signed_value(item, m_header.item_bytes));
    case NpyKind::unsigned_integer:
      return std::to_string(unsigned_value(item, m_header.item_bytes));
    case NpyKind::boolean:
      return *item != 0 ? "True" : "False";
    case NpyKind::real:
      break;
  }
  return print_number(number_of(item));
}

void NpyStream::read(std::int64_t count, std::vector<double>& values) {
  load(count);
  values.resize(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = number_of(m_bytes.data() + i * m_header.item_bytes);
}

void NpyStream::read(std::int64_t count, std::vector<std::string>& values) {
  load(count);
  values.resize(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = text_of(m_bytes.data() + i * m_header.item_bytes);
}

}  // namespace rhoflux::importers
