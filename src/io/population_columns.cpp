#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "population_format.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/times.hpp"
#include "rhoflux/io/population.hpp"

namespace rhoflux::io {

namespace {

/// Names of the members of a group of columns; none where there is no such group.
std::vector<std::string> members(const Hdf5Reader& file, const std::string& group) {
  if (!file.exists(group)) return {};
  if (file.is_dataset(group))
    fail_input(file.path() + ", '" + group + "': expected a group of columns, found a dataset");
  return file.list(group);
}

}  // namespace

/// Columns that the model does not need, but users do.
void PopulationFile::read_optional_columns(const Hdf5Reader& file, const Shape& rows) {
  const auto require = [&](const std::string& name) {
    require_matching(m_path, name, require_dataset(file, name), rows);
  };
  const auto has = [&](const std::string& name) {
    if (file.exists(name)) require(name);
    return file.exists(name);
  };
  m_info.has_growth = has("growth");
  m_info.has_id = has("id");
  m_info.has_source_row = has("source_row");
  for (const std::string& name : members(file, "label")) {
    const std::string dataset = "label/" + name;
    require(dataset);
    if (!file.has_attribute(dataset, "categories"))
      fail_input(m_path + ", '" + dataset +
                 "': there is no attribute 'categories' with the names of its codes");
    m_info.labels.push_back({name, file.attribute_strings(dataset, "categories"), {}});
    require_different(m_path + ", '" + dataset + "', attribute 'categories'",
                      m_info.labels.back().categories);
  }
  for (const std::string& name : members(file, "condition")) {
    const std::string dataset = "condition/" + name;
    require(dataset);
    m_info.conditions.push_back({name, {}, {}});
    if (!file.has_attribute(dataset, "categories")) continue;
    m_info.conditions.back().categories = file.attribute_strings(dataset, "categories");
    require_different(m_path + ", '" + dataset + "', attribute 'categories'",
                      m_info.conditions.back().categories);
  }
}

/// The columns of /x that are read. What was chosen at import is then that of these columns.
void PopulationFile::choose_coordinates(const PopulationChoice& choice) {
  m_file_dims = m_info.n_dims;
  m_info.all_dim_names = m_info.dim_names;
  try {
    m_columns = columns_of(choice.coordinates, m_info.dim_names, choice.coordinate_rule);
  } catch (const Error& error) {
    fail_input(m_path + ": " + error.what());
  }
  if (m_columns.empty()) return;
  m_info.dim_names = choice.coordinates;
  m_info.n_dims = static_cast<int>(m_columns.size());
  for (auto& [name, value] : m_info.import_choices) {
    if (name != "columns" && name != "dims") continue;
    const std::vector<std::string> all = split(value, ',');
    if (static_cast<int>(all.size()) != m_file_dims) continue;  // none, as the table has no basis
    std::vector<std::string> chosen;
    for (const std::size_t column : m_columns) chosen.push_back(all[column]);
    value = joined(chosen, ",");
  }
}

/// The columns that are read, and the values of those that are held out.
void PopulationFile::choose_conditions(const PopulationChoice& choice) {
  mpi::on_every_rank(m_comm, [&] {
    std::vector<std::string> known;
    for (const ConditionColumn& column : m_info.conditions) known.push_back(column.name);
    for (const std::string& name : choice.conditions) {
      const auto found = std::find(known.begin(), known.end(), name);
      if (found == known.end())
        fail_input(m_path + ": there is no condition '" + name + "'; " +
                   (known.empty() ? "the file has none (import them with --condition-columns)"
                                  : "its conditions are " + joined(known)) +
                   (choice.hint.empty() ? "" : "; " + choice.hint));
      m_conditions.push_back(m_info.conditions[static_cast<std::size_t>(found - known.begin())]);
      m_places.emplace_back();
      if (!choice.categories.empty()) take_categories(choice.categories[m_places.size() - 1]);
    }
    for (const std::vector<ConditionText>& texts : choice.hold_out_conditions.conditions) {
      std::vector<double> values(m_conditions.size(), std::numeric_limits<double>::quiet_NaN());
      for (const ConditionText& text : texts) {
        const auto column = std::find_if(m_conditions.begin(), m_conditions.end(),
                                         [&](const ConditionColumn& one) { return one.name == text.name; });
        if (column == m_conditions.end())
          fail_input("data.hold_out_conditions: '" + text.name +
                     "' is not among data.conditions = " + ConditionNames{choice.conditions}.to_string());
        ConditionVariable variable;
        variable.name = column->name;
        variable.categories = column->categories;
        try {
          values[static_cast<std::size_t>(column - m_conditions.begin())] = variable.value_of(text.value);
        } catch (const Error& error) {
          fail_input(std::string("data.hold_out_conditions: ") + error.what());
        }
      }
      m_hold_out_conditions.push_back(values);
    }
  });
}

/// From now on the codes of the last condition are places among these categories.
void PopulationFile::take_categories(const std::vector<std::string>& categories) {
  ConditionColumn& column = m_conditions.back();
  if (categories.empty() != column.categories.empty())
    fail_input(m_path + ", 'condition/" + column.name + "': is " +
               (column.categories.empty() ? "a number" : "a category") + ", expected " +
               (categories.empty() ? "a number" : "a category: " + joined(categories, " | ")));
  if (categories.empty()) return;
  ConditionVariable variable;
  variable.categories = categories;
  for (const std::string& category : column.categories)
    m_places.back().push_back(variable.place_of(category));
  column.categories = categories;
}

/// Bad input for a condition that is held out and that no row has, with the values that there are.
void PopulationFile::require_held_out_rows(const std::vector<std::int64_t>& rows) const {
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (rows[k] > 0) continue;
    mpi::on_root(m_comm, [&] {
      const std::vector<double>& values = m_hold_out_conditions[k];
      std::vector<std::string> wanted, present;
      for (std::size_t v = 0; v < values.size(); ++v) {
        if (std::isnan(values[v])) continue;
        wanted.push_back(m_conditions[v].name + "=" + condition_text(v, values[v]));
        present.push_back(m_conditions[v].name + " has " + values_of_condition(v));
      }
      fail_input("data.hold_out_conditions: no row of " + m_path + " has " + joined(wanted, ",") + "; " +
                 joined(present, "; "));
    });
  }
}

std::string PopulationFile::condition_text(std::size_t condition, double value) const {
  const std::vector<std::string>& categories = m_conditions[condition].categories;
  return categories.empty() ? print_number(value) : categories[static_cast<std::size_t>(value)];
}

/// The first values of a condition that the rows have, for a message: "0, 0.5, 1, ...".
std::string PopulationFile::values_of_condition(std::size_t condition) const {
  constexpr std::size_t most = 1000;
  std::set<double> found;
  for (std::int64_t first = 0; first < m_info.n_rows && found.size() < most; first += piece_rows()) {
    const std::int64_t count = std::min(piece_rows(), m_info.n_rows - first);
    const std::vector<double> rows = read_conditions(first, count);
    for (std::size_t k = condition; k < rows.size(); k += m_conditions.size()) found.insert(rows[k]);
  }
  std::vector<std::string> texts;
  for (const double value : found) texts.push_back(condition_text(condition, value));
  return list_of_texts(texts);
}

void PopulationFile::read_time_meaning(const Hdf5Reader& file) {
  TimeMeaning& time = m_info.time;
  if (file.has_attribute("/", "time_origin")) time.origin = file.attribute_string("/", "time_origin");
  if (!file.has_attribute("/", "time_labels")) return;
  time.labels = file.attribute_strings("/", "time_labels");
  require_different(m_path + ", attribute 'time_labels'", time.labels);
  time.label_values = file.attribute_doubles("/", "time_label_values");
  if (time.labels.size() != time.label_values.size())
    fail_input(m_path + ", attribute 'time_label_values': expected " + counted(time.labels.size(), "number") +
               ", one for each of 'time_labels', found " + std::to_string(time.label_values.size()));
}

/// Entries of some rows; read(first, count) reads entries that follow each other.
template <class T, class Read>
std::vector<T> PopulationFile::gather_rows(const std::vector<std::int64_t>& file_rows,
                                           const Read& read) const {
  std::vector<T> result;
  result.reserve(file_rows.size());
  for (std::size_t next = 0; next < file_rows.size();) {
    const std::int64_t first = file_rows[next];
    const std::int64_t count = std::min(std::int64_t{65536}, m_info.n_rows - first);
    const std::vector<T> window = read(first, count);
    for (; next < file_rows.size() && file_rows[next] >= first && file_rows[next] < first + count; ++next)
      result.push_back(window[static_cast<std::size_t>(file_rows[next] - first)]);
  }
  return result;
}

std::vector<std::int64_t> PopulationFile::source_rows(const std::vector<std::int64_t>& file_rows) const {
  if (!m_info.has_source_row) return file_rows;
  const Hdf5Reader file(m_path);
  return gather_rows<std::int64_t>(file_rows, [&](std::int64_t first, std::int64_t count) {
    return file.read_slab<std::int64_t>("source_row", {first}, {count});
  });
}

std::vector<double> PopulationFile::growth_of(Split split, std::int64_t begin, std::int64_t end) const {
  if (!m_info.has_growth)
    fail_input(m_path +
               ": the rows have no growth rates (there is no dataset 'growth'; import has --growth-column)");
  const PopulationRows rows = read_split(split, begin, end);
  const Hdf5Reader file(m_path);
  std::vector<double> rates = gather_rows<double>(rows.file_row, [&](std::int64_t first, std::int64_t count) {
    return file.read_slab<double>("growth", {first}, {count});
  });
  for (std::size_t k = 0; k < rates.size(); ++k) {
    if (rows.weight[k] == 0) rates[k] = 0;
    if (!std::isfinite(rates[k]))
      fail_input(m_path + ", 'growth': not finite in " + row_text(rows.file_row[k]) +
                 "; a row without a known rate must have weight 0, or objective.growth_rates be left out");
  }
  return rates;
}

std::vector<std::string> PopulationFile::ids(const std::vector<std::int64_t>& file_rows) const {
  if (!m_info.has_id) fail_input(m_path + ": the rows have no names (there is no dataset 'id')");
  const Hdf5Reader file(m_path);
  return gather_rows<std::string>(file_rows, [&](std::int64_t first, std::int64_t count) {
    return file.read_strings("id", first, count);
  });
}

std::vector<std::int32_t> PopulationFile::label_codes(const std::string& name,
                                                      const std::vector<std::int64_t>& file_rows) const {
  const auto label = std::find_if(m_info.labels.begin(), m_info.labels.end(),
                                  [&](const LabelColumn& column) { return column.name == name; });
  if (label == m_info.labels.end()) {
    std::vector<std::string> names;
    for (const LabelColumn& column : m_info.labels) names.push_back(column.name);
    fail_input(m_path + ": there is no label '" + name + "'; " +
               (names.empty() ? "the file has no labels (import them with --label-columns)"
                              : "its labels are " + joined(names)));
  }
  const Hdf5Reader file(m_path);
  std::vector<std::int32_t> codes =
      gather_rows<std::int32_t>(file_rows, [&](std::int64_t first, std::int64_t count) {
        return file.read_slab<std::int32_t>("label/" + name, {first}, {count});
      });
  const auto most = static_cast<std::int32_t>(label->categories.size());
  for (std::size_t i = 0; i < codes.size(); ++i)
    if (codes[i] < 0 || codes[i] >= most)
      fail_input(m_path + ", 'label/" + name + "': code " + std::to_string(codes[i]) + " in " +
                 row_text(file_rows[i]) + " is no category; there are " + std::to_string(most));
  return codes;
}

}  // namespace rhoflux::io
