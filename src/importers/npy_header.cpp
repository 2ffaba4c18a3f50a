#include "npy_header.hpp"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <string_view>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::importers {

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

}  // namespace rhoflux::importers
