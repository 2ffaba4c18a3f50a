#include <hdf5_hl.h>

#include <algorithm>
#include <cstring>

#include "hdf5_types.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::io {

namespace {

constexpr ExitCode writing = ExitCode::io_failure;
constexpr std::int64_t chunk_bytes = 512 * 1024;

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
  // Without times: the same content has the same bytes.
  check_hdf5(H5Pset_obj_track_times(properties.id(), false), writing, what);
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

}  // namespace

Hdf5Writer::Hdf5Writer(const std::string& path) : m_path(path) {
  silence_hdf5();
  const std::string what = path + ": cannot create the file";
  const Hdf5Handle access = file_access(path, writing);
  // The format of HDF5 1.10 has checksums on all that is not data too: attributes, names, shapes, indices.
  check_hdf5(H5Pset_libver_bounds(access.id(), H5F_LIBVER_V110, H5F_LIBVER_V110), writing, what);
  Hdf5Handle creation = own_hdf5(H5Pcreate(H5P_FILE_CREATE), H5Pclose, writing, what);
  check_hdf5(H5Pset_obj_track_times(creation.id(), false), writing, what);
  m_file =
      own_hdf5(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose, writing, what);
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
  Hdf5Handle properties = own_hdf5(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, writing, what);
  check_hdf5(H5Pset_obj_track_times(properties.id(), false), writing, what);
  own_hdf5(H5Gcreate2(m_file.id(), name.c_str(), links.id(), properties.id(), H5P_DEFAULT), H5Gclose, writing,
           what);
}

Hdf5Handle Hdf5Writer::create(const std::string& name, hid_t type, const Shape& shape,
                              const DatasetOptions& options) {
  const std::string what = place(name) + ": cannot create a dataset of shape " + to_string(shape);
  return create(name, type, shape, creation_properties(shape, H5Tget_size(type), options, what), what);
}

Hdf5Handle Hdf5Writer::create(const std::string& name, hid_t type, const Shape& shape,
                              const Hdf5Handle& properties, const std::string& what) {
  Hdf5Handle links = own_hdf5(H5Pcreate(H5P_LINK_CREATE), H5Pclose, writing, what);
  check_hdf5(H5Pset_create_intermediate_group(links.id(), 1), writing, what);
  Hdf5Handle space = make_space(shape, writing, what);
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

void Hdf5Writer::create_string_dataset(const std::string& name, std::int64_t n_rows) {
  const std::string what = place(name) + ": cannot create a dataset of texts";
  Hdf5Handle properties = own_hdf5(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, writing, what);
  check_hdf5(H5Pset_obj_track_times(properties.id(), false), writing, what);
  create(name, variable_string_type(writing, what).id(), {n_rows}, properties, what);
}

void Hdf5Writer::write_string_rows(const std::string& name, std::int64_t first_row,
                                   const std::vector<std::string>& texts) {
  const std::string what = place(name) + ": cannot write the texts";
  Hdf5Handle dataset = own_hdf5(H5Dopen2(m_file.id(), name.c_str(), H5P_DEFAULT), H5Dclose, writing, what);
  Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, writing, what);
  const Shape start = {first_row}, count = {static_cast<std::int64_t>(texts.size())};
  require_inside(space_shape(space.id(), what), start, count, writing, what);
  if (texts.empty()) return;
  const Hdf5Handle type = variable_string_type(writing, what), memory = make_space(count, writing, what);
  select_box(space.id(), start, count, writing, what);
  check_hdf5(
      H5Dwrite(dataset.id(), type.id(), memory.id(), space.id(), H5P_DEFAULT, text_pointers(texts).data()),
      writing, what);
}

void Hdf5Writer::write_strings(const std::string& name, const std::vector<std::string>& texts) {
  create_string_dataset(name, static_cast<std::int64_t>(texts.size()));
  write_string_rows(name, 0, texts);
}

void Hdf5Writer::set_scale(const std::string& dataset, int axis, const std::string& scale) {
  const std::string what =
      place(dataset) + ": cannot give dimension " + std::to_string(axis) + " the scale '" + scale + "'";
  Hdf5Handle positions = own_hdf5(H5Dopen2(m_file.id(), scale.c_str(), H5P_DEFAULT), H5Dclose, writing, what);
  if (check_hdf5(H5DSis_scale(positions.id()), writing, what) == 0)
    check_hdf5(H5DSset_scale(positions.id(), scale.c_str()), writing, what);
  if (dataset == scale) return;
  Hdf5Handle values = own_hdf5(H5Dopen2(m_file.id(), dataset.c_str(), H5P_DEFAULT), H5Dclose, writing, what);
  check_hdf5(H5DSattach_scale(values.id(), positions.id(), static_cast<unsigned>(axis)), writing, what);
}

void Hdf5Writer::view(const std::string& name, const Shape& shape, const Box& shown,
                      const std::string& source, const Box& part) {
  const std::string what = place(name) + ": cannot make a view of '" + source + "'";
  Hdf5Handle dataset = own_hdf5(H5Dopen2(m_file.id(), source.c_str(), H5P_DEFAULT), H5Dclose, writing, what);
  Hdf5Handle from = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, writing, what);
  require_inside(space_shape(from.id(), what), part.start, part.count, writing, what);
  select_box(from.id(), part.start, part.count, writing, what);
  require_inside(shape, shown.start, shown.count, writing, what);
  Hdf5Handle to = make_space(shape, writing, what);
  select_box(to.id(), shown.start, shown.count, writing, what);
  Hdf5Handle properties = own_hdf5(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, writing, what);
  const std::string absolute = source.front() == '/' ? source : "/" + source;
  check_hdf5(H5Pset_virtual(properties.id(), to.id(), ".", absolute.c_str(), from.id()), writing, what);
  create(name, H5T_NATIVE_DOUBLE, shape, properties, what);
}

void Hdf5Writer::write_string(const std::string& name, const std::string& text) {
  const std::string what = place(name) + ": cannot write the text";
  // With the zero byte at the end, which netCDF-4 needs.
  Hdf5Handle type = fixed_string_type(text.size() + 1, writing, what);
  Hdf5Handle dataset = create(name, type.id(), {1}, {});
  check_hdf5(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.c_str()), writing, what);
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
  const double none = 0;  // HDF5 takes no null pointer, where there is nothing to write either
  write_attribute(object, name, H5T_NATIVE_DOUBLE, space.id(), values.empty() ? &none : values.data());
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

void Hdf5Writer::attributes(const std::string& object, const TextAttributes& texts) {
  for (const auto& [name, value] : texts) attribute(object, name, value);
}

#define RHOFLUX_INSTANTIATE(T)                                                                          \
  template void Hdf5Writer::write(const std::string&, const std::vector<T>&, const Shape&,              \
                                  const DatasetOptions&);                                               \
  template void Hdf5Writer::create_dataset<T>(const std::string&, const Shape&, const DatasetOptions&); \
  template void Hdf5Writer::write_slab(const std::string&, const Shape&, const Shape&,                  \
                                       const std::vector<T>&);                                          \
  template void Hdf5Writer::write_rows(const std::string&, std::int64_t, const std::vector<T>&);
RHOFLUX_INSTANTIATE(float)
RHOFLUX_INSTANTIATE(double)
RHOFLUX_INSTANTIATE(std::int8_t)
RHOFLUX_INSTANTIATE(std::int32_t)
RHOFLUX_INSTANTIATE(std::int64_t)
RHOFLUX_INSTANTIATE(std::uint64_t)
#undef RHOFLUX_INSTANTIATE

}  // namespace rhoflux::io
