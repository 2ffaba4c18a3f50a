#include "rhoflux/importers/import.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>

#include "anndata_table.hpp"
#include "delimited_table.hpp"
#include "npz_table.hpp"
#include "resolution.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/io/population_builder.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "roles.hpp"
#include "row_texts.hpp"
#include "split_drawer.hpp"
#include "time_reader.hpp"

namespace rhoflux::importers {

namespace {

std::int8_t parse_split_label(const Table& table, std::int64_t row, const std::string& field) {
  if (field == "train" || field == "0") return 0;
  if (field == "val" || field == "1") return 1;
  if (field == "test" || field == "2") return 2;
  fail_input(table.place(row) + ": unknown split '" + field.substr(0, 60) +
             "'; allowed are train, val, test or 0, 1, 2");
}

/// A row without its condition cannot be learned from, and --condition NAME=VALUE,.. must be able to name each.
void require_condition(const Table& table, std::int64_t row, const std::string& column,
                       const std::string& text) {
  const std::string word(trimmed(text));
  for (const char* missing :
       {"", "NA", "N/A", "na", "nan", "NaN", "NAN", "null", "NULL", "None", "inf", "-inf"})
    if (word == missing)
      fail_input(table.place(row) + ", column '" + column + "': '" + word +
                 "' is no condition; every row needs one (leave out the rows without, or give it a name of "
                 "its own)");
  if (word.find_first_of(",;\"") != std::string::npos)
    fail_input(table.place(row) + ", column '" + column + "': '" + word.substr(0, 60) +
               "' has a comma, a semicolon or a quotation mark, which the name of a condition may not have");
}

/// One import: the table, what its columns become, and the rows on their way into the file.
class Import {
 public:
  Import(const std::string& input, const std::string& output, const Options& options, Table& table)
      : m_input(input),
        m_output(output),
        m_options(options),
        m_table(table),
        m_roles(choose_roles(table, options)),
        m_splits(options.split, input),
        m_resolution(options.dequantise, dim_names(), options.split.seed, input),
        m_time(table, options.time) {
    if (!m_roles.split.empty() && m_splits.is_on())
      fail_input(input + ": the file has a split column, so that no fractions can be given for val and test");
    for (const std::string& name : dim_names()) require_name(name);
    for (const std::string& name : m_roles.labels) require_name(name);
    for (const std::string& name : m_roles.conditions) require_name(name);
    find_forms();
  }

  Summary run(bool overwrite) {
    choose_wanted();
    io::PopulationBuilder builder(m_output, columns());
    read_rows(builder);
    if (builder.n_rows() == 0) fail_input(m_input + ": there are no rows after the header");
    if (!m_roles.weight.empty() && !m_has_positive_weight)
      fail_input(m_input + ": every weight in the column '" + m_roles.weight +
                 "' is zero; at least one must be positive");
    m_splits.decide(categories_of_label(m_roles.split_by), m_input);
    m_resolution.decide(m_input);
    for (Categories& categories : m_label_categories) categories.sort();
    for (Categories& categories : m_condition_categories) categories.sort();
    const io::PopulationData header = make_header();
    io::PopulationBuilder::Finish finish;
    finish.overwrite = overwrite;
    finish.has_split = m_splits.is_on() || !m_roles.split.empty();
    finish.complete = [&](io::PopulationData& rows) { complete(rows); };
    builder.finish(header, finish);
    return summarise(builder.n_rows(), header);
  }

 private:
  void require_name(const std::string& name) const {
    if (name.size() > longest_text || !is_utf8(name))
      require_text(name, "the name of a column", m_table.header_place());
  }

  std::vector<std::string> dim_names() const {
    std::vector<std::string> names;
    for (const BasisColumn& coordinate : m_roles.coordinates) names.push_back(coordinate.dim_name);
    return names;
  }

  const std::vector<std::string>& categories_of_label(const std::string& label) const {
    static const std::vector<std::string> none;
    for (std::size_t k = 0; k < m_roles.labels.size(); ++k)
      if (m_roles.labels[k] == label) return m_label_categories[k].names();
    return none;
  }

  /// Conditions whose first rows are all numbers are numbers.
  void find_forms() {
    m_label_categories.resize(m_roles.labels.size());
    m_condition_categories.resize(m_roles.conditions.size());
    if (m_roles.conditions.empty()) return;
    std::vector<Wanted> wanted;
    for (const std::string& name : m_roles.conditions) wanted.push_back({name, Form::text});
    m_table.start(wanted);
    Batch batch;
    m_table.read(1000, batch);
    for (const Batch::Column& column : batch.columns) {
      const bool is_number =
          std::all_of(column.texts.begin(), column.texts.end(),
                      [](const std::string& text) { return read_number(text).fault == nullptr; });
      m_condition_is_number.push_back(is_number);
    }
  }

  /// The columns to read, in the order in which convert() takes them.
  void choose_wanted() {
    m_wanted.push_back({m_roles.time, m_time.form()});
    for (const BasisColumn& coordinate : m_roles.coordinates)
      m_wanted.push_back({coordinate.column, Form::number});
    if (!m_roles.weight.empty()) m_wanted.push_back({m_roles.weight, Form::number});
    if (!m_roles.growth.empty()) m_wanted.push_back({m_roles.growth, Form::number});
    if (!m_roles.split.empty()) m_wanted.push_back({m_roles.split, Form::text});
    if (!m_roles.id.empty()) m_wanted.push_back({m_roles.id, Form::text});
    for (const std::string& name : m_roles.labels) m_wanted.push_back({name, Form::text});
    for (std::size_t k = 0; k < m_roles.conditions.size(); ++k)
      m_wanted.push_back({m_roles.conditions[k], m_condition_is_number[k] ? Form::number : Form::text});
  }

  /// Which columns the population has; the rows do not matter.
  io::PopulationData columns() const {
    io::PopulationData columns;
    columns.n_dims = static_cast<int>(m_roles.coordinates.size());
    columns.source_row.push_back(0);
    if (!m_roles.weight.empty()) columns.weight.push_back(1.0);
    if (!m_roles.growth.empty()) columns.growth.push_back(0.0);
    if (!m_roles.split.empty()) columns.split.push_back(0);
    if (!m_roles.id.empty()) columns.id.emplace_back();
    for (const std::string& name : m_roles.labels) columns.labels.push_back({name, {}, {}});
    for (const std::string& name : m_roles.conditions) columns.conditions.push_back({name, {}, {}});
    return columns;
  }

  void read_rows(io::PopulationBuilder& builder) {
    m_table.start(m_wanted);
    const auto piece = std::clamp<std::int64_t>(
        (std::int64_t{1} << 19) / static_cast<std::int64_t>(m_wanted.size()), 1, 65536);
    Batch batch;
    while (const std::int64_t n = m_table.read(piece, batch)) {
      const io::PopulationData rows = convert(batch, n, builder.n_rows());
      m_resolution.see(rows.x);
      builder.add(rows);
    }
  }

  io::PopulationData convert(Batch& batch, std::int64_t n, std::int64_t first_row) {
    io::PopulationData rows;
    rows.n_dims = static_cast<int>(m_roles.coordinates.size());
    const auto count = static_cast<std::size_t>(n);
    const auto dims = static_cast<std::size_t>(rows.n_dims);
    std::size_t next = 0;
    const Batch::Column& time = batch.columns[next++];
    rows.x.resize(count * dims);
    for (std::size_t k = 0; k < dims; ++k) {
      const std::vector<double>& values = batch.columns[next++].numbers;
      for (std::size_t i = 0; i < count; ++i) rows.x[i * dims + k] = values[i];
    }
    if (!m_roles.weight.empty()) rows.weight = weights(batch.columns[next++].numbers);
    if (!m_roles.growth.empty()) rows.growth = growth(batch.columns[next++].numbers);
    if (!m_roles.split.empty())
      for (const std::string& text : batch.columns[next++].texts)
        rows.split.push_back(parse_split_label(m_table, static_cast<std::int64_t>(rows.split.size()), text));
    if (!m_roles.id.empty()) rows.id = ids(batch.columns[next++].texts);
    for (std::size_t k = 0; k < m_roles.labels.size(); ++k)
      rows.labels.push_back({m_roles.labels[k],
                             {},
                             codes(batch.columns[next++].texts, m_roles.labels[k], m_label_categories[k])});
    for (std::size_t k = 0; k < m_roles.conditions.size(); ++k) {
      const Batch::Column& column = batch.columns[next++];
      io::ConditionColumn condition{m_roles.conditions[k], {}, column.numbers};
      if (!m_condition_is_number[k]) {
        for (std::size_t i = 0; i < column.texts.size(); ++i)
          require_condition(m_table, static_cast<std::int64_t>(i), m_roles.conditions[k], column.texts[i]);
        const std::vector<std::int32_t> found =
            codes(column.texts, m_roles.conditions[k], m_condition_categories[k]);
        condition.value.assign(found.begin(), found.end());
      }
      rows.conditions.push_back(std::move(condition));
    }
    const std::size_t by = split_by_label();
    for (std::size_t i = 0; i < count; ++i) {
      rows.t.push_back(m_time.sort_key(time, i, m_table));
      rows.source_row.push_back(first_row + static_cast<std::int64_t>(i));
      m_splits.count(rows.t.back(), by == none ? 0 : static_cast<std::size_t>(rows.labels[by].code[i]));
    }
    return rows;
  }

  std::vector<double> weights(const std::vector<double>& values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i] < 0.0)
        fail_input(m_table.place(static_cast<std::int64_t>(i)) + ": the weight " + print_number(values[i]) +
                   " is negative");
    for (const double value : values) m_has_positive_weight = m_has_positive_weight || value > 0.0;
    return values;
  }

  std::vector<double> growth(const std::vector<double>& values) const {
    if (m_options.growth_form == GrowthForm::rate) return values;
    std::vector<double> rates;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!(values[i] > 0.0))
        fail_input(m_table.place(static_cast<std::int64_t>(i)) + ": the growth factor " +
                   print_number(values[i]) + " must be above 0");
      rates.push_back(std::log(values[i]));
    }
    return rates;
  }

  std::vector<std::string> ids(const std::vector<std::string>& texts) const {
    for (std::size_t i = 0; i < texts.size(); ++i)
      if (texts[i].size() > longest_text || !is_utf8(texts[i]))
        require_text(texts[i], "the name of the row", m_table.place(static_cast<std::int64_t>(i)));
    return texts;
  }

  std::vector<std::int32_t> codes(const std::vector<std::string>& texts, const std::string& column,
                                  Categories& categories) const {
    std::vector<std::int32_t> result;
    result.reserve(texts.size());
    for (const std::string& text : texts)
      result.push_back(categories.code(text, column, m_table, static_cast<std::int64_t>(result.size())));
    return result;
  }

  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  std::size_t split_by_label() const {
    for (std::size_t k = 0; k < m_roles.labels.size(); ++k)
      if (!m_roles.split_by.empty() && m_roles.labels[k] == m_roles.split_by) return k;
    return none;
  }

  io::PopulationData make_header() {
    io::PopulationData header = columns();
    header.dim_names = dim_names();
    header.time = m_time.meaning();
    header.source =
        m_options.source.empty() ? std::filesystem::path(m_input).filename().string() : m_options.source;
    header.provenance = m_options.provenance;
    for (std::size_t k = 0; k < header.labels.size(); ++k)
      header.labels[k].categories = m_label_categories[k].names();
    for (std::size_t k = 0; k < header.conditions.size(); ++k)
      if (!m_condition_is_number[k]) header.conditions[k].categories = m_condition_categories[k].names();
    header.import_choices = choices();
    return header;
  }

  /// What a later command must know to find its way back into the input file.
  io::TextAttributes choices() const {
    std::vector<std::string> dims;
    for (const std::size_t dim : m_roles.dims) dims.push_back(std::to_string(dim));
    std::vector<std::string> columns;
    if (m_roles.basis.empty())
      for (const BasisColumn& coordinate : m_roles.coordinates) columns.push_back(coordinate.column);
    io::TextAttributes choices = {{"time_column", m_roles.time},
                                  {"basis", m_roles.basis},
                                  {"dims", joined(dims, ",")},
                                  {"columns", joined(columns, ",")},
                                  {"genes", joined(m_options.genes, ",")}};
    if (m_resolution.is_on()) choices.emplace_back("dequantised", m_resolution.description());
    return choices;
  }

  /// Sorted rows, just before they are written.
  void complete(io::PopulationData& rows) {
    const std::size_t by = split_by_label();
    if (m_splits.is_on()) {
      rows.split.clear();
      for (std::size_t i = 0; i < rows.t.size(); ++i)
        rows.split.push_back(
            m_splits.draw(rows.t[i], rows.source_row[i],
                          by == none ? 0 : static_cast<std::size_t>(rows.labels[by].code[i])));
    }
    for (std::size_t k = 0; k < rows.labels.size(); ++k)
      for (std::int32_t& code : rows.labels[k].code) code = m_label_categories[k].new_code(code);
    for (std::size_t k = 0; k < rows.conditions.size(); ++k)
      if (!m_condition_is_number[k])
        for (double& value : rows.conditions[k].value)
          value = m_condition_categories[k].new_code(static_cast<std::int32_t>(value));
    m_resolution.add_noise(rows.source_row, rows.x);
    m_time.convert(rows.t);
    m_summary.t_min = std::min(m_summary.t_min, rows.t.front());
    m_summary.t_max = std::max(m_summary.t_max, rows.t.back());
    if (rows.split.empty()) m_summary.split_count[0] += rows.n_rows();
    for (const std::int8_t split : rows.split) ++m_summary.split_count[static_cast<std::size_t>(split)];
  }

  Summary summarise(std::int64_t n_rows, const io::PopulationData& header) {
    m_summary.n_rows = n_rows;
    m_summary.dim_names = header.dim_names;
    m_summary.time = header.time;
    m_summary.has_weight = !m_roles.weight.empty();
    m_summary.ignored_columns = m_roles.ignored;
    std::vector<std::string>& notes = m_summary.notes;
    notes = m_table.notes();
    const auto append = [&](const std::vector<std::string>& more) {
      notes.insert(notes.end(), more.begin(), more.end());
    };
    append(m_time.notes());
    append(m_splits.notes());
    if (m_resolution.is_on())
      notes.push_back("uniform noise of the resolution added: " + m_resolution.description());
    std::vector<std::string> kept;
    const auto n_categories = [](const Categories& categories) {
      const std::size_t count = categories.names().size();
      return " (" + std::to_string(count) + (count == 1 ? " category)" : " categories)");
    };
    if (!m_roles.id.empty()) kept.push_back("names of the rows (" + m_roles.id + ")");
    for (std::size_t k = 0; k < m_roles.labels.size(); ++k)
      kept.push_back("label " + m_roles.labels[k] + n_categories(m_label_categories[k]));
    for (std::size_t k = 0; k < m_roles.conditions.size(); ++k)
      kept.push_back("condition " + m_roles.conditions[k] +
                     (m_condition_is_number[k] ? " (a number)" : n_categories(m_condition_categories[k])));
    if (!m_roles.growth.empty()) kept.push_back("growth rates (" + m_roles.growth + ")");
    if (!kept.empty()) notes.push_back("kept: " + joined(kept));
    return m_summary;
  }

  std::string m_input, m_output;
  const Options& m_options;
  Table& m_table;
  Roles m_roles;
  SplitDrawer m_splits;
  Resolution m_resolution;
  TimeReader m_time;
  std::vector<Wanted> m_wanted;
  std::vector<Categories> m_label_categories, m_condition_categories;
  std::vector<bool> m_condition_is_number;
  bool m_has_positive_weight = false;
  Summary m_summary{
      0,     {}, {}, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), {},
      false, {}, {}};
};

bool ends_in(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

std::unique_ptr<Table> open_table(const std::string& input, const Options& options) {
  std::string name = std::filesystem::path(input).filename().string();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::error_code ignored;
  const auto require_file = [&] {
    if (!std::filesystem::exists(input, ignored)) fail_input(input + ": no such file");
    if (std::filesystem::is_directory(input, ignored)) fail_input(input + ": is a folder, expected a file");
  };
  for (const char* ending : {".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"})
    if (ends_in(name, ending)) return std::make_unique<DelimitedTable>(input, options.delimiter);
  if (options.delimiter != Delimiter::automatic && (ends_in(name, ".npz") || ends_in(name, ".h5ad")))
    fail_input(input + ": --delimiter is for tables of text");
  if (ends_in(name, ".npz")) {
    require_file();
    return std::make_unique<NpzTable>(input);
  }
  if (ends_in(name, ".h5ad")) {
    require_file();
    return std::make_unique<AnnDataTable>(input);
  }
  fail_input(input + ": the ending tells the format; read are " + import_formats());
}

}  // namespace

const char* import_formats() {
  return ".csv, .tsv, .txt (each also with .gz), .npz and .h5ad";
}

Summary import_population(const std::string& input, const std::string& output, const Options& options,
                          bool overwrite) {
  io::require_absent(output, overwrite);
  io::require_other_file(output, input);
  const std::unique_ptr<Table> table = open_table(input, options);
  return Import(input, output, options, *table).run(overwrite);
}

}  // namespace rhoflux::importers
