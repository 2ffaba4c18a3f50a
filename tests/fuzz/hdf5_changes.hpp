#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "input.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

/// Changes of HDF5 files by the HDF5 library itself: the file is in order, its content is not.
namespace rhoflux::fuzz {

using io::Hdf5Handle;

inline Hdf5Handle own(hid_t id, Hdf5Handle::Close close) {
  return io::own_hdf5(id, close, ExitCode::io_failure, "fuzzer");
}

/// An object of a file and the attributes that it has.
struct Object {
  std::string name;
  std::vector<std::string> attributes;
};

/// A file to begin with.
struct Original {
  std::string bytes;
  std::vector<Object> objects;
};

inline Original describe(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  Original original{{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()}, {}};
  const Hdf5Handle file = own(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  const auto visit = [](hid_t object, const char* name, const H5O_info_t*, void* list) -> herr_t {
    static_cast<std::vector<Object>*>(list)->push_back({name, {}});
    const Hdf5Handle here = own(H5Oopen(object, name, H5P_DEFAULT), H5Oclose);
    const auto note = [](hid_t, const char* attribute, const H5A_info_t*, void* names) -> herr_t {
      static_cast<std::vector<std::string>*>(names)->emplace_back(attribute);
      return 0;
    };
    return H5Aiterate2(here.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, note,
                       &static_cast<std::vector<Object>*>(list)->back().attributes);
  };
  io::check_hdf5(H5Ovisit(file.id(), H5_INDEX_NAME, H5_ITER_INC, visit, &original.objects),
                 ExitCode::io_failure, path);
  return original;
}

/// Replaces, changes and removes objects and attributes.
class Changes {
 public:
  Changes(Input& input, const Original& original, hid_t file)
      : m_input(input), m_original(original), m_file(file) {}

  /// What HDF5 refuses, an object that is no longer there for one, is left out.
  void apply() {
    const Object& object = m_original.objects[m_input.below(m_original.objects.size())];
    const std::size_t kind = m_input.below(6);
    if (kind == 0)
      H5Ldelete(m_file, object.name.c_str(), H5P_DEFAULT);
    else if (kind == 1)
      replace(object.name);
    else if (kind == 2)
      overwrite(object.name);
    else if (!object.attributes.empty())
      change_attribute(object.name, object.attributes[m_input.below(object.attributes.size())], kind);
  }

 private:
  /// Extents 0 to 7, or a power of two, up to far beyond what any memory has.
  Hdf5Handle space() {
    std::vector<hsize_t> extents(m_input.below(4));
    for (hsize_t& extent : extents) {
      extent = m_input.below(9);
      if (extent == 8) extent = hsize_t{1} << m_input.below(48);
    }
    if (extents.empty()) return own(H5Screate(m_input.below(8) == 7 ? H5S_NULL : H5S_SCALAR), H5Sclose);
    return own(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose);
  }

  Hdf5Handle type() {
    const hid_t numbers[] = {H5T_NATIVE_DOUBLE, H5T_NATIVE_INT64, H5T_NATIVE_INT8,
                             H5T_NATIVE_FLOAT,  H5T_STD_U64BE,    H5T_STD_REF_OBJ};
    const std::size_t kind = m_input.below(8);
    if (kind < std::size(numbers)) return own(H5Tcopy(numbers[kind]), H5Tclose);
    Hdf5Handle text = own(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(text.id(), kind == 6 ? 1 + m_input.below(9) : H5T_VARIABLE);
    return text;
  }

  /// Values for a memory type: any bits, of doubles half of the time a whole number near zero.
  std::vector<char> values(hid_t type, std::size_t count) {
    std::vector<char> bytes(count * H5Tget_size(type));
    for (std::size_t k = 0; k < count; ++k) {
      const bool is_small = m_input.below(2) == 0;
      const auto bits = m_input.take<std::uint64_t>();
      const auto small = static_cast<double>(static_cast<std::int8_t>(bits));
      char* at = bytes.data() + k * H5Tget_size(type);
      const std::size_t n = std::min(sizeof(bits), H5Tget_size(type));
      if (is_small && H5Tequal(type, H5T_NATIVE_DOUBLE) > 0)
        std::memcpy(at, &small, n);
      else
        std::memcpy(at, &bits, n);
    }
    return bytes;
  }

  /// Values of a variable text are pointers: some letters, or none.
  std::vector<const char*> texts(std::size_t count) {
    static const char* const all[] = {
        "",       "none",       "sigmoid", "x", "0:1,2:3", "1e400", "rhoflux checkpoint",
        "single", "factorised", nullptr};
    std::vector<const char*> chosen(count);
    for (const char*& text : chosen) text = all[m_input.below(std::size(all))];
    return chosen;
  }

  template <class Write>
  void fill(hid_t type, hid_t space, const Write& write) {
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count < 1 || count > 64) return;
    const auto n = static_cast<std::size_t>(count);
    if (H5Tis_variable_str(type) > 0)
      write(texts(n).data());
    else
      write(values(type, n).data());
  }

  void replace(const std::string& name) {
    H5Ldelete(m_file, name.c_str(), H5P_DEFAULT);
    const Hdf5Handle type = this->type(), space = this->space();
    const hid_t id =
        H5Dcreate2(m_file, name.c_str(), type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (id < 0) return;
    const Hdf5Handle dataset = own(id, H5Dclose);
    fill(type.id(), space.id(),
         [&](const void* from) { H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, from); });
  }

  void overwrite(const std::string& name) {
    const hid_t id = H5Dopen2(m_file, name.c_str(), H5P_DEFAULT);
    if (id < 0) return;
    const Hdf5Handle dataset = own(id, H5Dclose), type = own(H5Dget_type(id), H5Tclose),
                     space = own(H5Dget_space(id), H5Sclose);
    fill(type.id(), space.id(),
         [&](const void* from) { H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, from); });
  }

  void change_attribute(const std::string& object, const std::string& name, std::size_t kind) {
    const hid_t id = H5Oopen(m_file, object.c_str(), H5P_DEFAULT);
    if (id < 0) return;
    const Hdf5Handle here = own(id, H5Oclose);
    Hdf5Handle type, space;
    if (kind == 5) {  // other values, of the same type and number
      const hid_t given = H5Aopen(id, name.c_str(), H5P_DEFAULT);
      if (given < 0) return;
      const Hdf5Handle attribute = own(given, H5Aclose);
      type = own(H5Aget_type(given), H5Tclose);
      space = own(H5Aget_space(given), H5Sclose);
    } else {
      type = this->type();
      space = this->space();
    }
    H5Adelete(id, name.c_str());
    if (kind == 3) return;
    if (H5Sget_simple_extent_npoints(space.id()) > 1 << 16) return;  // HDF5 holds them in memory
    const hid_t made = H5Acreate2(id, name.c_str(), type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT);
    if (made < 0) return;
    const Hdf5Handle attribute = own(made, H5Aclose);
    fill(type.id(), space.id(), [&](const void* from) { H5Awrite(made, type.id(), from); });
  }

  Input& m_input;
  const Original& m_original;
  hid_t m_file;
};

}  // namespace rhoflux::fuzz
