#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::io {

/// The HDF5 type of a C++ number.
template <class T>
hid_t native_type();
template <>
inline hid_t native_type<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
inline hid_t native_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
inline hid_t native_type<std::int8_t>() {
  return H5T_NATIVE_INT8;
}
template <>
inline hid_t native_type<std::int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
inline hid_t native_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
inline hid_t native_type<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}

inline std::vector<hsize_t> to_hsize(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

inline Hdf5Handle make_space(const Shape& shape, ExitCode code, const std::string& what) {
  if (shape.empty()) return own_hdf5(H5Screate(H5S_SCALAR), H5Sclose, code, what);
  const std::vector<hsize_t> extents = to_hsize(shape);
  return own_hdf5(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose, code,
                  what);
}

inline Shape space_shape(hid_t space, const std::string& what) {
  if (H5Sget_simple_extent_type(space) == H5S_NULL) fail_input(what + ": holds nothing (a null dataspace)");
  const int rank = check_hdf5(H5Sget_simple_extent_ndims(space), ExitCode::bad_input, what);
  std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
  check_hdf5(H5Sget_simple_extent_dims(space, extents.data(), nullptr), ExitCode::bad_input, what);
  return {extents.begin(), extents.end()};
}

inline std::size_t space_count(hid_t space, const std::string& what) {
  return static_cast<std::size_t>(check_hdf5(H5Sget_simple_extent_npoints(space), ExitCode::bad_input, what));
}

/// Bytes of an element; HDF5 answers 0 on failure.
inline std::size_t type_bytes(hid_t type, const std::string& what) {
  const std::size_t bytes = H5Tget_size(type);
  if (bytes == 0) fail_hdf5(ExitCode::bad_input, what);
  return bytes;
}

inline void select_box(hid_t space, const Shape& start, const Shape& count, ExitCode code,
                       const std::string& what) {
  const std::vector<hsize_t> first = to_hsize(start);
  const std::vector<hsize_t> extents = to_hsize(count);
  check_hdf5(H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, extents.data(), nullptr), code,
             what);
}

inline void require_inside(const Shape& shape, const Shape& start, const Shape& count, ExitCode code,
                           const std::string& what) {
  bool inside = start.size() == shape.size() && count.size() == shape.size();
  for (std::size_t i = 0; inside && i < shape.size(); ++i)
    inside = start[i] >= 0 && count[i] >= 0 && start[i] + count[i] <= shape[i];
  if (!inside) {
    throw Error(code, what + ": the box from " + to_string(start) + " of extents " + to_string(count) +
                          " does not lie in the shape " + to_string(shape));
  }
}

/// UTF-8 strings of any length, as h5py and AnnData write them.
inline Hdf5Handle variable_string_type(ExitCode code, const std::string& what) {
  Hdf5Handle type = own_hdf5(H5Tcopy(H5T_C_S1), H5Tclose, code, what);
  check_hdf5(H5Tset_size(type.id(), H5T_VARIABLE), code, what);
  check_hdf5(H5Tset_cset(type.id(), H5T_CSET_UTF8), code, what);
  return type;
}

/// What HDF5 takes as the elements of such strings.
inline std::vector<const char*> text_pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  return pointers;
}

/// Memory for the texts of one read of a dataset, of which there is at most 256 MiB: all texts of a damaged or hostile
/// file may be one large object of its heap, which HDF5 copies for each.
class TextMemory {
 public:
  explicit TextMemory(const std::string& what)
      : m_what(what),
        m_properties(own_hdf5(H5Pcreate(H5P_DATASET_XFER), H5Pclose, ExitCode::bad_input, what)) {
    check_hdf5(H5Pset_vlen_mem_manager(m_properties.id(), allocate, this, release, this), ExitCode::bad_input,
               what);
  }
  TextMemory(const TextMemory&) = delete;
  TextMemory& operator=(const TextMemory&) = delete;

  /// Of the transfer that fills this memory.
  hid_t properties() const { return m_properties.id(); }
  /// Throws Error (bad input) where the texts did not fit.
  void require_enough() const {
    if (m_is_exceeded)
      fail_input(m_what + ": texts that are read at once hold more than " + std::to_string(most >> 20) +
                 " MiB; that is no column of names or categories");
  }

 private:
  static constexpr std::size_t most = std::size_t{256} << 20;

  /// Called by HDF5, which goes on with an error after a null.
  static void* allocate(std::size_t size, void* memory) {
    auto& self = *static_cast<TextMemory*>(memory);
    self.m_is_exceeded = self.m_is_exceeded || size > most - self.m_used;
    if (self.m_is_exceeded) return nullptr;
    try {
      self.m_pieces.push_back(std::make_unique<char[]>(size));
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    self.m_used += size;
    return self.m_pieces.back().get();
  }
  /// Everything goes with the object.
  static void release(void*, void*) {}

  std::string m_what;
  Hdf5Handle m_properties;
  std::vector<std::unique_ptr<char[]>> m_pieces;
  std::size_t m_used = 0;
  bool m_is_exceeded = false;
};

/// Decodes the strings of an attribute, or those of a dataset into `memory`; the raw transfer is
/// `transfer(memory_type, buffer)`.
/// @param properties of the transfer, with which its memory is given back
template <class Transfer>
std::vector<std::string> decode_strings(hid_t file_type, hid_t space, const std::string& what,
                                        const Transfer& transfer, hid_t properties = H5P_DEFAULT) {
  if (H5Tget_class(file_type) != H5T_STRING) fail_input(what + ": expected text");
  const std::size_t count = space_count(space, what);
  std::vector<std::string> texts;
  if (count == 0) return texts;
  constexpr std::size_t most = 1 << 20;  // each takes more memory here than it may take there
  if (count > most)
    fail_input(what + ": " + std::to_string(count) + " texts are more than " + std::to_string(most));
  if (check_hdf5(H5Tis_variable_str(file_type), ExitCode::bad_input, what) > 0) {
    Hdf5Handle type = own_hdf5(H5Tcopy(H5T_C_S1), H5Tclose, ExitCode::bad_input, what);
    check_hdf5(H5Tset_size(type.id(), H5T_VARIABLE), ExitCode::bad_input, what);
    check_hdf5(H5Tset_cset(type.id(), H5Tget_cset(file_type)), ExitCode::bad_input, what);
    std::vector<char*> pointers(count, nullptr);
    check_hdf5(transfer(type.id(), pointers.data()), ExitCode::bad_input, what);
    for (const char* pointer : pointers) texts.emplace_back(pointer == nullptr ? "" : pointer);
    check_hdf5(H5Dvlen_reclaim(type.id(), space, properties, pointers.data()), ExitCode::bad_input, what);
    return texts;
  }
  const std::size_t bytes = type_bytes(file_type, what);
  std::vector<char> buffer(count * bytes);
  check_hdf5(transfer(file_type, buffer.data()), ExitCode::bad_input, what);
  for (std::size_t i = 0; i < count; ++i) {
    const char* begin = buffer.data() + i * bytes;
    texts.emplace_back(begin, std::find(begin, begin + bytes, '\0'));
  }
  return texts;
}

}  // namespace rhoflux::io
