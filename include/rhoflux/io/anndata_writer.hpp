#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::io {

/// Writes elements of an AnnData file (.h5ad) as AnnData 0.8 does (its "on-disk format" pages): every element says
/// its kind and version by the attributes encoding-type and encoding-version. From a single process; failures are
/// I/O failures that name the file and the element.
class AnnDataWriter {
 public:
  /// Whether a new file is made, or elements are added to one that exists.
  enum class Start { new_file, existing_file };
  AnnDataWriter(const std::string& path, Start start);

  bool exists(const std::string& name) const;
  /// Takes an element, with all that is in it, out of the file.
  void remove(const std::string& name);

  /// A group that holds elements by name (encoding-type dict), such as obsm. Those that exist are left as they are.
  void dictionary(const std::string& name);

  /// A data frame with its index, and no column yet.
  void frame(const std::string& name, const std::vector<std::string>& index);

  // Columns of a data frame. Each is appended to the order of columns, where it is not in it yet.
  void numbers(const std::string& frame, const std::string& column, const std::vector<double>& values);
  void texts(const std::string& frame, const std::string& column, const std::vector<std::string>& values);
  void categories(const std::string& frame, const std::string& column, const std::vector<std::int32_t>& codes,
                  const std::vector<std::string>& names);

  /// An array in C order.
  void array(const std::string& name, const std::vector<double>& values, const Shape& shape);
  void array(const std::string& name, const std::vector<float>& values, const Shape& shape);
  /// An array that is filled by write_rows(); what is never written is zero.
  void create_array(const std::string& name, const Shape& shape);
  void write_rows(const std::string& name, std::int64_t first_row, const std::vector<double>& values);

  /// One text, such as an entry of uns.
  void text(const std::string& name, const std::string& value);

  /// Flushes and closes; throws where that fails.
  void close();

 private:
  template <class T>
  void write_array(const std::string& name, const std::vector<T>& values, const Shape& shape);
  Hdf5Handle create(const std::string& name, hid_t type, const Shape& shape);
  void text_array(const std::string& name, const std::vector<std::string>& values);
  void encode(const std::string& name, const std::string& type, const std::string& version);
  void set_text(const std::string& object, const std::string& attribute, const std::string& value);
  void append_column(const std::string& frame, const std::string& column);
  Hdf5Handle make_group(const std::string& name);

  std::string m_path;
  Hdf5Handle m_file;
};

}  // namespace rhoflux::io
