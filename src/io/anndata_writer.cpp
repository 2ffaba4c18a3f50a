#include "rhoflux/io/anndata_writer.hpp"

#include <algorithm>

#include "hdf5_types.hpp"

namespace rhoflux::io {

namespace {

constexpr ExitCode writing = ExitCode::io_failure;

}  // namespace

AnnDataWriter::AnnDataWriter(const std::string& path, Start start) : m_path(path) {
  silence_hdf5();
  const std::string what = path + ": cannot be opened for writing";
  const Hdf5Handle access = file_access(path, writing);
  if (start == Start::existing_file) {
    m_file = own_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDWR, access.id()), H5Fclose, writing, what);
    return;
  }
  m_file =
      own_hdf5(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.id()), H5Fclose, writing, what);
  encode("/", "anndata", "0.1.0");
}

bool AnnDataWriter::exists(const std::string& name) const {
  return H5Lexists(m_file.id(), name.c_str(), H5P_DEFAULT) > 0;
}

void AnnDataWriter::remove(const std::string& name) {
  check_hdf5(H5Ldelete(m_file.id(), name.c_str(), H5P_DEFAULT), writing,
             m_path + ", '" + name + "': cannot be replaced");
}

void AnnDataWriter::set_text(const std::string& object, const std::string& attribute,
                             const std::string& value) {
  const std::string what = m_path + ", '" + object + "': cannot write the attribute '" + attribute + "'";
  const Hdf5Handle type = variable_string_type(writing, what), space = make_space({}, writing, what);
  Hdf5Handle owner = own_hdf5(H5Oopen(m_file.id(), object.c_str(), H5P_DEFAULT), H5Oclose, writing, what);
  if (H5Aexists(owner.id(), attribute.c_str()) > 0)
    check_hdf5(H5Adelete(owner.id(), attribute.c_str()), writing, what);
  Hdf5Handle handle =
      own_hdf5(H5Acreate2(owner.id(), attribute.c_str(), type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT),
               H5Aclose, writing, what);
  const char* text = value.c_str();
  check_hdf5(H5Awrite(handle.id(), type.id(), &text), writing, what);
}

void AnnDataWriter::encode(const std::string& name, const std::string& type, const std::string& version) {
  set_text(name, "encoding-type", type);
  set_text(name, "encoding-version", version);
}

Hdf5Handle AnnDataWriter::make_group(const std::string& name) {
  const std::string what = m_path + ", '" + name + "': cannot create the group";
  Hdf5Handle links = own_hdf5(H5Pcreate(H5P_LINK_CREATE), H5Pclose, writing, what);
  check_hdf5(H5Pset_create_intermediate_group(links.id(), 1), writing, what);
  return own_hdf5(H5Gcreate2(m_file.id(), name.c_str(), links.id(), H5P_DEFAULT, H5P_DEFAULT), H5Gclose,
                  writing, what);
}

void AnnDataWriter::dictionary(const std::string& name) {
  if (exists(name)) return;
  make_group(name);
  encode(name, "dict", "0.1.0");
}

Hdf5Handle AnnDataWriter::create(const std::string& name, hid_t type, const Shape& shape) {
  const std::string what = m_path + ", '" + name + "': cannot create the dataset";
  const Hdf5Handle space = make_space(shape, writing, what);
  return own_hdf5(
      H5Dcreate2(m_file.id(), name.c_str(), type, space.id(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      H5Dclose, writing, what);
}

template <class T>
void AnnDataWriter::write_array(const std::string& name, const std::vector<T>& values, const Shape& shape) {
  const std::string what = m_path + ", '" + name + "': cannot write the array";
  const Hdf5Handle dataset = create(name, native_type<T>(), shape);
  if (!values.empty())
    check_hdf5(H5Dwrite(dataset.id(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
               writing, what);
  encode(name, "array", "0.2.0");
}

void AnnDataWriter::array(const std::string& name, const std::vector<double>& values, const Shape& shape) {
  write_array(name, values, shape);
}

void AnnDataWriter::array(const std::string& name, const std::vector<float>& values, const Shape& shape) {
  write_array(name, values, shape);
}

void AnnDataWriter::create_array(const std::string& name, const Shape& shape) {
  create(name, H5T_NATIVE_DOUBLE, shape);
  encode(name, "array", "0.2.0");
}

void AnnDataWriter::write_rows(const std::string& name, std::int64_t first_row,
                               const std::vector<double>& values) {
  const std::string what = m_path + ", '" + name + "': cannot write the array";
  Hdf5Handle dataset = own_hdf5(H5Dopen2(m_file.id(), name.c_str(), H5P_DEFAULT), H5Dclose, writing, what);
  Hdf5Handle space = own_hdf5(H5Dget_space(dataset.id()), H5Sclose, writing, what);
  Shape start = space_shape(space.id(), what), count = start;
  std::int64_t row_size = 1;
  for (std::size_t i = 1; i < count.size(); ++i) row_size *= count[i];
  std::fill(start.begin(), start.end(), 0);
  start[0] = first_row;
  count[0] = static_cast<std::int64_t>(values.size()) / row_size;
  if (values.empty()) return;
  require_inside(space_shape(space.id(), what), start, count, writing, what);
  select_box(space.id(), start, count, writing, what);
  const Hdf5Handle memory = make_space(count, writing, what);
  check_hdf5(H5Dwrite(dataset.id(), H5T_NATIVE_DOUBLE, memory.id(), space.id(), H5P_DEFAULT, values.data()),
             writing, what);
}

void AnnDataWriter::text_array(const std::string& name, const std::vector<std::string>& values) {
  const std::string what = m_path + ", '" + name + "': cannot write the texts";
  const Hdf5Handle type = variable_string_type(writing, what);
  const Hdf5Handle dataset = create(name, type.id(), {static_cast<std::int64_t>(values.size())});
  const std::vector<const char*> texts = text_pointers(values);
  if (!texts.empty())
    check_hdf5(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data()), writing, what);
  encode(name, "string-array", "0.2.0");
}

void AnnDataWriter::text(const std::string& name, const std::string& value) {
  const std::string what = m_path + ", '" + name + "': cannot write the text";
  const Hdf5Handle type = variable_string_type(writing, what), dataset = create(name, type.id(), {});
  const char* text = value.c_str();
  check_hdf5(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &text), writing, what);
  encode(name, "string", "0.2.0");
}

void AnnDataWriter::frame(const std::string& name, const std::vector<std::string>& index) {
  const std::string what = m_path + ", '" + name + "': cannot create the data frame";
  const Hdf5Handle group = make_group(name);
  encode(name, "dataframe", "0.2.0");
  set_text(name, "_index", "_index");
  // No column: an empty array, which AnnData writes as numbers.
  const Hdf5Handle space = make_space({0}, writing, what);
  own_hdf5(H5Acreate2(group.id(), "column-order", H5T_IEEE_F64LE, space.id(), H5P_DEFAULT, H5P_DEFAULT),
           H5Aclose, writing, what);
  text_array(name + "/_index", index);
}

/// The attribute column-order, with one column more.
void AnnDataWriter::append_column(const std::string& frame, const std::string& column) {
  const std::string what = m_path + ", '" + frame + "': cannot change the attribute 'column-order'";
  Hdf5Handle group = own_hdf5(H5Gopen2(m_file.id(), frame.c_str(), H5P_DEFAULT), H5Gclose, writing, what);
  std::vector<std::string> columns;
  if (H5Aexists(group.id(), "column-order") > 0) {
    Hdf5Handle old = own_hdf5(H5Aopen(group.id(), "column-order", H5P_DEFAULT), H5Aclose, writing, what);
    Hdf5Handle type = own_hdf5(H5Aget_type(old.id()), H5Tclose, writing, what);
    Hdf5Handle space = own_hdf5(H5Aget_space(old.id()), H5Sclose, writing, what);
    if (H5Tget_class(type.id()) == H5T_STRING)
      columns = decode_strings(type.id(), space.id(), what, [&](hid_t memory_type, void* buffer) {
        return H5Aread(old.id(), memory_type, buffer);
      });
  }
  if (std::find(columns.begin(), columns.end(), column) != columns.end()) return;
  columns.push_back(column);
  if (H5Aexists(group.id(), "column-order") > 0)
    check_hdf5(H5Adelete(group.id(), "column-order"), writing, what);
  const Hdf5Handle type = variable_string_type(writing, what),
                   space = make_space({static_cast<std::int64_t>(columns.size())}, writing, what);
  Hdf5Handle attribute =
      own_hdf5(H5Acreate2(group.id(), "column-order", type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT),
               H5Aclose, writing, what);
  check_hdf5(H5Awrite(attribute.id(), type.id(), text_pointers(columns).data()), writing, what);
}

void AnnDataWriter::numbers(const std::string& frame, const std::string& column,
                            const std::vector<double>& values) {
  array(frame + "/" + column, values, {static_cast<std::int64_t>(values.size())});
  append_column(frame, column);
}

void AnnDataWriter::texts(const std::string& frame, const std::string& column,
                          const std::vector<std::string>& values) {
  text_array(frame + "/" + column, values);
  append_column(frame, column);
}

void AnnDataWriter::categories(const std::string& frame, const std::string& column,
                               const std::vector<std::int32_t>& codes,
                               const std::vector<std::string>& names) {
  const std::string name = frame + "/" + column;
  const std::string what = m_path + ", '" + name + "': cannot write the categories";
  const Hdf5Handle group = make_group(name);
  encode(name, "categorical", "0.2.0");
  // "ordered" is a boolean, which h5py writes as an enumeration of bytes.
  Hdf5Handle type = own_hdf5(H5Tenum_create(H5T_NATIVE_INT8), H5Tclose, writing, what);
  for (const std::int8_t value : {0, 1})
    check_hdf5(H5Tenum_insert(type.id(), value == 0 ? "FALSE" : "TRUE", &value), writing, what);
  const Hdf5Handle space = make_space({}, writing, what);
  Hdf5Handle ordered =
      own_hdf5(H5Acreate2(group.id(), "ordered", type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
               writing, what);
  const std::int8_t no = 0;
  check_hdf5(H5Awrite(ordered.id(), type.id(), &no), writing, what);
  text_array(name + "/categories", names);
  write_array(name + "/codes", codes, {static_cast<std::int64_t>(codes.size())});
  append_column(frame, column);
}

void AnnDataWriter::close() {
  check_hdf5(H5Fflush(m_file.id(), H5F_SCOPE_GLOBAL), writing, m_path + ": cannot write to the file");
  check_hdf5(m_file.reset(), writing, m_path + ": cannot close the file");
}

}  // namespace rhoflux::io
