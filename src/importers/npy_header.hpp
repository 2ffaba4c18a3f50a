#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rhoflux::importers {

/// Kinds of entries of NumPy arrays that are read.
enum class NpyKind { boolean, integer, unsigned_integer, real, text_ucs4, text_bytes, datetime };

/// What stands at the start of an array of NumPy (format NPY, versions 1 to 3).
struct NpyHeader {
  NpyKind kind = NpyKind::real;
  std::size_t item_bytes = 0;
  bool is_big_endian = false;
  bool is_fortran_order = false;
  /// Of a datetime: its step is microseconds / parts, one of which is 1.
  std::int64_t datetime_microseconds = 1, datetime_parts = 1;
  std::vector<std::int64_t> shape;
};

/// Reads the text of a header, a Python dictionary. Bad input with `what` for anything else, for an array of Python
/// objects, and for types that have no place in a population.
NpyHeader parse_npy_header(const std::string& text, const std::string& what);

}  // namespace rhoflux::importers
