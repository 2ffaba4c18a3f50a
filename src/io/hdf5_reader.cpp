#include <algorithm>
#include <filesystem>

#include "hdf5_types.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::io {

namespace {

constexpr ExitCode reading = ExitCode::bad_input;

/// A damaged extent must not become memory: so many values cannot have been stored, however well compressed.
/// (A dataset may have no storage at all, being its fill value; of moderate size it is read.)
void require_stored(hid_t dataset, hid_t type, const Shape& shape, const std::string& what) {
  constexpr double best_compression = 1100, moderate = 1 << 28;  // deflate's is 1032; 256 MiB
  const auto stored = static_cast<double>(H5Dget_storage_size(dataset));
  auto bytes = static_cast<double>(type_bytes(type, what));
  for (const std::int64_t extent : shape) bytes *= static_cast<double>(extent);
  if (bytes > moderate && bytes > stored * best_compression)
    fail_input(what + ": its shape is " + to_string(shape) + ", but the file has " +
               std::to_string(H5Dget_storage_size(dataset)) + " bytes of it");
}

void require_numeric(hid_t type, const std::string& what) {
  const H5T_class_t kind = H5Tget_class(type);
  // Booleans are enumerations in files of h5py.
  if (kind != H5T_INTEGER && kind != H5T_FLOAT && kind != H5T_ENUM) fail_input(what + ": expected numbers");
}

/// A file from elsewhere must not have another file read: values of a dataset that lie in files that it names, as raw bytes or
/// as datasets, are refused. Views of datasets of the same file are not.
void require_own_values(hid_t dataset, const std::string& what) {
  Hdf5Handle creation = own_hdf5(H5Dget_create_plist(dataset), H5Pclose, reading, what);
  const auto refuse = [&] { fail_input(what + ": its values lie in another file, which is not read"); };
  const H5D_layout_t layout = H5Pget_layout(creation.id());
  if (layout == H5D_CONTIGUOUS && check_hdf5(H5Pget_external_count(creation.id()), reading, what) > 0)
    refuse();
  if (layout != H5D_VIRTUAL) return;
  std::size_t count = 0;
  check_hdf5(H5Pget_virtual_count(creation.id(), &count), reading, what);
  for (std::size_t k = 0; k < count; ++k) {
    char name[2] = {};
    const ssize_t length =
        check_hdf5(H5Pget_virtual_filename(creation.id(), k, name, sizeof(name)), reading, what);
    if (length != 1 || name[0] != '.') refuse();
  }
}

}  // namespace

Hdf5Reader::Hdf5Reader(const std::string& path) : m_path(path) {
  silence_hdf5();
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) fail_input(path + ": no such file");
  const Hdf5Handle access = file_access(path, reading);
  m_file = own_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose, reading,
                    path + ": not an HDF5 file, or damaged");
}

std::string Hdf5Reader::place(const std::string& name) const {
  return m_path + ", '" + name + "'";
}

bool Hdf5Reader::exists(const std::string& name) const {
  // H5Lexists looks at the last link only, so the links before it are asked for one by one.
  for (std::size_t end = name.find('/', 1); name != "/"; end = name.find('/', end + 1)) {
    const std::string part = name.substr(0, end);
    H5L_info_t link;
    if (H5Lexists(m_file.id(), part.c_str(), H5P_DEFAULT) <= 0) return false;
    check_hdf5(H5Lget_info(m_file.id(), part.c_str(), &link, H5P_DEFAULT), reading,
               place(part) + ": cannot be examined");
    if (link.type != H5L_TYPE_HARD && link.type != H5L_TYPE_SOFT)
      fail_input(place(part) + ": is a link to another file, which is not followed");
    if (end == std::string::npos) break;
  }
  return true;
}

bool Hdf5Reader::is_dataset(const std::string& name) const {
  if (!exists(name)) return false;
  Hdf5Handle object = own_hdf5(H5Oopen(m_file.id(), name.c_str(), H5P_DEFAULT), H5Oclose, reading,
                               place(name) + ": cannot be opened");
  return H5Iget_type(object.id()) == H5I_DATASET;
}

Hdf5Reader::Content Hdf5Reader::content(const std::string& name) const {
  Hdf5Handle dataset = open_dataset(name);
  Hdf5Handle type = own_hdf5(H5Dget_type(dataset.id()), H5Tclose, reading, place(name));
  const H5T_class_t kind = H5Tget_class(type.id());
  if (kind == H5T_STRING) return Content::texts;
  return kind == H5T_INTEGER || kind == H5T_FLOAT || kind == H5T_ENUM ? Content::numbers : Content::other;
}

void Hdf5Reader::require_in_this_file(const std::string& name) const {
  if (!exists(name)) return;
  for (std::size_t end = name.find('/', 1); true; end = name.find('/', end + 1)) {
    const std::string part = name.substr(0, end);
    if (H5Oexists_by_name(m_file.id(), part.c_str(), H5P_DEFAULT) <= 0)
      fail_input(place(part) + ": is a link that leads nowhere, or back to itself");
    if (end == std::string::npos) return;
  }
}

Hdf5Handle Hdf5Reader::open_dataset(const std::string& name) const {
  if (!exists(name)) fail_input(place(name) + ": the file has no such dataset");
  if (!is_dataset(name)) fail_input(place(name) + ": expected a dataset, found a group");
  Hdf5Handle dataset = own_hdf5(H5Dopen2(m_file.id(), name.c_str(), H5P_DEFAULT), H5Dclose, reading,
                                place(name) + ": cannot open the dataset");
  require_own_values(dataset.id(), place(name));
  return dataset;
}

Shape Hdf5Reader::shape(const std::string& name) const {
  Hdf5Handle dataset = open_dataset(name);
  Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, reading, place(name));
  return space_shape(space.id(), place(name));
}

void Hdf5Reader::require_shape(const std::string& name, const Shape& expected) const {
  const Shape found = shape(name);
  bool matches = found.size() == expected.size();
  for (std::size_t i = 0; matches && i < found.size(); ++i)
    matches = expected[i] == -1 || expected[i] == found[i];
  if (!matches)
    fail_input(place(name) + ": expected shape " + to_string(expected) + ", found " + to_string(found));
}

template <class T>
std::vector<T> Hdf5Reader::read(const std::string& name) const {
  Hdf5Handle dataset = open_dataset(name);
  Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, reading, place(name));
  Hdf5Handle type = own_hdf5(H5Dget_type(dataset.id()), H5Tclose, reading, place(name));
  require_numeric(type.id(), place(name));
  const Shape shape = space_shape(space.id(), place(name));
  require_stored(dataset.id(), type.id(), shape, place(name));
  std::vector<T> values(static_cast<std::size_t>(element_count(shape)));
  if (values.empty()) return values;
  check_hdf5(H5Dread(dataset.id(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), reading,
             place(name) + ": cannot read the dataset");
  return values;
}

template <class T>
std::vector<T> Hdf5Reader::read(const std::string& name, const Shape& expected) const {
  require_shape(name, expected);
  return read<T>(name);
}

template <class T>
std::vector<T> Hdf5Reader::read_slab(const std::string& name, const Shape& start, const Shape& count) const {
  Hdf5Handle dataset = open_dataset(name);
  Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, reading, place(name));
  Hdf5Handle type = own_hdf5(H5Dget_type(dataset.id()), H5Tclose, reading, place(name));
  require_numeric(type.id(), place(name));
  require_inside(space_shape(space.id(), place(name)), start, count, reading, place(name));
  std::vector<T> values(static_cast<std::size_t>(element_count(count)));
  if (values.empty()) return values;
  select_box(space.id(), start, count, reading, place(name));
  Hdf5Handle memory = make_space(count, reading, place(name));
  check_hdf5(H5Dread(dataset.id(), native_type<T>(), memory.id(), space.id(), H5P_DEFAULT, values.data()),
             reading, place(name) + ": cannot read the dataset");
  return values;
}

std::vector<std::string> Hdf5Reader::read_strings(const std::string& name, std::int64_t first,
                                                  std::int64_t count) const {
  Hdf5Handle dataset = open_dataset(name);
  Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, reading, place(name));
  Hdf5Handle type = own_hdf5(H5Dget_type(dataset.id()), H5Tclose, reading, place(name));
  const Shape shape = space_shape(space.id(), place(name));
  require_stored(dataset.id(), type.id(), shape, place(name));
  require_inside(shape, {first}, {count}, reading, place(name));
  if (count == 0) return {};
  select_box(space.id(), {first}, {count}, reading, place(name));
  Hdf5Handle memory = make_space({count}, reading, place(name));
  TextMemory texts(place(name));
  const auto transfer = [&](hid_t memory_type, void* buffer) {
    const herr_t status =
        H5Dread(dataset.id(), memory_type, memory.id(), space.id(), texts.properties(), buffer);
    texts.require_enough();
    return status;
  };
  return decode_strings(type.id(), memory.id(), place(name), transfer, texts.properties());
}

std::string Hdf5Reader::read_string(const std::string& name) const {
  Hdf5Handle dataset = open_dataset(name);
  Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, reading, place(name));
  Hdf5Handle type = own_hdf5(H5Dget_type(dataset.id()), H5Tclose, reading, place(name));
  require_stored(dataset.id(), type.id(), space_shape(space.id(), place(name)), place(name));
  TextMemory memory(place(name));
  const auto transfer = [&](hid_t memory_type, void* buffer) {
    const herr_t status = H5Dread(dataset.id(), memory_type, H5S_ALL, H5S_ALL, memory.properties(), buffer);
    memory.require_enough();
    return status;
  };
  const std::vector<std::string> texts =
      decode_strings(type.id(), space.id(), place(name), transfer, memory.properties());
  if (texts.size() != 1) {
    fail_input(place(name) + ": expected one text, found " + std::to_string(texts.size()));
  }
  return texts[0];
}

bool Hdf5Reader::has_attribute(const std::string& object, const std::string& name) const {
  return exists(object) && H5Aexists_by_name(m_file.id(), object.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

Hdf5Handle Hdf5Reader::open_attribute(const std::string& object, const std::string& name) const {
  if (!has_attribute(object, name)) fail_input(place(object) + ": there is no attribute '" + name + "'");
  return own_hdf5(H5Aopen_by_name(m_file.id(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
                  H5Aclose, reading, place(object) + ": cannot open the attribute '" + name + "'");
}

namespace {
template <class T>
std::vector<T> attribute_numbers(hid_t attribute, const std::string& what) {
  Hdf5Handle space = own_hdf5(H5Aget_space(attribute), H5Sclose, reading, what);
  Hdf5Handle type = own_hdf5(H5Aget_type(attribute), H5Tclose, reading, what);
  require_numeric(type.id(), what);
  std::vector<T> values(space_count(space.id(), what));
  if (!values.empty()) check_hdf5(H5Aread(attribute, native_type<T>(), values.data()), reading, what);
  return values;
}

template <class T>
T only_one(const std::vector<T>& values, const std::string& what) {
  if (values.size() != 1) fail_input(what + ": expected one value, found " + std::to_string(values.size()));
  return values[0];
}

std::string attribute_place(const std::string& object_place, const std::string& name) {
  return object_place + ", attribute '" + name + "'";
}
}  // namespace

std::int64_t Hdf5Reader::attribute_int(const std::string& object, const std::string& name) const {
  const std::string what = attribute_place(place(object), name);
  return only_one(attribute_numbers<std::int64_t>(open_attribute(object, name).id(), what), what);
}

double Hdf5Reader::attribute_double(const std::string& object, const std::string& name) const {
  return only_one(attribute_doubles(object, name), attribute_place(place(object), name));
}

std::vector<double> Hdf5Reader::attribute_doubles(const std::string& object, const std::string& name) const {
  return attribute_numbers<double>(open_attribute(object, name).id(), attribute_place(place(object), name));
}

std::vector<std::string> Hdf5Reader::attribute_strings(const std::string& object,
                                                       const std::string& name) const {
  const std::string what = attribute_place(place(object), name);
  Hdf5Handle attribute = open_attribute(object, name);
  Hdf5Handle space = own_hdf5(H5Aget_space(attribute.id()), H5Sclose, reading, what);
  Hdf5Handle type = own_hdf5(H5Aget_type(attribute.id()), H5Tclose, reading, what);
  return decode_strings(type.id(), space.id(), what, [&](hid_t memory_type, void* buffer) {
    return H5Aread(attribute.id(), memory_type, buffer);
  });
}

std::string Hdf5Reader::attribute_string(const std::string& object, const std::string& name) const {
  return only_one(attribute_strings(object, name), attribute_place(place(object), name));
}

TextAttributes Hdf5Reader::text_attributes(const std::string& object) const {
  const std::string what = place(object) + ": cannot list its attributes";
  if (!exists(object)) fail_input(place(object) + ": the file has no such object");
  Hdf5Handle handle = own_hdf5(H5Oopen(m_file.id(), object.c_str(), H5P_DEFAULT), H5Oclose, reading, what);
  std::vector<std::string> names;
  const auto note = [](hid_t, const char* name, const H5A_info_t*, void* list) -> herr_t {
    static_cast<std::vector<std::string>*>(list)->emplace_back(name);
    return 0;
  };
  // A search that finds nothing decodes every attribute. H5Aiterate2 of HDF5 1.10 fills a table while it
  // decodes, and releases entries that it never filled if one of a damaged file fails.
  check_hdf5(H5Aexists(handle.id(), "no attribute of this name"), reading, what);
  hsize_t position = 0;
  check_hdf5(H5Aiterate2(handle.id(), H5_INDEX_NAME, H5_ITER_INC, &position, note, &names), reading, what);
  TextAttributes texts;
  for (const std::string& name : names) {
    Hdf5Handle attribute = open_attribute(object, name);
    Hdf5Handle type = own_hdf5(H5Aget_type(attribute.id()), H5Tclose, reading, what);
    Hdf5Handle space = own_hdf5(H5Aget_space(attribute.id()), H5Sclose, reading, what);
    if (H5Tget_class(type.id()) == H5T_STRING && space_count(space.id(), what) == 1)
      texts.emplace_back(name, attribute_string(object, name));
  }
  return texts;
}

std::vector<std::string> Hdf5Reader::list(const std::string& group) const {
  if (!exists(group)) fail_input(place(group) + ": the file has no such group");
  Hdf5Handle handle = own_hdf5(H5Gopen2(m_file.id(), group.c_str(), H5P_DEFAULT), H5Gclose, reading,
                               place(group) + ": cannot open the group");
  return member_names(handle.id(), place(group) + ": cannot list the group");
}

#define RHOFLUX_INSTANTIATE(T)                                                         \
  template std::vector<T> Hdf5Reader::read<T>(const std::string&) const;               \
  template std::vector<T> Hdf5Reader::read<T>(const std::string&, const Shape&) const; \
  template std::vector<T> Hdf5Reader::read_slab<T>(const std::string&, const Shape&, const Shape&) const;
RHOFLUX_INSTANTIATE(float)
RHOFLUX_INSTANTIATE(double)
RHOFLUX_INSTANTIATE(std::int8_t)
RHOFLUX_INSTANTIATE(std::int32_t)
RHOFLUX_INSTANTIATE(std::int64_t)
RHOFLUX_INSTANTIATE(std::uint64_t)
#undef RHOFLUX_INSTANTIATE

}  // namespace rhoflux::io
