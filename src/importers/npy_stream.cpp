#include "npy_stream.hpp"

#include <zip.h>

#include <algorithm>
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

// ---- the header of an array ----

namespace {

/// The text of the value of a key of a Python dictionary, up to the comma or brace that ends it.
std::string dictionary_value(const std::string& text, const std::string& key, const std::string& what) {
  const std::string quoted = "'" + key + "'";
  std::size_t place = text.find(quoted);
  if (place != std::string::npos) place = text.find(':', place + quoted.size());
  if (place == std::string::npos) fail_input(what + ": its header has no '" + key + "'");
  std::size_t end = ++place;
  for (int depth = 0; end < text.size(); ++end) {
    const char c = text[end];
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (depth <= 0 && (c == ',' || c == '}')) break;
    if (depth < 0) break;
  }
  return std::string(trimmed(std::string_view(text).substr(place, end - place)));
}

/// parse_whole_number(), which names the place.
std::int64_t whole_number(const std::string& text, std::int64_t least, std::int64_t most,
                          const std::string& what) {
  try {
    return parse_whole_number(text, least, most);
  } catch (const Error& error) {
    fail_input(what + ": its header is damaged: " + std::string(error.what()).substr(0, 120));
  }
}

std::vector<std::int64_t> parse_shape(const std::string& text, const std::string& what) {
  if (text.size() < 2 || text.front() != '(' || text.back() != ')')
    fail_input(what + ": its header has the shape '" + text.substr(0, 60) +
               "', expected one such as (100, 2)");
  std::vector<std::int64_t> shape;
  std::int64_t count = 1;
  constexpr std::int64_t most = std::int64_t{1} << 48;
  for (const std::string& piece : split(text.substr(1, text.size() - 2), ',')) {
    if (trimmed(piece).empty()) continue;
    shape.push_back(whole_number(piece, 0, most, what));
    if (shape.back() > 0 && count > most / shape.back())
      fail_input(what + ": its shape " + text.substr(0, 60) + " has too many entries");
    count *= shape.back();
  }
  return shape;
}

/// The step of a datetime, from its unit such as "[ns]" or "[15m]".
void set_datetime_step(const std::string& unit, const std::string& what, NpyHeader& header) {
  struct Unit {
    const char* name;
    std::int64_t microseconds, parts;
  };
  constexpr std::int64_t second = 1000000;
  constexpr Unit units[] = {{"W", 604800 * second, 1},
                            {"D", 86400 * second, 1},
                            {"h", 3600 * second, 1},
                            {"m", 60 * second, 1},
                            {"s", second, 1},
                            {"ms", second / 1000, 1},
                            {"us", 1, 1},
                            {"ns", 1, 1000},
                            {"ps", 1, 1000000}};
  if (unit.size() > 2 && unit.front() == '[' && unit.back() == ']') {
    const std::string inside = unit.substr(1, unit.size() - 2);
    const std::size_t name = std::min(inside.find_first_not_of("0123456789"), inside.size());
    const std::int64_t count = name == 0 ? 1 : whole_number(inside.substr(0, name), 1, 1000000, what);
    for (const Unit& known : units) {
      if (inside.substr(name) != known.name) continue;
      header.datetime_microseconds = count * known.microseconds;
      header.datetime_parts = known.parts;
      return;
    }
  }
  fail_input(what + ": its dates are in units of '" + unit.substr(0, 60) +
             "'; read are W, D, h, m, s, ms, us, ns, ps");
}

}  // namespace

NpyHeader parse_npy_header(const std::string& text, const std::string& what) {
  NpyHeader header;
  header.shape = parse_shape(dictionary_value(text, "shape", what), what);
  const std::string order = dictionary_value(text, "fortran_order", what);
  if (order != "True" && order != "False")
    fail_input(what + ": its header has fortran_order '" + order.substr(0, 60) + "', expected True or False");
  header.is_fortran_order = order == "True";
  const std::string type = dictionary_value(text, "descr", what);
  if (type.size() < 4 || type.front() != '\'' || type.back() != '\'')
    fail_input(what + ": its entries have several fields (" + type.substr(0, 60) +
               "); save each field as an array of its own");
  const std::string name = type.substr(1, type.size() - 2);
  if (name.find('O') != std::string::npos)
    fail_input(
        what +
        ": holds pickled Python objects, which can run code when they are read, and are not read; save texts "
        "with array.astype(str) and numbers with array.astype(float)");
  header.is_big_endian = name[0] == '>';
  const char kind = name[1];
  const std::size_t digits_end = std::min(name.find('[', 2), name.size());
  const std::int64_t size = whole_number(name.substr(2, digits_end - 2), 1, 1 << 20, what);
  header.item_bytes = static_cast<std::size_t>(kind == 'U' ? 4 * size : size);
  const auto is_size = [&](std::initializer_list<std::int64_t> allowed) {
    return std::find(allowed.begin(), allowed.end(), size) != allowed.end();
  };
  if (kind == 'f' && is_size({2, 4, 8})) {
    header.kind = NpyKind::real;
  } else if (kind == 'i' && is_size({1, 2, 4, 8})) {
    header.kind = NpyKind::integer;
  } else if (kind == 'u' && is_size({1, 2, 4, 8})) {
    header.kind = NpyKind::unsigned_integer;
  } else if (kind == 'b' && size == 1) {
    header.kind = NpyKind::boolean;
  } else if (kind == 'U') {
    header.kind = NpyKind::text_ucs4;
  } else if (kind == 'S') {
    header.kind = NpyKind::text_bytes;
  } else if (kind == 'M' && size == 8) {
    header.kind = NpyKind::datetime;
    set_datetime_step(name.substr(digits_end), what, header);
  } else {
    fail_input(what + ": its entries have the type '" + name.substr(0, 60) +
               "'; read are real and whole numbers, booleans, texts and dates");
  }
  return header;
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
