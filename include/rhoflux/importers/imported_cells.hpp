#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/core/conditions.hpp"
#include "rhoflux/io/population.hpp"

namespace rhoflux::importers {

class AnnDataTable;

/// The cells of an AnnData file once more, as they were imported: their times and coordinates in the order of the file,
/// by the choices that the population kept (see import_population).
class ImportedCells {
 public:
  /// @param choices io::PopulationData::import_choices @param time what times stand for
  /// Bad input where the file does not have the columns or the basis.
  /// @param conditions columns of obs whose values are wanted too
  ImportedCells(const std::string& path, const io::TextAttributes& choices, const TimeMeaning& time,
                const ConditionEncoding& conditions = {});
  ~ImportedCells();

  std::int64_t n_cells() const { return m_n_cells; }
  /// Key of the coordinates, "X_pca" or "X"; empty: columns of obs.
  const std::string& basis() const { return m_basis; }
  /// Columns of the basis, and which of them (from 0) the coordinates are.
  std::int64_t n_basis_columns() const { return m_n_basis_columns; }
  const std::vector<std::int64_t>& dims() const { return m_dims; }

  struct Cells {
    std::vector<double> t;           ///< (n)
    std::vector<double> x;           ///< (n, n_dims)
    std::vector<double> conditions;  ///< (n, n_variables)
  };
  /// Cells begin .. end - 1; a call begins where the one before ended, or later.
  Cells read(std::int64_t begin, std::int64_t end);

  /// varm/`name`, (genes, basis columns). Bad input for another number of columns.
  std::vector<double> loadings(const std::string& name, std::int64_t& n_genes) const;

 private:
  double time_of(const std::string& text, std::int64_t cell) const;

  std::string m_path, m_basis;
  TimeMeaning m_time;
  ConditionEncoding m_conditions;
  std::unique_ptr<AnnDataTable> m_table;
  std::vector<std::int64_t> m_dims;
  std::int64_t m_n_cells = 0, m_n_basis_columns = 0, m_next = 0;
  bool m_has_text_times = false;
};

}  // namespace rhoflux::importers
