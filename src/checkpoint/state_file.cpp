#include "state_file.hpp"

#include <algorithm>
#include <cmath>

#include "file_values.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::checkpoint {
namespace {

/// Arrays are stored block by block: a block is column-major (rows, columns) in the flat vector, row by row
/// (C order) in the file, under the name of the array and that of the block.
template <class Stored>
void write_blocks(io::Hdf5Writer& file, const std::string& array, const std::vector<double>& flat,
                  const network::ParameterLayout& layout) {
  for (const network::ParameterBlock& block : layout.blocks()) {
    if (block.size() == 0) continue;
    std::vector<Stored> values;
    values.reserve(static_cast<std::size_t>(block.size()));
    for (int row = 0; row < block.rows; ++row)
      for (int column = 0; column < block.columns; ++column)
        values.push_back(
            static_cast<Stored>(flat[static_cast<std::size_t>(block.offset + column * block.rows + row)]));
    file.write(array + "/" + block.name, values, {block.rows, block.columns});
  }
}

std::vector<double> read_blocks(const io::Hdf5Reader& file, const std::string& array,
                                const network::ParameterLayout& layout) {
  for (const network::ParameterBlock& block : layout.blocks())  // before memory is taken for all of them
    if (block.size() != 0) file.require_shape(array + "/" + block.name, {block.rows, block.columns});
  std::vector<double> flat(static_cast<std::size_t>(layout.size()), 0.0);
  for (const network::ParameterBlock& block : layout.blocks()) {
    if (block.size() == 0) continue;
    const auto values = file.read<double>(array + "/" + block.name);
    for (int row = 0; row < block.rows; ++row)
      for (int column = 0; column < block.columns; ++column)
        flat[static_cast<std::size_t>(block.offset + column * block.rows + row)] =
            values[static_cast<std::size_t>(row * block.columns + column)];
  }
  if (!std::all_of(flat.begin(), flat.end(), [](double value) { return std::isfinite(value); }))
    fail_input(file.path() + ", '" + array + "': has a value that is not a finite number");
  return flat;
}

/// The fields of a state on their way into a file.
class FieldWriter {
 public:
  FieldWriter(io::Hdf5Writer& file, const network::ParameterLayout& layout, Precision precision)
      : m_file(file), m_layout(layout), m_precision(precision) {
    m_file.group("state");
  }

  template <class Enum>
  void choice(const char* name, Enum value) {
    m_file.attribute("state", name, enum_to_text(value));
  }
  void count(const char* name, std::int64_t value) { m_file.attribute("state", name, value); }
  void seed(const char* name, std::uint64_t value) {
    m_file.write(name, std::vector<std::uint64_t>{value}, {1});
  }
  void figure(const char* name, double value) { m_file.write(name, std::vector<double>{value}, {1}); }
  void terms(const char* name, const std::vector<TermProgress>& terms) {
    std::vector<std::string> names;
    std::vector<double> sums;
    for (const TermProgress& term : terms) {
      names.push_back(term.name);
      sums.insert(sums.end(), {term.sum, term.clipped});
    }
    m_file.write(name, sums, {signed_size(names), 2});
    m_file.attribute(name, "terms", names);
  }
  void history(const char* name, const History& history) {
    const std::vector<double> numbers = history.to_numbers();
    const std::vector<std::string> columns = history.columns();
    m_file.write(name, numbers, {signed_size(numbers) / signed_size(columns), signed_size(columns)});
    m_file.attribute(name, "columns", columns);
  }
  void array(const char* name, const std::vector<double>& values) {
    if (m_precision == Precision::single_precision)
      write_blocks<float>(m_file, name, values, m_layout);
    else
      write_blocks<double>(m_file, name, values, m_layout);
  }
  void optional_array(const char* name, const std::vector<double>& values) {
    if (!values.empty()) array(name, values);
  }

 private:
  io::Hdf5Writer& m_file;
  const network::ParameterLayout& m_layout;
  Precision m_precision;
};

/// The fields of a state on their way out of a file.
class FieldReader {
 public:
  FieldReader(const io::Hdf5Reader& file, std::int64_t format_version, const network::ParameterLayout& layout)
      : m_file(file), m_format_version(format_version), m_layout(layout) {}

  template <class Enum>
  void choice(const char* name, Enum& value) const {
    value = read_choice<Enum>(m_file, "state", name);
  }
  void count(const char* name, std::int64_t& value) const {
    value = read_count(m_file, "state", name, largest_step);
  }
  void seed(const char* name, std::uint64_t& value) const {
    value = m_file.read<std::uint64_t>(name, {1}).front();
  }
  /// Before version 4 the sum of the NLL came second.
  void figure(const char* name, double& value) const {
    value = m_file.read<double>(name, {m_format_version < 4 ? 2 : 1}).front();
  }
  void terms(const char* name, std::vector<TermProgress>& terms) const {
    if (m_format_version < 4) return;
    const std::vector<std::string> names = m_file.attribute_strings(name, "terms");
    const auto sums = m_file.read<double>(name, {signed_size(names), 2});
    for (std::size_t k = 0; k < names.size(); ++k) terms.push_back({names[k], sums[2 * k], sums[2 * k + 1]});
  }
  void history(const char* name, History& history) const {
    const std::vector<std::string>& fields = History::fields();
    const std::vector<std::string> columns =
        m_file.has_attribute(name, "columns") ? m_file.attribute_strings(name, "columns") : fields;
    if (columns.size() < fields.size() || !std::equal(fields.begin(), fields.end(), columns.begin()))
      fail_input(m_file.path() + ", '" + name + "': its columns do not begin with those of history.csv");
    const std::vector<double> numbers = m_file.read<double>(name, {-1, signed_size(columns)});
    for (std::size_t k = 0; k < numbers.size(); k += columns.size())
      if (!(numbers[k] >= 0 && numbers[k] <= static_cast<double>(largest_step)))
        fail_input(m_file.path() + ", '" + name + "': " + print_number(numbers[k]) + " is not a step");
    history = History::from_numbers(columns, numbers);
  }
  void array(const char* name, std::vector<double>& values) const {
    values = read_blocks(m_file, name, m_layout);
  }
  void optional_array(const char* name, std::vector<double>& values) const {
    if (m_file.exists(name)) array(name, values);
  }

 private:
  const io::Hdf5Reader& m_file;
  std::int64_t m_format_version;
  const network::ParameterLayout& m_layout;
};

}  // namespace

void write_state(io::Hdf5Writer& file, const TrainingState& state, const network::ParameterLayout& layout) {
  FieldWriter fields(file, layout, state.precision);
  for_each_field(state, fields);
}

TrainingState read_state(const io::Hdf5Reader& file, std::int64_t format_version,
                         const network::ParameterLayout& layout) {
  TrainingState state;
  FieldReader fields(file, format_version, layout);
  for_each_field(state, fields);
  return state;
}

}  // namespace rhoflux::checkpoint
