#include "rhoflux/io/hdf5_handle.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>

namespace rhoflux::io {

namespace {

constexpr ExitCode reading = ExitCode::bad_input;
constexpr ExitCode writing = ExitCode::io_failure;
constexpr std::int64_t chunk_bytes = 512 * 1024;

template <class T>
hid_t native_type();
template <>
hid_t native_type<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
hid_t native_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
hid_t native_type<std::int8_t>() {
  return H5T_NATIVE_INT8;
}
template <>
hid_t native_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
hid_t native_type<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}

std::vector<hsize_t> to_hsize(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

Hdf5Handle make_space(const Shape& shape, ExitCode code, const std::string& what) {
  if (shape.empty()) return own_hdf5(H5Screate(H5S_SCALAR), H5Sclose, code, what);
  const std::vector<hsize_t> extents = to_hsize(shape);
  return own_hdf5(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose, code,
                  what);
}

Shape space_shape(hid_t space, const std::string& what) {
  const int rank = check_hdf5(H5Sget_simple_extent_ndims(space), reading, what);
  std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
  check_hdf5(H5Sget_simple_extent_dims(space, extents.data(), nullptr), reading, what);
  return {extents.begin(), extents.end()};
}

/// Fills the last dimensions first, so that a chunk is a run of whole rows where rows are short.
Shape default_chunk(const Shape& shape, std::size_t element_bytes) {
  std::int64_t room = std::max<std::int64_t>(1, chunk_bytes / static_cast<std::int64_t>(element_bytes));
  Shape chunk(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 0;) {
    chunk[i] = std::clamp<std::int64_t>(shape[i], 1, room);
    room = std::max<std::int64_t>(1, room / chunk[i]);
  }
  return chunk;
}

Hdf5Handle creation_properties(const Shape& shape, std::size_t element_bytes, const DatasetOptions& options,
                               const std::string& what) {
  Hdf5Handle properties = own_hdf5(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, writing, what);
  if (shape.empty()) return properties;
  const std::vector<hsize_t> chunk =
      to_hsize(options.chunk.empty() ? default_chunk(shape, element_bytes) : options.chunk);
  check_hdf5(H5Pset_chunk(properties.id(), static_cast<int>(chunk.size()), chunk.data()), writing, what);
  if (options.deflate > 0) {
    check_hdf5(H5Pset_shuffle(properties.id()), writing, what);
    check_hdf5(H5Pset_deflate(properties.id(), static_cast<unsigned>(options.deflate)), writing, what);
  }
  check_hdf5(H5Pset_fletcher32(properties.id()), writing, what);
  return properties;
}

Hdf5Handle fixed_string_type(std::size_t bytes, ExitCode code, const std::string& what) {
  Hdf5Handle type = own_hdf5(H5Tcopy(H5T_C_S1), H5Tclose, code, what);
  check_hdf5(H5Tset_size(type.id(), std::max<std::size_t>(1, bytes)), code, what);
  check_hdf5(H5Tset_strpad(type.id(), H5T_STR_NULLPAD), code, what);
  check_hdf5(H5Tset_cset(type.id(), H5T_CSET_UTF8), code, what);
  return type;
}

/// Decodes the strings of a dataset or attribute, whose raw transfer is `transfer(memory_type, buffer)`.
template <class Transfer>
std::vector<std::string> decode_strings(hid_t file_type, hid_t space, const std::string& what,
                                        const Transfer& transfer) {
  if (H5Tget_class(file_type) != H5T_STRING) fail_input(what + ": expected text");
  const auto count = static_cast<std::size_t>(check_hdf5(H5Sget_simple_extent_npoints(space), reading, what));
  std::vector<std::string> texts;
  if (count == 0) return texts;
  if (check_hdf5(H5Tis_variable_str(file_type), reading, what) > 0) {
    Hdf5Handle type = own_hdf5(H5Tcopy(H5T_C_S1), H5Tclose, reading, what);
    check_hdf5(H5Tset_size(type.id(), H5T_VARIABLE), reading, what);
    check_hdf5(H5Tset_cset(type.id(), H5Tget_cset(file_type)), reading, what);
    std::vector<char*> pointers(count, nullptr);
    check_hdf5(transfer(type.id(), pointers.data()), reading, what);
    for (const char* pointer : pointers) texts.emplace_back(pointer == nullptr ? "" : pointer);
    check_hdf5(H5Dvlen_reclaim(type.id(), space, H5P_DEFAULT, pointers.data()), reading, what);
    return texts;
  }
  const std::size_t bytes = H5Tget_size(file_type);
  std::vector<char> buffer(count * bytes);
  check_hdf5(transfer(file_type, buffer.data()), reading, what);
  for (std::size_t i = 0; i < count; ++i) {
    const char* begin = buffer.data() + i * bytes;
    texts.emplace_back(begin, std::find(begin, begin + bytes, '\0'));
  }
  return texts;
}

void require_numeric(hid_t type, const std::string& what) {
  const H5T_class_t kind = H5Tget_class(type);
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) fail_input(what + ": expected numbers");
}

void require_shape(const Shape& found, const Shape& expected, const std::string& what) {
  bool matches = found.size() == expected.size();
  for (std::size_t i = 0; matches && i < found.size(); ++i)
    matches = expected[i] == -1 || expected[i] == found[i];
  if (!matches) {
    fail_input(what + ": expected shape " + to_string(expected) + ", found " + to_string(found));
  }
}

void select_box(hid_t space, const Shape& start, const Shape& count, ExitCode code, const std::string& what) {
  const std::vector<hsize_t> first = to_hsize(start);
  const std::vector<hsize_t> extents = to_hsize(count);
  check_hdf5(H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, extents.data(), nullptr), code,
             what);
}

void require_inside(const Shape& shape, const Shape& start, const Shape& count, ExitCode code,
                    const std::string& what) {
  bool inside = start.size() == shape.size() && count.size() == shape.size();
  for (std::size_t i = 0; inside && i < shape.size(); ++i)
    inside = start[i] >= 0 && count[i] >= 0 && start[i] + count[i] <= shape[i];
  if (!inside) {
    throw Error(code, what + ": the box from " + to_string(start) + " of extents " + to_string(count) +
                          " does not lie in the shape " + to_string(shape));
  }
}

}  // namespace

std::string to_string(const Shape& shape) {
  if (shape.empty()) return "scalar";
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + (shape[i] == -1 ? std::string("any") : std::to_string(shape[i]));
  }
  return text + ")";
}

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

Hdf5Handle::Hdf5Handle(Hdf5Handle&& other) noexcept : m_id(other.m_id), m_close(other.m_close) {
  other.m_id = -1;
}

Hdf5Handle& Hdf5Handle::operator=(Hdf5Handle&& other) noexcept {
  if (this != &other) {
    reset();
    m_id = other.m_id;
    m_close = other.m_close;
    other.m_id = -1;
  }
  return *this;
}

herr_t Hdf5Handle::reset() noexcept {
  if (m_id < 0) return 0;
  const hid_t id = m_id;
  m_id = -1;
  return m_close(id);
}

void silence_hdf5() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

namespace {
/// Keeps the cause (the first and innermost entry) and the call that failed (the last), which is what helps a
/// user.
struct StackText {
  std::string innermost;
  std::string outermost;
};
herr_t collect_error(unsigned, const H5E_error2_t* entry, void* data) {
  auto* text = static_cast<StackText*>(data);
  const std::string line = std::string(entry->func_name) + ": " + entry->desc;
  if (text->innermost.empty()) text->innermost = line;
  text->outermost = line;
  return 0;
}
}  // namespace

void fail_hdf5(ExitCode code, const std::string& what) {
  StackText text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect_error, &text);
  H5Eclear2(H5E_DEFAULT);
  std::string message = what;
  if (!text.innermost.empty()) {
    message += " (HDF5: " + text.outermost;
    if (text.innermost != text.outermost) message += "; cause: " + text.innermost;
    message += ")";
  }
  throw Error(code, message);
}

Hdf5Handle own_hdf5(hid_t id, Hdf5Handle::Close close, ExitCode code, const std::string& what) {
  return {check_hdf5(id, code, what), close};
}

std::vector<std::string> member_names(hid_t group, const std::string& what) {
  H5G_info_t info;
  check_hdf5(H5Gget_info(group, &info), reading, what);
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const ssize_t length =
        check_hdf5(H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT),
                   reading, what);
    std::string name(static_cast<std::size_t>(length) + 1, '\0');
    check_hdf5(
        H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT),
        reading, what);
    name.pop_back();
    names.push_back(name);
  }
  return names;
}

// Writing

Hdf5Writer::Hdf5Writer(const std::string& path) : m_path(path) {
  silence_hdf5();
  m_file = own_hdf5(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, writing,
                    path + ": cannot create the file");
}

std::string Hdf5Writer::place(const std::string& name) const {
  return m_path + ", '" + name + "'";
}

void Hdf5Writer::close() {
  if (!m_file) return;
  check_hdf5(H5Fflush(m_file.id(), H5F_SCOPE_GLOBAL), writing, m_path + ": cannot write to the file");
  check_hdf5(m_file.reset(), writing, m_path + ": cannot close the file");
}

void Hdf5Writer::group(const std::string& name) {
  const std::string what = place(name) + ": cannot create the group";
  Hdf5Handle links = own_hdf5(H5Pcreate(H5P_LINK_CREATE), H5Pclose, writing, what);
  check_hdf5(H5Pset_create_intermediate_group(links.id(), 1), writing, what);
  own_hdf5(H5Gcreate2(m_file.id(), name.c_str(), links.id(), H5P_DEFAULT, H5P_DEFAULT), H5Gclose, writing,
           what);
}

Hdf5Handle Hdf5Writer::create(const std::string& name, hid_t type, const Shape& shape,
                              const DatasetOptions& options) {
  const std::string what = place(name) + ": cannot create a dataset of shape " + to_string(shape);
  Hdf5Handle links = own_hdf5(H5Pcreate(H5P_LINK_CREATE), H5Pclose, writing, what);
  check_hdf5(H5Pset_create_intermediate_group(links.id(), 1), writing, what);
  Hdf5Handle space = make_space(shape, writing, what);
  Hdf5Handle properties = creation_properties(shape, H5Tget_size(type), options, what);
  return own_hdf5(
      H5Dcreate2(m_file.id(), name.c_str(), type, space.id(), links.id(), properties.id(), H5P_DEFAULT),
      H5Dclose, writing, what);
}

template <class T>
void Hdf5Writer::write(const std::string& name, const std::vector<T>& values, const Shape& shape,
                       const DatasetOptions& options) {
  const auto found = static_cast<std::int64_t>(values.size());
  if (found != element_count(shape)) {
    fail_io(place(name) + ": " + std::to_string(found) + " values for the shape " + to_string(shape));
  }
  Hdf5Handle dataset = create(name, native_type<T>(), shape, options);
  if (values.empty()) return;
  check_hdf5(H5Dwrite(dataset.id(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), writing,
             place(name) + ": cannot write the dataset");
}

template <class T>
void Hdf5Writer::create_dataset(const std::string& name, const Shape& shape, const DatasetOptions& options) {
  create(name, native_type<T>(), shape, options);
}

template <class T>
void Hdf5Writer::write_slab(const std::string& name, const Shape& start, const Shape& count,
                            const std::vector<T>& values) {
  const std::string what = place(name) + ": cannot write the dataset";
  Hdf5Handle dataset = own_hdf5(H5Dopen2(m_file.id(), name.c_str(), H5P_DEFAULT), H5Dclose, writing, what);
  Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, writing, what);
  require_inside(space_shape(space.id(), what), start, count, writing, what);
  if (static_cast<std::int64_t>(values.size()) != element_count(count)) {
    fail_io(what + ": " + std::to_string(values.size()) + " values for the box " + to_string(count));
  }
  if (values.empty()) return;
  select_box(space.id(), start, count, writing, what);
  Hdf5Handle memory = make_space(count, writing, what);
  check_hdf5(H5Dwrite(dataset.id(), native_type<T>(), memory.id(), space.id(), H5P_DEFAULT, values.data()),
             writing, what);
}

template <class T>
void Hdf5Writer::write_rows(const std::string& name, std::int64_t first_row, const std::vector<T>& values) {
  const std::string what = place(name) + ": cannot write the dataset";
  Shape count;
  {
    Hdf5Handle dataset = own_hdf5(H5Dopen2(m_file.id(), name.c_str(), H5P_DEFAULT), H5Dclose, writing, what);
    Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, writing, what);
    count = space_shape(space.id(), what);
  }
  if (count.empty()) fail_io(what + ": a scalar has no rows");
  const Shape row(count.begin() + 1, count.end());
  const std::int64_t row_size = element_count(row);
  const auto found = static_cast<std::int64_t>(values.size());
  if (row_size == 0 || found % row_size != 0) {
    fail_io(what + ": " + std::to_string(found) + " values are no whole number of rows of " + to_string(row));
  }
  Shape start(count.size(), 0);
  start[0] = first_row;
  count[0] = found / row_size;
  write_slab(name, start, count, values);
}

void Hdf5Writer::write_string(const std::string& name, const std::string& text) {
  const std::string what = place(name) + ": cannot write the text";
  Hdf5Handle type = fixed_string_type(text.size(), writing, what);
  Hdf5Handle dataset = create(name, type.id(), {1}, {});
  const char* bytes = text.empty() ? "\0" : text.data();
  check_hdf5(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes), writing, what);
}

void Hdf5Writer::write_attribute(const std::string& object, const std::string& name, hid_t type, hid_t space,
                                 const void* values) {
  const std::string what = place(object) + ": cannot write the attribute '" + name + "'";
  Hdf5Handle owner = own_hdf5(H5Oopen(m_file.id(), object.c_str(), H5P_DEFAULT), H5Oclose, writing, what);
  Hdf5Handle attribute = own_hdf5(H5Acreate2(owner.id(), name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT),
                                  H5Aclose, writing, what);
  check_hdf5(H5Awrite(attribute.id(), type, values), writing, what);
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, int value) {
  attribute(object, name, static_cast<std::int64_t>(value));
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, std::int64_t value) {
  Hdf5Handle space = make_space({}, writing, place(object));
  write_attribute(object, name, H5T_NATIVE_INT64, space.id(), &value);
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, double value) {
  Hdf5Handle space = make_space({}, writing, place(object));
  write_attribute(object, name, H5T_NATIVE_DOUBLE, space.id(), &value);
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, const char* value) {
  attribute(object, name, std::string(value));
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, const std::string& value) {
  Hdf5Handle space = make_space({}, writing, place(object));
  Hdf5Handle type = fixed_string_type(value.size(), writing, place(object));
  write_attribute(object, name, type.id(), space.id(), value.empty() ? "\0" : value.data());
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name,
                           const std::vector<double>& values) {
  Hdf5Handle space = make_space({static_cast<std::int64_t>(values.size())}, writing, place(object));
  write_attribute(object, name, H5T_NATIVE_DOUBLE, space.id(), values.data());
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name,
                           const std::vector<std::string>& values) {
  std::size_t bytes = 1;
  for (const std::string& value : values) bytes = std::max(bytes, value.size());
  std::vector<char> buffer(std::max<std::size_t>(1, values.size()) * bytes, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::memcpy(buffer.data() + i * bytes, values[i].data(), values[i].size());
  }
  Hdf5Handle space = make_space({static_cast<std::int64_t>(values.size())}, writing, place(object));
  Hdf5Handle type = fixed_string_type(bytes, writing, place(object));
  write_attribute(object, name, type.id(), space.id(), buffer.data());
}

// Reading

Hdf5Reader::Hdf5Reader(const std::string& path) : m_path(path) {
  silence_hdf5();
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) fail_input(path + ": no such file");
  m_file = own_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, reading,
                    path + ": not an HDF5 file, or damaged");
}

std::string Hdf5Reader::place(const std::string& name) const {
  return m_path + ", '" + name + "'";
}

bool Hdf5Reader::exists(const std::string& name) const {
  // H5Lexists looks at the last link only, so the links before it are asked for one by one.
  for (std::size_t end = name.find('/', 1); end != std::string::npos; end = name.find('/', end + 1)) {
    if (H5Lexists(m_file.id(), name.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return name == "/" || H5Lexists(m_file.id(), name.c_str(), H5P_DEFAULT) > 0;
}

bool Hdf5Reader::is_dataset(const std::string& name) const {
  if (!exists(name)) return false;
  Hdf5Handle object = own_hdf5(H5Oopen(m_file.id(), name.c_str(), H5P_DEFAULT), H5Oclose, reading,
                               place(name) + ": cannot be opened");
  return H5Iget_type(object.id()) == H5I_DATASET;
}

Hdf5Handle Hdf5Reader::open_dataset(const std::string& name) const {
  if (!exists(name)) fail_input(place(name) + ": the file has no such dataset");
  if (!is_dataset(name)) fail_input(place(name) + ": expected a dataset, found a group");
  return own_hdf5(H5Dopen2(m_file.id(), name.c_str(), H5P_DEFAULT), H5Dclose, reading,
                  place(name) + ": cannot open the dataset");
}

Shape Hdf5Reader::shape(const std::string& name) const {
  Hdf5Handle dataset = open_dataset(name);
  Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, reading, place(name));
  return space_shape(space.id(), place(name));
}

template <class T>
std::vector<T> Hdf5Reader::read(const std::string& name) const {
  Hdf5Handle dataset = open_dataset(name);
  Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, reading, place(name));
  Hdf5Handle type = own_hdf5(H5Dget_type(dataset.id()), H5Tclose, reading, place(name));
  require_numeric(type.id(), place(name));
  std::vector<T> values(static_cast<std::size_t>(element_count(space_shape(space.id(), place(name)))));
  if (values.empty()) return values;
  check_hdf5(H5Dread(dataset.id(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), reading,
             place(name) + ": cannot read the dataset");
  return values;
}

template <class T>
std::vector<T> Hdf5Reader::read(const std::string& name, const Shape& expected) const {
  require_shape(shape(name), expected, place(name));
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

std::string Hdf5Reader::read_string(const std::string& name) const {
  Hdf5Handle dataset = open_dataset(name);
  Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, reading, place(name));
  Hdf5Handle type = own_hdf5(H5Dget_type(dataset.id()), H5Tclose, reading, place(name));
  const std::vector<std::string> texts =
      decode_strings(type.id(), space.id(), place(name), [&](hid_t memory_type, void* buffer) {
        return H5Dread(dataset.id(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer);
      });
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
  std::vector<T> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.id())));
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

std::vector<std::string> Hdf5Reader::list(const std::string& group) const {
  if (!exists(group)) fail_input(place(group) + ": the file has no such group");
  Hdf5Handle handle = own_hdf5(H5Gopen2(m_file.id(), group.c_str(), H5P_DEFAULT), H5Gclose, reading,
                               place(group) + ": cannot open the group");
  return member_names(handle.id(), place(group) + ": cannot list the group");
}

#define RHOFLUX_INSTANTIATE(T)                                                                          \
  template void Hdf5Writer::write(const std::string&, const std::vector<T>&, const Shape&,              \
                                  const DatasetOptions&);                                               \
  template void Hdf5Writer::create_dataset<T>(const std::string&, const Shape&, const DatasetOptions&); \
  template void Hdf5Writer::write_slab(const std::string&, const Shape&, const Shape&,                  \
                                       const std::vector<T>&);                                          \
  template void Hdf5Writer::write_rows(const std::string&, std::int64_t, const std::vector<T>&);        \
  template std::vector<T> Hdf5Reader::read<T>(const std::string&) const;                                \
  template std::vector<T> Hdf5Reader::read<T>(const std::string&, const Shape&) const;                  \
  template std::vector<T> Hdf5Reader::read_slab<T>(const std::string&, const Shape&, const Shape&) const;
RHOFLUX_INSTANTIATE(float)
RHOFLUX_INSTANTIATE(double)
RHOFLUX_INSTANTIATE(std::int8_t)
RHOFLUX_INSTANTIATE(std::int64_t)
RHOFLUX_INSTANTIATE(std::uint64_t)
#undef RHOFLUX_INSTANTIATE

}  // namespace rhoflux::io
