#include "anndata_matrix.hpp"

#include <algorithm>
#include <unordered_map>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::importers {

namespace {

std::string place(const io::Hdf5Reader& file, const std::string& name) {
  return file.path() + ", '" + name + "'";
}

/// A dataset (rows, columns).
class DenseMatrix : public AnnDataMatrix {
 public:
  DenseMatrix(const io::Hdf5Reader& file, const std::string& name) : m_file(file), m_name(name) {
    const io::Shape shape = file.shape(name);
    if (shape.size() != 2)
      fail_input(place(file, name) + ": expected shape (N, D), found " + io::to_string(shape));
    m_n_rows = shape[0];
    m_n_columns = shape[1];
  }

  void start(const std::vector<std::int64_t>& columns) override {
    m_columns = columns;
    const auto [least, most] = std::minmax_element(columns.begin(), columns.end());
    m_first_column = *least;
    m_width = *most - *least + 1;
  }

  std::vector<double> read(std::int64_t first, std::int64_t count) override {
    std::vector<double> values;
    const std::int64_t piece = std::max<std::int64_t>(1, (std::int64_t{1} << 21) / m_width);
    for (std::int64_t begin = first; begin < first + count; begin += piece) {
      const std::int64_t rows = std::min(piece, first + count - begin);
      const std::vector<double> read =
          m_file.read_slab<double>(m_name, {begin, m_first_column}, {rows, m_width});
      for (std::int64_t i = 0; i < rows; ++i)
        for (const std::int64_t column : m_columns)
          values.push_back(read[static_cast<std::size_t>(i * m_width + column - m_first_column)]);
    }
    return values;
  }

 private:
  const io::Hdf5Reader& m_file;
  std::string m_name;
  std::vector<std::int64_t> m_columns;
  std::int64_t m_first_column = 0, m_width = 1;
};

/// The parts that compressed rows and compressed columns have alike.
class SparseMatrix : public AnnDataMatrix {
 protected:
  SparseMatrix(const io::Hdf5Reader& file, const std::string& name) : m_file(file), m_name(name) {
    const char* attribute = file.has_attribute(name, "shape") ? "shape" : "h5sparse_shape";
    const std::vector<double> shape = file.attribute_doubles(name, attribute);
    if (shape.size() != 2 || !(shape[0] >= 0) || !(shape[1] >= 0) || shape[0] > 9e15 || shape[1] > 9e15)
      fail_input(place(file, name) + ": its attribute '" + attribute + "' is no shape of a matrix");
    m_n_rows = static_cast<std::int64_t>(shape[0]);
    m_n_columns = static_cast<std::int64_t>(shape[1]);
    for (const char* part : {"data", "indices", "indptr"}) file.require_in_this_file(name + "/" + part);
    const io::Shape stored = file.shape(name + "/indices");
    m_n_stored = stored.empty() ? 0 : stored[0];
    file.require_shape(name + "/indices", {m_n_stored});
    file.require_shape(name + "/data", {m_n_stored});
  }

  std::vector<std::int64_t> pointers(std::int64_t first, std::int64_t count) const {
    const std::vector<std::int64_t> found =
        m_file.read_slab<std::int64_t>(m_name + "/indptr", {first}, {count});
    for (std::size_t i = 0; i < found.size(); ++i)
      if (found[i] < (i == 0 ? 0 : found[i - 1]) || found[i] > m_n_stored)
        fail_input(place(m_file, m_name + "/indptr") + ": entry " + std::to_string(found[i]) +
                   " is out of order or beyond the " + counted(m_n_stored, "entry", "entries") + " stored");
    return found;
  }
  std::vector<std::int64_t> indices(std::int64_t first, std::int64_t count, std::int64_t n_allowed) const {
    std::vector<std::int64_t> found = m_file.read_slab<std::int64_t>(m_name + "/indices", {first}, {count});
    for (const std::int64_t index : found)
      if (index < 0 || index >= n_allowed)
        fail_input(place(m_file, m_name + "/indices") + ": index " + std::to_string(index) +
                   " is outside of the matrix");
    return found;
  }
  std::vector<double> data(std::int64_t first, std::int64_t count) const {
    return m_file.read_slab<double>(m_name + "/data", {first}, {count});
  }

  const io::Hdf5Reader& m_file;
  std::string m_name;
  std::int64_t m_n_stored = 0;
};

constexpr std::int64_t stored_at_a_time = 1 << 20;

class CompressedRows : public SparseMatrix {
 public:
  CompressedRows(const io::Hdf5Reader& file, const std::string& name) : SparseMatrix(file, name) {
    file.require_shape(name + "/indptr", {m_n_rows + 1});
  }

  void start(const std::vector<std::int64_t>& columns) override {
    m_place.clear();
    m_width = columns.size();
    for (std::size_t k = 0; k < columns.size(); ++k) m_place[columns[k]].push_back(k);
  }

  std::vector<double> read(std::int64_t first, std::int64_t count) override {
    std::vector<double> values(static_cast<std::size_t>(count) * m_width, 0.0);
    const std::vector<std::int64_t> begin = pointers(first, count + 1);
    std::size_t row = 0;
    for (std::int64_t entry = begin.front(); entry < begin.back(); entry += stored_at_a_time) {
      const std::int64_t piece = std::min(stored_at_a_time, begin.back() - entry);
      const std::vector<std::int64_t> column = indices(entry, piece, m_n_columns);
      const std::vector<double> value = data(entry, piece);
      for (std::int64_t k = 0; k < piece; ++k) {
        while (begin[row + 1] <= entry + k) ++row;
        const auto found = m_place.find(column[static_cast<std::size_t>(k)]);
        if (found == m_place.end()) continue;
        for (const std::size_t to : found->second)
          values[row * m_width + to] += value[static_cast<std::size_t>(k)];
      }
    }
    return values;
  }

 private:
  std::unordered_map<std::int64_t, std::vector<std::size_t>> m_place;  ///< of a column in the result
  std::size_t m_width = 0;
};

class CompressedColumns : public SparseMatrix {
 public:
  CompressedColumns(const io::Hdf5Reader& file, const std::string& name) : SparseMatrix(file, name) {
    file.require_shape(name + "/indptr", {m_n_columns + 1});
  }

  void start(const std::vector<std::int64_t>& columns) override {
    m_cursors.clear();
    for (const std::int64_t column : columns) {
      const std::vector<std::int64_t> ends = pointers(column, 2);
      Cursor cursor;
      cursor.column = column;
      cursor.next = ends[0];
      cursor.end = ends[1];
      m_cursors.push_back(std::move(cursor));
    }
  }

  std::vector<double> read(std::int64_t first, std::int64_t count) override {
    std::vector<double> values(static_cast<std::size_t>(count) * m_cursors.size(), 0.0);
    for (std::size_t k = 0; k < m_cursors.size(); ++k)
      while (const Entry* entry = present(m_cursors[k])) {
        if (entry->row >= first + count) break;
        values[static_cast<std::size_t>(entry->row - first) * m_cursors.size() + k] += entry->value;
        ++m_cursors[k].place;
      }
    return values;
  }

 private:
  struct Entry {
    std::int64_t row;
    double value;
  };
  /// The entries of one column that are not yet read, some of them in memory.
  struct Cursor {
    std::int64_t column = 0, next = 0, end = 0, last_row = -1;
    std::vector<Entry> held;
    std::size_t place = 0;
  };

  const Entry* present(Cursor& cursor) const {
    if (cursor.place == cursor.held.size()) {
      constexpr std::int64_t memory = 1 << 20;  // entries of all columns together
      const std::int64_t piece = std::clamp<std::int64_t>(
          memory / static_cast<std::int64_t>(m_cursors.size()), 64, stored_at_a_time);
      const std::int64_t count = std::min(piece, cursor.end - cursor.next);
      if (count == 0) return nullptr;
      const std::vector<std::int64_t> row = indices(cursor.next, count, m_n_rows);
      const std::vector<double> value = data(cursor.next, count);
      cursor.held.clear();
      cursor.place = 0;
      cursor.next += count;
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (row[i] < cursor.last_row)
          fail_input(place(m_file, m_name + "/indices") + ": the rows of column " +
                     std::to_string(cursor.column) +
                     " are not in order; sort them with adata.X.sort_indices() and write the file again");
        cursor.last_row = row[i];
        cursor.held.push_back({row[i], value[i]});
      }
    }
    return &cursor.held[cursor.place];
  }

  std::vector<Cursor> m_cursors;
};

}  // namespace

std::unique_ptr<AnnDataMatrix> open_matrix(const io::Hdf5Reader& file, const std::string& name) {
  file.require_in_this_file(name);
  if (!file.exists(name)) fail_input(place(file, name) + ": the file has no such matrix");
  if (file.is_dataset(name)) return std::make_unique<DenseMatrix>(file, name);
  std::string kind;
  if (file.has_attribute(name, "encoding-type"))
    kind = file.attribute_string(name, "encoding-type");
  else if (file.has_attribute(name, "h5sparse_format"))
    kind = file.attribute_string(name, "h5sparse_format") + "_matrix";
  if (kind == "csr_matrix") return std::make_unique<CompressedRows>(file, name);
  if (kind == "csc_matrix") return std::make_unique<CompressedColumns>(file, name);
  fail_input(place(file, name) + ": is of the kind '" + kind +
             "'; read are arrays, csr_matrix and csc_matrix");
}

}  // namespace rhoflux::importers
