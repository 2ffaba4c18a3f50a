#pragma once

#include <memory>
#include <string>
#include <vector>

#include "anndata_matrix.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "table.hpp"

namespace rhoflux::importers {

/// A column of a data frame of an AnnData file: a dataset of numbers or texts; a group of categories and codes; a
/// group of values and a mask (nullable); or, as AnnData 0.7 writes categories, a dataset of codes with the
/// categories in the group __categories beside it.
class FrameColumn {
 public:
  FrameColumn(const io::Hdf5Reader& file, const std::string& frame, const std::string& column);

  bool is_categorical() const { return m_is_categorical; }
  bool is_text() const { return m_is_text; }
  const std::vector<std::string>& categories() const { return m_categories; }
  std::int64_t n_rows() const { return m_n_rows; }

  /// Bad input, naming the row, for texts and missing values.
  std::vector<double> numbers(std::int64_t first, std::int64_t count) const;

  /// What is missing is "missing".
  std::vector<std::string> texts(std::int64_t first, std::int64_t count) const;

 private:
  void read_group();
  std::vector<bool> missing(std::int64_t first, std::int64_t count) const;

  const io::Hdf5Reader& m_file;
  std::string m_name;    ///< of the column, for messages
  std::string m_values;  ///< dataset of values or codes
  std::string m_mask;    ///< dataset that says what is missing; empty: none
  std::vector<std::string> m_categories;
  bool m_is_categorical = false, m_is_text = false;
  std::int64_t m_n_rows = 0;
};

/// The cells of an .h5ad file: columns of obs, and coordinates of an entry of obsm or of X.
class AnnDataTable : public Table {
 public:
  explicit AnnDataTable(const std::string& path);

  std::vector<std::string> column_names() const override { return m_columns; }
  std::string row_name_column() const override { return row_name; }
  std::vector<std::string> default_labels() const override;
  std::vector<BasisColumn> basis(const std::string& name, const std::vector<std::string>& genes) override;
  std::string default_basis() const override;
  void start(const std::vector<Wanted>& wanted) override;
  std::int64_t read(std::int64_t most, Batch& batch) override;
  std::string place(std::int64_t i) const override;
  std::string header_place() const override { return m_file.path() + ", obs"; }
  std::vector<std::string> notes() const override;

  std::int64_t n_rows() const { return m_n_rows; }

  /// The index of obs.
  static constexpr const char* row_name = "index of obs";

 private:
  struct FrameSource {
    std::unique_ptr<FrameColumn> column;
    Form form;
    std::size_t wanted;
  };
  std::vector<std::string> obsm_keys() const;
  std::vector<BasisColumn> gene_columns(const std::vector<std::string>& genes);
  FrameColumn obs_column(const std::string& column) const;
  void open_coordinates(const std::vector<Wanted>& wanted);

  io::Hdf5Reader m_file;
  std::string m_index;  ///< name of the index of obs within obs
  std::vector<std::string> m_columns;
  std::int64_t m_n_rows = 0, m_first = 0, m_next = 0;
  std::string m_basis;            ///< dataset or group of the coordinates
  bool m_basis_is_frame = false;  ///< a data frame in obsm
  std::vector<FrameSource> m_frame_sources;
  std::unique_ptr<AnnDataMatrix> m_matrix;
  std::vector<std::size_t> m_matrix_wanted;
  std::size_t m_n_wanted = 0;
};

}  // namespace rhoflux::importers
