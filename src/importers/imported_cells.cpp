#include "rhoflux/importers/imported_cells.hpp"

#include <algorithm>
#include <cmath>

#include "anndata_table.hpp"
#include "rhoflux/core/calendar.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::importers {

namespace {

std::string choice(const io::TextAttributes& choices, const std::string& name) {
  for (const auto& [key, value] : choices)
    if (key == name) return value;
  return {};
}

std::vector<std::string> choice_list(const io::TextAttributes& choices, const std::string& name) {
  const std::string text = choice(choices, name);
  return text.empty() ? std::vector<std::string>() : split(text, ',');
}

}  // namespace

ImportedCells::ImportedCells(const std::string& path, const io::TextAttributes& choices,
                             const TimeMeaning& time, const ConditionEncoding& conditions)
    : m_path(path),
      m_basis(choice(choices, "basis")),
      m_time(time),
      m_conditions(conditions),
      m_table(std::make_unique<AnnDataTable>(path)) {
  const std::string time_column = choice(choices, "time_column");
  if (time_column.empty())
    fail_input(
        path +
        ": the model does not say from which columns its data were imported; it was trained on data that "
        "'rhoflux import' did not make from AnnData");
  m_has_text_times = !time.labels.empty() || !time.origin.empty();
  std::vector<Wanted> wanted = {{time_column, m_has_text_times ? Form::text : Form::number}};
  if (m_basis.empty()) {
    for (const std::string& column : choice_list(choices, "columns"))
      wanted.push_back({column, Form::number});
    m_n_basis_columns = static_cast<std::int64_t>(wanted.size()) - 1;
    for (std::int64_t k = 0; k < m_n_basis_columns; ++k) m_dims.push_back(k);
  } else {
    const std::vector<BasisColumn> columns = m_table->basis(m_basis, choice_list(choices, "genes"));
    m_n_basis_columns = static_cast<std::int64_t>(columns.size());
    for (const std::string& dim : choice_list(choices, "dims")) {
      const std::int64_t number = parse_whole_number(dim, 1, 1000000);
      if (number > m_n_basis_columns)
        fail_input(path + ": " + m_basis + " has " + counted(m_n_basis_columns, "column") +
                   "; the model was trained on column " + dim);
      m_dims.push_back(number - 1);
      wanted.push_back({columns[static_cast<std::size_t>(number - 1)].column, Form::number});
    }
  }
  for (const ConditionVariable& variable : m_conditions.variables)
    wanted.push_back({variable.name, variable.is_category() ? Form::text : Form::number});
  m_n_cells = m_table->n_rows();
  m_table->start(wanted);
}

ImportedCells::~ImportedCells() = default;

double ImportedCells::time_of(const std::string& text, std::int64_t cell) const {
  const std::string where = m_path + ", row " + std::to_string(cell) + " (from 0): ";
  if (!m_time.origin.empty()) {
    const std::optional<std::int64_t> found = read_datetime(text), origin = read_datetime(m_time.origin);
    const std::optional<double> unit = calendar_unit(m_time.unit);
    if (!found || !origin || !unit) fail_input(where + "'" + text + "' is no date");
    return static_cast<double>(*found - *origin) / *unit;
  }
  const auto label = std::find(m_time.labels.begin(), m_time.labels.end(), text);
  if (label == m_time.labels.end())
    fail_input(where + "the time '" + text + "' is none of those that the model was trained on, " +
               joined(m_time.labels));
  return m_time.label_values[static_cast<std::size_t>(label - m_time.labels.begin())];
}

ImportedCells::Cells ImportedCells::read(std::int64_t begin, std::int64_t end) {
  Cells cells;
  Batch batch;
  constexpr std::int64_t piece = 16384;
  while (m_next < begin) m_next += m_table->read(std::min(piece, begin - m_next), batch);
  const std::size_t dims = m_dims.size();
  while (m_next < end) {
    const std::int64_t n = m_table->read(std::min(piece, end - m_next), batch);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      cells.t.push_back(m_has_text_times
                            ? time_of(batch.columns[0].texts[i], m_next + static_cast<std::int64_t>(i))
                            : batch.columns[0].numbers[i]);
      for (std::size_t k = 0; k < dims; ++k) cells.x.push_back(batch.columns[k + 1].numbers[i]);
      for (std::size_t v = 0; v < m_conditions.n_variables(); ++v) {
        const ConditionVariable& variable = m_conditions.variables[v];
        const auto& column = batch.columns[1 + dims + v];
        const double value = variable.is_category() ? variable.place_of(column.texts[i]) : column.numbers[i];
        if (!std::isfinite(value))
          fail_input(m_path + ", row " + std::to_string(m_next + static_cast<std::int64_t>(i)) +
                     " (from 0): obs/" + variable.name + " is not allowed; allowed: " + variable.allowed());
        cells.conditions.push_back(value);
      }
    }
    m_next += n;
  }
  return cells;
}

std::vector<double> ImportedCells::loadings(const std::string& name, std::int64_t& n_genes) const {
  const io::Hdf5Reader file(m_path);
  const std::string key = "varm/" + name;
  file.require_in_this_file(key);
  if (!file.exists(key)) {
    const std::vector<std::string> keys =
        file.exists("varm") ? file.list("varm") : std::vector<std::string>();
    fail_input(m_path + ": varm has no '" + name + "'; its keys are " +
               (keys.empty() ? "none" : joined(keys)));
  }
  const io::Shape shape = file.shape(key);
  if (shape.size() != 2 || shape[1] != m_n_basis_columns)
    fail_input(m_path + ", '" + key + "': expected shape (genes, " + std::to_string(m_n_basis_columns) +
               ") as the basis " + m_basis + " has columns, found " + io::to_string(shape));
  n_genes = shape[0];
  return file.read<double>(key);
}

}  // namespace rhoflux::importers
