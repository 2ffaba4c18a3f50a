#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::importers {

/// Some columns of a matrix of an AnnData file, read a few rows at a time from the first to the last.
class AnnDataMatrix {
 public:
  virtual ~AnnDataMatrix() = default;

  /// Sets the columns to read, and goes to the first row.
  virtual void start(const std::vector<std::int64_t>& columns) = 0;

  /// The next `count` rows of these columns, (count, columns).
  virtual std::vector<double> read(std::int64_t first, std::int64_t count) = 0;

  std::int64_t n_rows() const { return m_n_rows; }
  std::int64_t n_columns() const { return m_n_columns; }

 protected:
  std::int64_t m_n_rows = 0, m_n_columns = 0;
};

/// X or an entry of obsm: a dataset, or a group of compressed rows (csr_matrix) or columns (csc_matrix) as AnnData
/// writes sparse matrices. Bad input naming the object for anything else.
std::unique_ptr<AnnDataMatrix> open_matrix(const io::Hdf5Reader& file, const std::string& name);

}  // namespace rhoflux::importers
