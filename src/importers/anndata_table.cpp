#include "anndata_table.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::importers {

namespace {

using Content = io::Hdf5Reader::Content;
constexpr std::int64_t most_categories = 1000;  // of a column that is kept unasked
constexpr const char* missing_text = "missing";

std::string place_of(const io::Hdf5Reader& file, const std::string& name) {
  return file.path() + ", '" + name + "'";
}

/// Entries of a list of names, which is held in memory.
std::int64_t length_of_names(const io::Hdf5Reader& file, const std::string& name) {
  constexpr std::int64_t most = 1 << 20;
  const io::Shape shape = file.shape(name);
  if (shape.size() != 1 || shape[0] > most)
    fail_input(place_of(file, name) + ": expected a list of at most " + std::to_string(most) +
               " names, found shape " + io::to_string(shape));
  return shape[0];
}

/// Text entries, or numbers and booleans as texts.
std::vector<std::string> as_texts(const io::Hdf5Reader& file, const std::string& name, std::int64_t first,
                                  std::int64_t count) {
  if (file.content(name) == Content::texts) return file.read_strings(name, first, count);
  std::vector<std::string> texts;
  for (const double value : file.read_slab<double>(name, {first}, {count}))
    texts.push_back(std::isfinite(value) ? print_number(value) : missing_text);
  return texts;
}

/// Names of the columns of a data frame in their order.
std::vector<std::string> frame_columns(const io::Hdf5Reader& file, const std::string& frame) {
  if (!file.has_attribute(frame, "column-order"))
    fail_input(place_of(file, frame) +
               ": has no attribute 'column-order', as data frames of AnnData 0.7 and later have");
  const std::string kind = "column-order";
  try {
    return file.attribute_strings(frame, kind);
  } catch (const Error&) {
    return {};  // an empty list is stored as an empty array of numbers
  }
}

std::string frame_index(const io::Hdf5Reader& file, const std::string& frame) {
  if (file.is_dataset(frame))
    fail_input(
        place_of(file, frame) +
        ": is one table, as AnnData before 0.7 wrote it; read it with a newer AnnData and write it again");
  return file.has_attribute(frame, "_index") ? file.attribute_string(frame, "_index") : "_index";
}

}  // namespace

// ---- columns of data frames ----

FrameColumn::FrameColumn(const io::Hdf5Reader& file, const std::string& frame, const std::string& column)
    : m_file(file), m_name(frame + "/" + column), m_values(m_name) {
  file.require_in_this_file(m_name);
  if (!file.exists(m_name)) fail_input(place_of(file, m_name) + ": the file has no such column");
  const std::string old_categories = frame + "/__categories/" + column;
  if (!file.is_dataset(m_name)) {
    read_group();
  } else if (file.exists(old_categories)) {
    m_is_categorical = true;
    m_categories = as_texts(file, old_categories, 0, length_of_names(file, old_categories));
  }
  file.require_in_this_file(m_values);
  const io::Shape shape = file.shape(m_values);
  if (shape.size() != 1)
    fail_input(place_of(file, m_values) + ": expected one entry a row, found shape " + io::to_string(shape));
  m_n_rows = shape[0];
  if (!m_mask.empty()) file.require_shape(m_mask, {m_n_rows});
  const Content content = file.content(m_values);
  if (content == Content::other) fail_input(place_of(file, m_values) + ": holds neither numbers nor texts");
  m_is_text = m_is_categorical || content == Content::texts;
}

void FrameColumn::read_group() {
  const std::string kind =
      m_file.has_attribute(m_name, "encoding-type") ? m_file.attribute_string(m_name, "encoding-type") : "";
  if (m_file.exists(m_name + "/codes") && m_file.exists(m_name + "/categories")) {
    m_is_categorical = true;
    std::string categories = m_name + "/categories";
    m_file.require_in_this_file(categories);
    if (!m_file.is_dataset(categories)) categories += "/values";  // categories of nullable strings
    m_categories = as_texts(m_file, categories, 0, length_of_names(m_file, categories));
    m_values = m_name + "/codes";
  } else if (m_file.exists(m_name + "/values") && m_file.exists(m_name + "/mask")) {
    m_values = m_name + "/values";
    m_mask = m_name + "/mask";
    m_file.require_in_this_file(m_mask);
  } else {
    fail_input(place_of(m_file, m_name) + ": is of the kind '" + kind +
               "'; read are numbers, texts, categories and nullable columns");
  }
}

std::vector<bool> FrameColumn::missing(std::int64_t first, std::int64_t count) const {
  std::vector<bool> result(static_cast<std::size_t>(count), false);
  if (m_mask.empty()) return result;
  const std::vector<std::int8_t> mask = m_file.read_slab<std::int8_t>(m_mask, {first}, {count});
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = mask[i] != 0;
  return result;
}

std::vector<double> FrameColumn::numbers(std::int64_t first, std::int64_t count) const {
  const auto row = [&](std::size_t i) {
    return place_of(m_file, m_name) + ", row " + std::to_string(first + static_cast<std::int64_t>(i)) +
           " (from 0): ";
  };
  std::vector<double> values;
  if (m_is_text) {
    for (const std::string& text : texts(first, count)) {
      const NumberRead read = read_number(text);
      if (read.fault != nullptr) fail_input(row(values.size()) + "'" + text + "' is " + read.fault);
      values.push_back(read.value);
    }
    return values;
  }
  values = m_file.read_slab<double>(m_values, {first}, {count});
  const std::vector<bool> is_missing = missing(first, count);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (is_missing[i]) fail_input(row(i) + "the value is missing");
    if (!std::isfinite(values[i])) fail_input(row(i) + "is not a finite number");
  }
  return values;
}

std::vector<std::string> FrameColumn::texts(std::int64_t first, std::int64_t count) const {
  std::vector<std::string> result;
  if (m_is_categorical) {
    for (const std::int64_t code : m_file.read_slab<std::int64_t>(m_values, {first}, {count})) {
      if (code >= static_cast<std::int64_t>(m_categories.size()))
        fail_input(place_of(m_file, m_values) + ": code " + std::to_string(code) + " has no category");
      result.push_back(code < 0 ? missing_text : m_categories[static_cast<std::size_t>(code)]);
    }
    return result;
  }
  result = as_texts(m_file, m_values, first, count);
  const std::vector<bool> is_missing = missing(first, count);
  for (std::size_t i = 0; i < result.size(); ++i)
    if (is_missing[i]) result[i] = missing_text;
  return result;
}

// ---- the table ----

AnnDataTable::AnnDataTable(const std::string& path) : m_file(path) {
  if (!m_file.exists("obs")) fail_input(path + ": has no group 'obs'; expected an AnnData file (.h5ad)");
  m_file.require_in_this_file("obs");
  m_index = frame_index(m_file, "obs");
  m_columns = frame_columns(m_file, "obs");
  m_n_rows = FrameColumn(m_file, "obs", m_index).n_rows();
  if (m_n_rows == 0) fail_input(path + ": has no cells (the index of obs is empty)");
}

std::vector<std::string> AnnDataTable::obsm_keys() const {
  return m_file.exists("obsm") ? m_file.list("obsm") : std::vector<std::string>();
}

FrameColumn AnnDataTable::obs_column(const std::string& column) const {
  const std::string name = column == row_name ? m_index : column;
  if (column != row_name && std::find(m_columns.begin(), m_columns.end(), column) == m_columns.end())
    fail_input(m_file.path() + ": obs has no column '" + column + "'; its columns are " +
               (m_columns.empty() ? "none" : joined(m_columns)));
  FrameColumn result(m_file, "obs", name);
  if (result.n_rows() != m_n_rows)
    fail_input(m_file.path() + ", 'obs/" + name + "': has " + counted(result.n_rows(), "row") +
               ", the index of obs has " + std::to_string(m_n_rows));
  return result;
}

/// Columns of categories, and of texts that take few values.
std::vector<std::string> AnnDataTable::default_labels() const {
  std::vector<std::string> labels;
  for (const std::string& name : m_columns) {
    try {
      const FrameColumn column = obs_column(name);
      if (!column.is_text()) continue;
      std::set<std::string> values(column.categories().begin(), column.categories().end());
      for (std::int64_t first = 0; !column.is_categorical() && first < m_n_rows; first += 65536) {
        for (const std::string& text : column.texts(first, std::min<std::int64_t>(65536, m_n_rows - first)))
          values.insert(text);
        if (static_cast<std::int64_t>(values.size()) > most_categories) break;
      }
      if (static_cast<std::int64_t>(values.size()) <= most_categories) labels.push_back(name);
    } catch (const Error&) {
      continue;  // a column that cannot be read and was not asked for
    }
  }
  return labels;
}

std::string AnnDataTable::default_basis() const {
  const std::vector<std::string> keys = obsm_keys();
  if (keys.size() == 1) return keys.front();
  return std::find(keys.begin(), keys.end(), "X_pca") != keys.end() ? "X_pca" : "";
}

std::vector<BasisColumn> AnnDataTable::gene_columns(const std::vector<std::string>& genes) {
  m_file.require_in_this_file("var");
  if (!m_file.exists("var")) fail_input(m_file.path() + ": has no group 'var' with the names of genes");
  const FrameColumn index(m_file, "var", frame_index(m_file, "var"));
  constexpr std::int64_t most = 1 << 20;
  if (index.n_rows() > most)
    fail_input(m_file.path() + ", 'var': has " + counted(index.n_rows(), "gene") + "; allowed are " +
               std::to_string(most));
  const std::vector<std::string> names = index.texts(0, index.n_rows());
  if (genes.empty())
    fail_input(m_file.path() +
               ": the basis X needs the genes that become coordinates: --genes NAME,..; there are " +
               std::to_string(names.size()));
  std::vector<BasisColumn> columns;
  for (const std::string& gene : genes) {
    const auto found = std::find(names.begin(), names.end(), gene);
    if (found == names.end())
      fail_input(m_file.path() + ": var has no gene '" + gene + "'; its first genes are " +
                 joined({names.begin(), names.begin() + std::min<std::ptrdiff_t>(
                                                            5, static_cast<std::ptrdiff_t>(names.size()))}));
    if (std::find(found + 1, names.end(), gene) != names.end())
      fail_input(m_file.path() + ": var has the gene '" + gene + "' twice");
    columns.push_back({"X[" + std::to_string(found - names.begin()) + "]", gene});
  }
  return columns;
}

std::vector<BasisColumn> AnnDataTable::basis(const std::string& name, const std::vector<std::string>& genes) {
  if (name == "X") {
    m_basis = "X";
    return gene_columns(genes);
  }
  if (!genes.empty())
    fail_input(m_file.path() + ": genes are chosen from the basis X; the basis here is " + name);
  const std::vector<std::string> keys = obsm_keys();
  if (std::find(keys.begin(), keys.end(), name) == keys.end())
    fail_input(m_file.path() + ": obsm has no '" + name + "'; its keys are " +
               (keys.empty() ? "none" : joined(keys)) + ", and X can be given with --genes");
  m_basis = "obsm/" + name;
  m_file.require_in_this_file(m_basis);
  const std::string stem = name.substr(0, 2) == "X_" ? name.substr(2) : name;
  std::vector<BasisColumn> columns;
  m_basis_is_frame = !m_file.is_dataset(m_basis) && m_file.has_attribute(m_basis, "column-order");
  if (m_basis_is_frame) {
    for (const std::string& column : frame_columns(m_file, m_basis))
      columns.push_back({m_basis + "/" + column, column});
  } else {
    const std::unique_ptr<AnnDataMatrix> matrix = open_matrix(m_file, m_basis);
    if (matrix->n_columns() > most_coordinates)
      fail_input(place_of(m_file, m_basis) + ": has " + counted(matrix->n_columns(), "column") +
                 "; at most " + std::to_string(most_coordinates) + " can be coordinates");
    for (std::int64_t k = 0; k < matrix->n_columns(); ++k)
      columns.push_back({m_basis + "[" + std::to_string(k) + "]", stem + std::to_string(k + 1)});
  }
  if (columns.empty()) fail_input(place_of(m_file, m_basis) + ": has no columns");
  return columns;
}

void AnnDataTable::open_coordinates(const std::vector<Wanted>& wanted) {
  const std::string start = m_basis + "[";
  std::vector<std::int64_t> columns;
  m_matrix.reset();
  m_matrix_wanted.clear();
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    const std::string& name = wanted[k].column;
    if (m_basis.empty() || name.compare(0, start.size(), start) != 0) continue;
    columns.push_back(parse_whole_number(name.substr(start.size(), name.size() - start.size() - 1), 0,
                                         std::int64_t{1} << 40));
    m_matrix_wanted.push_back(k);
  }
  if (columns.empty()) return;
  m_matrix = open_matrix(m_file, m_basis);
  if (m_matrix->n_rows() != m_n_rows)
    fail_input(place_of(m_file, m_basis) + ": has " + counted(m_matrix->n_rows(), "row") +
               ", the index of obs has " + std::to_string(m_n_rows));
  for (const std::int64_t column : columns)
    if (column >= m_matrix->n_columns())
      fail_input(place_of(m_file, m_basis) + ": has " + counted(m_matrix->n_columns(), "column") + ", not " +
                 std::to_string(column + 1));
  m_matrix->start(columns);
}

void AnnDataTable::start(const std::vector<Wanted>& wanted) {
  m_frame_sources.clear();
  m_n_wanted = wanted.size();
  m_first = m_next = 0;
  open_coordinates(wanted);
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    if (std::find(m_matrix_wanted.begin(), m_matrix_wanted.end(), k) != m_matrix_wanted.end()) continue;
    const std::string& name = wanted[k].column;
    const bool is_of_basis = m_basis_is_frame && name.compare(0, m_basis.size() + 1, m_basis + "/") == 0;
    FrameColumn column =
        is_of_basis ? FrameColumn(m_file, m_basis, name.substr(m_basis.size() + 1)) : obs_column(name);
    if (column.n_rows() != m_n_rows)
      fail_input(place_of(m_file, name) + ": has " + counted(column.n_rows(), "row") +
                 ", the index of obs has " + std::to_string(m_n_rows));
    m_frame_sources.push_back({std::make_unique<FrameColumn>(std::move(column)), wanted[k].form, k});
  }
}

std::int64_t AnnDataTable::read(std::int64_t most, Batch& batch) {
  batch.columns.resize(m_n_wanted);
  m_first = m_next;
  const std::int64_t count = std::min(most, m_n_rows - m_next);
  if (count <= 0) return 0;
  for (const FrameSource& source : m_frame_sources) {
    Batch::Column& column = batch.columns[source.wanted];
    if (source.form == Form::text)
      column.texts = source.column->texts(m_first, count);
    else
      column.numbers = source.column->numbers(m_first, count);
  }
  if (m_matrix) {
    const std::vector<double> values = m_matrix->read(m_first, count);
    const std::size_t width = m_matrix_wanted.size();
    for (std::size_t k = 0; k < width; ++k) {
      std::vector<double>& column = batch.columns[m_matrix_wanted[k]].numbers;
      column.resize(static_cast<std::size_t>(count));
      for (std::size_t i = 0; i < column.size(); ++i) {
        column[i] = values[i * width + k];
        if (!std::isfinite(column[i]))
          fail_input(place_of(m_file, m_basis) + ": not a finite number in row " +
                     std::to_string(m_first + static_cast<std::int64_t>(i)) + " (from 0)");
      }
    }
  }
  m_next += count;
  return count;
}

std::string AnnDataTable::place(std::int64_t i) const {
  return m_file.path() + ", row " + std::to_string(m_first + i) + " (from 0)";
}

std::vector<std::string> AnnDataTable::notes() const {
  return {"AnnData: " + counted(m_n_rows, "cell") + "; coordinates from " +
          (m_basis.empty() ? std::string("obs") : m_basis)};
}

}  // namespace rhoflux::importers
