#include "rhoflux/io/population_builder.hpp"

#include <algorithm>
#include <cstring>

#include "population_format.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::io {

namespace {

std::string label_name(const std::string& name) {
  return "label/" + name;
}
std::string condition_name(const std::string& name) {
  return "condition/" + name;
}

template <class Column>
const std::vector<std::string>& categories_of(const std::vector<Column>& columns, const std::string& name) {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
  if (found == columns.end()) fail_input("the column '" + name + "' has no description in the header");
  return found->categories;
}

}  // namespace

PopulationWriter::PopulationWriter(const std::string& path, const PopulationData& header,
                                   const PopulationData& columns, const Layout& layout)
    : m_file(path) {
  write_attributes(header);
  const std::int64_t n = layout.n_rows;
  m_file.create_dataset<double>("t", {n});
  m_file.create_dataset<double>("x", {n, header.n_dims});
  if (!columns.weight.empty()) m_file.create_dataset<double>("weight", {n});
  if (layout.has_split) m_file.create_dataset<std::int8_t>("split", {n});
  if (!columns.growth.empty()) m_file.create_dataset<double>("growth", {n});
  if (!columns.source_row.empty()) m_file.create_dataset<std::int64_t>("source_row", {n});
  if (!columns.id.empty()) m_file.create_string_dataset("id", n);
  for (const LabelColumn& label : columns.labels) {
    m_file.create_dataset<std::int32_t>(label_name(label.name), {n});
    m_file.attribute(label_name(label.name), "categories", categories_of(header.labels, label.name));
  }
  for (const ConditionColumn& condition : columns.conditions) {
    const std::string name = condition_name(condition.name);
    const std::vector<std::string>& categories = categories_of(header.conditions, condition.name);
    if (categories.empty()) {
      m_file.create_dataset<double>(name, {n});
    } else {
      m_file.create_dataset<std::int32_t>(name, {n});
      m_file.attribute(name, "categories", categories);
    }
  }
}

void PopulationWriter::write_attributes(const PopulationData& header) {
  m_file.attribute("/", "kind", "population");
  m_file.attribute("/", "format_version", population_format_version);
  m_file.attribute("/", "dim_names",
                   header.dim_names.empty() ? numbered_names(header.n_dims) : header.dim_names);
  m_file.attribute("/", "time_unit", header.time.unit);
  if (!header.time.origin.empty()) m_file.attribute("/", "time_origin", header.time.origin);
  if (!header.time.labels.empty()) {
    m_file.attribute("/", "time_labels", header.time.labels);
    m_file.attribute("/", "time_label_values", header.time.label_values);
  }
  m_file.attribute("/", "source", header.source);
  const auto text_group = [&](const char* name, const TextAttributes& texts) {
    if (texts.empty()) return;
    m_file.group(name);
    m_file.attributes(name, texts);
  };
  text_group("import", header.import_choices);
  text_group("provenance", header.provenance);
}

void PopulationWriter::append(const PopulationData& rows) {
  m_file.write_rows("t", m_next, rows.t);
  m_file.write_rows("x", m_next, rows.x);
  if (!rows.weight.empty()) m_file.write_rows("weight", m_next, rows.weight);
  if (!rows.split.empty()) m_file.write_rows("split", m_next, rows.split);
  if (!rows.growth.empty()) m_file.write_rows("growth", m_next, rows.growth);
  if (!rows.source_row.empty()) m_file.write_rows("source_row", m_next, rows.source_row);
  if (!rows.id.empty()) m_file.write_string_rows("id", m_next, rows.id);
  for (const LabelColumn& label : rows.labels) m_file.write_rows(label_name(label.name), m_next, label.code);
  for (const ConditionColumn& condition : rows.conditions)
    m_file.write_rows(condition_name(condition.name), m_next, condition.value);
  m_next += rows.n_rows();
}

void PopulationWriter::close() {
  m_file.close();
}

/// The bytes of one row in the sorter, and back.
class PopulationBuilder::Packing {
 public:
  explicit Packing(const PopulationData& columns) : m_columns(columns) {}

  std::size_t bytes() const {
    const std::size_t n_dims = static_cast<std::size_t>(m_columns.n_dims);
    std::size_t doubles = n_dims + m_columns.conditions.size();
    doubles += (m_columns.weight.empty() ? 0 : 1) + (m_columns.growth.empty() ? 0 : 1);
    return doubles * sizeof(double) + (m_columns.source_row.empty() ? 0 : sizeof(std::int64_t)) +
           m_columns.labels.size() * sizeof(std::int32_t) + (m_columns.split.empty() ? 0 : 1);
  }

  void pack(const PopulationData& rows, std::size_t i, char* to) const {
    const auto n_dims = static_cast<std::size_t>(m_columns.n_dims);
    put(to, rows.x.data() + i * n_dims, n_dims);
    if (!m_columns.weight.empty()) put(to, &rows.weight[i], 1);
    if (!m_columns.growth.empty()) put(to, &rows.growth[i], 1);
    for (const ConditionColumn& condition : rows.conditions) put(to, &condition.value[i], 1);
    if (!m_columns.source_row.empty()) put(to, &rows.source_row[i], 1);
    for (const LabelColumn& label : rows.labels) put(to, &label.code[i], 1);
    if (!m_columns.split.empty()) put(to, &rows.split[i], 1);
  }

  void unpack(const char* from, PopulationData& rows) const {
    get(from, rows.x, static_cast<std::size_t>(m_columns.n_dims));
    if (!m_columns.weight.empty()) get(from, rows.weight, 1);
    if (!m_columns.growth.empty()) get(from, rows.growth, 1);
    for (ConditionColumn& condition : rows.conditions) get(from, condition.value, 1);
    if (!m_columns.source_row.empty()) get(from, rows.source_row, 1);
    for (LabelColumn& label : rows.labels) get(from, label.code, 1);
    if (!m_columns.split.empty()) get(from, rows.split, 1);
  }

 private:
  template <class T>
  static void put(char*& to, const T* values, std::size_t count) {
    std::memcpy(to, values, count * sizeof(T));
    to += count * sizeof(T);
  }
  template <class T>
  static void get(const char*& from, std::vector<T>& values, std::size_t count) {
    const std::size_t size = values.size();
    values.resize(size + count);
    std::memcpy(values.data() + size, from, count * sizeof(T));
    from += count * sizeof(T);
  }

  const PopulationData& m_columns;
};

namespace {

/// No rows, the same columns.
PopulationData without_rows(const PopulationData& columns) {
  PopulationData rows;
  rows.n_dims = columns.n_dims;
  for (const LabelColumn& label : columns.labels) rows.labels.push_back({label.name, {}, {}});
  for (const ConditionColumn& condition : columns.conditions)
    rows.conditions.push_back({condition.name, {}, {}});
  return rows;
}

void clear_rows(PopulationData& rows) {
  rows.t.clear();
  rows.x.clear();
  rows.weight.clear();
  rows.growth.clear();
  rows.split.clear();
  rows.id.clear();
  rows.source_row.clear();
  for (LabelColumn& label : rows.labels) label.code.clear();
  for (ConditionColumn& condition : rows.conditions) condition.value.clear();
}

}  // namespace

PopulationBuilder::PopulationBuilder(const std::string& output, PopulationData columns)
    : m_output(output),
      m_columns(std::move(columns)),
      m_sorter({Packing(m_columns).bytes(), folder_of(output)}) {}

void PopulationBuilder::add(const PopulationData& rows) {
  const Packing packing(m_columns);
  std::vector<char> row(packing.bytes());
  for (std::size_t i = 0; i < rows.t.size(); ++i) {
    packing.pack(rows, i, row.data());
    const std::string_view id = rows.id.empty() ? std::string_view() : std::string_view(rows.id[i]);
    m_id_bytes = std::max(m_id_bytes, id.size());
    m_sorter.add(rows.t[i], row.data(), id);
  }
}

void PopulationBuilder::finish(const PopulationData& header, const Finish& how) {
  const auto piece_rows = std::clamp<std::size_t>(
      (std::size_t{1} << 20) / static_cast<std::size_t>(m_columns.n_dims) / (1 + m_id_bytes / 64), 1, 65536);
  const auto write = [&](const std::string& temporary) {
    PopulationWriter writer(temporary, header, m_columns, {n_rows(), how.has_split});
    const Packing packing(m_columns);
    PopulationData rows = without_rows(m_columns);
    const auto flush = [&] {
      if (rows.t.empty()) return;
      if (how.complete) how.complete(rows);
      writer.append(rows);
      clear_rows(rows);
    };
    m_sorter.for_each([&](double t, const char* row, std::string_view id) {
      rows.t.push_back(t);
      packing.unpack(row, rows);
      if (!m_columns.id.empty()) rows.id.emplace_back(id);
      if (rows.t.size() == piece_rows) flush();
    });
    flush();
    writer.close();
  };
  write_safely(m_output, how.overwrite, write, read_back_check);
}

}  // namespace rhoflux::io
