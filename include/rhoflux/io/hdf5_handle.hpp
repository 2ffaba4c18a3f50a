#pragma once

#include <hdf5.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "rhoflux/core/error.hpp"

namespace rhoflux::io {

/// Extents of a dataset, slowest first (C order). An empty shape is a scalar.
using Shape = std::vector<std::int64_t>;

/// "(100, 2)"; "scalar" for an empty shape; an extent of -1 reads "any".
std::string to_string(const Shape& shape);

/// Number of elements of a shape (1 for a scalar). Throws Error (bad input) beyond what 63 bits can count.
std::int64_t element_count(const Shape& shape);

/// Attributes that are texts: name and value of each.
using TextAttributes = std::vector<std::pair<std::string, std::string>>;

/// Owns one HDF5 identifier of any kind and closes it.
class Hdf5Handle {
 public:
  using Close = herr_t (*)(hid_t);

  Hdf5Handle() = default;
  /// @param[in] id a valid identifier, checked by the caller
  /// @param[in] close the function that releases it, e.g. H5Dclose
  Hdf5Handle(hid_t id, Close close) : m_id(id), m_close(close) {}
  ~Hdf5Handle() { reset(); }
  Hdf5Handle(Hdf5Handle&& other) noexcept;
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept;
  Hdf5Handle(const Hdf5Handle&) = delete;
  Hdf5Handle& operator=(const Hdf5Handle&) = delete;

  hid_t id() const { return m_id; }
  explicit operator bool() const { return m_id >= 0; }

  /// Closes, and returns what the closing function said (0 when nothing was open).
  herr_t reset() noexcept;
  /// Leaves it open: closing waits for other ranks that may not come.
  void abandon() noexcept { m_id = -1; }

 private:
  hid_t m_id = -1;
  Close m_close = nullptr;
};

/// Stops HDF5 from printing its error stack by itself; the stack becomes part of the thrown message instead.
void silence_hdf5();

/// Starts HDF5 so that it does not close what is open when MPI or the program ends; to be called before
/// MPI_Init. A file that a full disk kept from being closed would make HDF5 crash then, and hide the exit
/// code. All handles close themselves.
void start_hdf5_without_end();

/// Throws Error(code) with `what` and the text of HDF5's error stack.
[[noreturn]] void fail_hdf5(ExitCode code, const std::string& what);

/// Passes a result of the HDF5 library through, or throws when it is negative.
template <class Result>
Result check_hdf5(Result result, ExitCode code, const std::string& what) {
  if (result < 0) fail_hdf5(code, what);
  return result;
}

/// A checked identifier that closes itself.
Hdf5Handle own_hdf5(hid_t id, Hdf5Handle::Close close, ExitCode code, const std::string& what);

/// Properties with which a file is opened: HDF5 locks it where its file system has locks, and does not ask for any where it has
/// none (ENOLCK, ENOSYS), which would fail. The variable HDF5_USE_FILE_LOCKING has the last word.
Hdf5Handle file_access(const std::string& path, ExitCode code);

/// Names of the members of an open group or file, sorted. Throws (bad input) with `what`.
std::vector<std::string> member_names(hid_t group, const std::string& what);

/// How a dataset is stored. Every dataset that is not a scalar is chunked and carries a Fletcher-32 checksum.
struct DatasetOptions {
  int deflate = 0;  ///< gzip level 0 (none) .. 9
  Shape chunk;      ///< extents of a chunk; empty: chosen for about 512 KiB
};

/// A part of a dataset: `count` entries from `start` on, by dimension.
struct Box {
  Shape start, count;
};

/// Writes one new HDF5 file from a single process. T is float, double, int8_t, int32_t, int64_t or uint64_t.
///
/// Names are paths such as "parameters/W"; missing groups on the way are made. All failures are I/O failures
/// (exit code 4) that name the file and the object. Pair it with write_safely() so that no half-written file
/// is left.
class Hdf5Writer {
 public:
  /// Creates the file, replacing any file of that name.
  explicit Hdf5Writer(const std::string& path);

  /// Flushes and closes, and throws if the last data could not be written. The destructor closes silently.
  void close();

  void group(const std::string& name);

  /// Writes a whole dataset.
  /// @param[in] values element_count(shape) values in C order
  template <class T>
  void write(const std::string& name, const std::vector<T>& values, const Shape& shape,
             const DatasetOptions& options = {});

  /// Makes a dataset to be filled by write_slab or write_rows; what is never written reads as zero.
  template <class T>
  void create_dataset(const std::string& name, const Shape& shape, const DatasetOptions& options = {});

  /// Fills the box start .. start + count of a dataset made before.
  /// @param[in] values element_count(count) values in C order
  template <class T>
  void write_slab(const std::string& name, const Shape& start, const Shape& count,
                  const std::vector<T>& values);

  /// Fills whole rows (entries of the first dimension) from `first_row` on; their number follows from the
  /// values.
  template <class T>
  void write_rows(const std::string& name, std::int64_t first_row, const std::vector<T>& values);

  /// Makes a dataset of UTF-8 strings of any length, to be filled by write_string_rows. HDF5 has no checksum for
  /// these; strings of a fixed length would have one, but netCDF-4 reads beyond their end.
  void create_string_dataset(const std::string& name, std::int64_t n_rows);

  /// Fills entries of such a dataset from `first_row` on.
  void write_string_rows(const std::string& name, std::int64_t first_row,
                         const std::vector<std::string>& texts);

  /// Makes a dataset of doubles that shows a part of another one and stores nothing itself (an HDF5 virtual
  /// dataset; readers need HDF5 1.10): the entries `part` of the dataset `source` of this file appear at
  /// `shown`, which has as many entries, in the same order; the rest reads as zero.
  void view(const std::string& name, const Shape& shape, const Box& shown, const std::string& source,
            const Box& part);

  /// Writes a whole dataset of texts.
  void write_strings(const std::string& name, const std::vector<std::string>& texts);

  /// Says that the dataset `scale` (n) holds the positions along dimension `axis`, of extent n, of a dataset (an HDF5
  /// dimension scale), so that netCDF-4 and xarray show that dimension under the name of the scale.
  void set_scale(const std::string& dataset, int axis, const std::string& scale);

  /// Text as a dataset of one fixed-length UTF-8 string, shape (1), so that the checksum covers it.
  void write_string(const std::string& name, const std::string& text);

  /// Attributes of a group or dataset; "/" is the file itself.
  void attribute(const std::string& object, const std::string& name, int value);
  void attribute(const std::string& object, const std::string& name, std::int64_t value);
  void attribute(const std::string& object, const std::string& name, double value);
  void attribute(const std::string& object, const std::string& name, const char* value);
  void attribute(const std::string& object, const std::string& name, const std::string& value);
  void attribute(const std::string& object, const std::string& name, const std::vector<double>& values);
  void attribute(const std::string& object, const std::string& name, const std::vector<std::string>& values);
  void attributes(const std::string& object, const TextAttributes& texts);

 private:
  Hdf5Handle create(const std::string& name, hid_t type, const Shape& shape, const DatasetOptions& options);
  Hdf5Handle create(const std::string& name, hid_t type, const Shape& shape, const Hdf5Handle& properties,
                    const std::string& what);
  void write_attribute(const std::string& object, const std::string& name, hid_t type, hid_t space,
                       const void* values);
  std::string place(const std::string& name) const;

  std::string m_path;
  Hdf5Handle m_file;
};

/// Reads an HDF5 file in a single process. T is float, double, int8_t, int32_t, int64_t or uint64_t; numbers are
/// converted from whatever numeric type the file has.
///
/// All failures are bad input (exit code 2) that name the file, the object, and what was expected and found.
class Hdf5Reader {
 public:
  explicit Hdf5Reader(const std::string& path);

  const std::string& path() const { return m_path; }

  /// True if there is a dataset or group of that name.
  bool exists(const std::string& name) const;
  bool is_dataset(const std::string& name) const;
  /// What a dataset holds.
  enum class Content { numbers, texts, other };
  Content content(const std::string& name) const;
  /// Throws Error (bad input) if the name leads through a link to another file.
  void require_in_this_file(const std::string& name) const;
  Shape shape(const std::string& name) const;
  /// Throws Error (bad input) if the dataset has another shape; an extent of -1 allows any.
  void require_shape(const std::string& name, const Shape& expected) const;

  template <class T>
  std::vector<T> read(const std::string& name) const;

  /// As above, and the shape must be the expected one.
  template <class T>
  std::vector<T> read(const std::string& name, const Shape& expected) const;

  /// The box start .. start + count.
  template <class T>
  std::vector<T> read_slab(const std::string& name, const Shape& start, const Shape& count) const;

  /// Entries first .. first + count of a one-dimensional dataset of texts.
  std::vector<std::string> read_strings(const std::string& name, std::int64_t first,
                                        std::int64_t count) const;

  /// Text written by write_string, or any dataset of one string (h5py's among them).
  std::string read_string(const std::string& name) const;

  bool has_attribute(const std::string& object, const std::string& name) const;
  std::int64_t attribute_int(const std::string& object, const std::string& name) const;
  double attribute_double(const std::string& object, const std::string& name) const;
  std::string attribute_string(const std::string& object, const std::string& name) const;
  std::vector<double> attribute_doubles(const std::string& object, const std::string& name) const;
  std::vector<std::string> attribute_strings(const std::string& object, const std::string& name) const;

  /// Attributes of a group or dataset that are one text, sorted by name; others are left out.
  TextAttributes text_attributes(const std::string& object) const;

  /// Names of the members of a group, sorted.
  std::vector<std::string> list(const std::string& group) const;

 private:
  Hdf5Handle open_dataset(const std::string& name) const;
  Hdf5Handle open_attribute(const std::string& object, const std::string& name) const;
  std::string place(const std::string& name) const;

  std::string m_path;
  Hdf5Handle m_file;
};

}  // namespace rhoflux::io
