#include <algorithm>
#include <cmath>
#include <limits>

#include "hdf5_types.hpp"
#include "population_format.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/times.hpp"
#include "rhoflux/io/population.hpp"

namespace rhoflux::io {

namespace {

constexpr ExitCode reading = ExitCode::bad_input;

void require_known_format(const Hdf5Reader& file) {
  if (file.has_attribute("/", "kind") && file.attribute_string("/", "kind") != "population") {
    fail_input(file.path() + ": is a file of kind '" + file.attribute_string("/", "kind") +
               "', expected population data (made by 'rhoflux import' or 'rhoflux generate')");
  }
  if (!file.has_attribute("/", "format_version")) return;
  const std::int64_t version = file.attribute_int("/", "format_version");
  if (version != population_format_version) {
    fail_input(file.path() + ": population format version " + std::to_string(version) +
               " is unknown; this program reads version " + std::to_string(population_format_version));
  }
}

std::vector<GivenTime> given_times(const std::vector<double>& times) {
  std::vector<GivenTime> given;
  for (const double t : times) given.push_back({t});
  return given;
}

}  // namespace

std::int64_t PopulationInfo::count(Split split) const {
  return split == Split::all ? n_rows : split_count[static_cast<std::size_t>(split)];
}

PopulationFile::PopulationFile(const std::string& path, const mpi::Communicator& comm,
                               const std::vector<double>& hold_out_times)
    : PopulationFile(path, comm, PopulationChoice{given_times(hold_out_times)}) {}

PopulationFile::PopulationFile(const std::string& path, const mpi::Communicator& comm,
                               const PopulationChoice& choice)
    : m_path(path), m_comm(comm) {
  silence_hdf5();
  read_attributes();
  choose_coordinates(choice);
  choose_conditions(choice);
  open();
  resolve_held_out(choice.hold_out_times);
  scan();
}

/// The root checks everything that needs no row, and tells the others.
void PopulationFile::read_attributes() {
  mpi::on_root(m_comm, [&] {
    const Hdf5Reader file(m_path);
    require_known_format(file);
    const Shape t = require_dataset(file, "t");
    const Shape x = require_dataset(file, "x");
    if (t.size() != 1) fail_input(m_path + ", 't': expected shape (N), found " + to_string(t));
    if (t[0] < 1) fail_input(m_path + ", 't': there are no rows");
    if (x.size() != 2 || x[0] != t[0] || x[1] < 1) {
      fail_input(m_path + ", 'x': expected shape (" + std::to_string(t[0]) +
                 ", D) with D at least 1, found " + to_string(x));
    }
    if (x[1] > std::numeric_limits<int>::max()) fail_input(m_path + ", 'x': too many coordinates");
    m_info.n_rows = t[0];
    m_info.n_dims = static_cast<int>(x[1]);
    m_info.has_weight = file.exists("weight");
    m_info.has_split = file.exists("split");
    if (m_info.has_weight) require_matching(m_path, "weight", require_dataset(file, "weight"), t);
    if (m_info.has_split) require_matching(m_path, "split", require_dataset(file, "split"), t);

    m_info.dim_names = file.has_attribute("/", "dim_names") ? file.attribute_strings("/", "dim_names")
                                                            : numbered_names(m_info.n_dims);
    if (static_cast<int>(m_info.dim_names.size()) != m_info.n_dims) {
      fail_input(m_path + ", attribute 'dim_names': expected " + counted(m_info.n_dims, "name") + ", found " +
                 std::to_string(m_info.dim_names.size()));
    }
    read_optional_columns(file, t);
    read_time_meaning(file);
    if (file.exists("import")) m_info.import_choices = file.text_attributes("import");
    if (file.has_attribute("/", "time_unit")) m_info.time_unit = file.attribute_string("/", "time_unit");
    if (file.has_attribute("/", "source")) m_info.source = file.attribute_string("/", "source");
  });
  broadcast_info();
}

void PopulationFile::broadcast_info() {
  m_comm.broadcast(&m_info.n_rows, sizeof(m_info.n_rows));
  m_comm.broadcast(&m_info.n_dims, sizeof(m_info.n_dims));
  for (bool* flag :
       {&m_info.has_weight, &m_info.has_split, &m_info.has_growth, &m_info.has_id, &m_info.has_source_row})
    m_comm.broadcast(flag, sizeof(*flag));
  const auto broadcast_texts = [&](std::vector<std::string>& texts) {
    std::int64_t count = static_cast<std::int64_t>(texts.size());
    m_comm.broadcast(&count, sizeof(count));
    texts.resize(static_cast<std::size_t>(count));
    for (std::string& text : texts) m_comm.broadcast(text);
  };
  const auto broadcast_columns = [&](auto& columns) {
    std::int64_t count = static_cast<std::int64_t>(columns.size());
    m_comm.broadcast(&count, sizeof(count));
    columns.resize(static_cast<std::size_t>(count));
    for (auto& column : columns) {
      m_comm.broadcast(column.name);
      broadcast_texts(column.categories);
    }
  };
  broadcast_texts(m_info.dim_names);
  broadcast_columns(m_info.labels);
  broadcast_columns(m_info.conditions);
  m_comm.broadcast(m_info.time_unit);
  m_info.time.unit = m_info.time_unit;
  m_comm.broadcast(m_info.time.origin);
  broadcast_texts(m_info.time.labels);
  m_comm.broadcast(m_info.time.label_values);
  std::vector<std::string> names, values;
  for (const auto& [name, value] : m_info.import_choices) {
    names.push_back(name);
    values.push_back(value);
  }
  broadcast_texts(names);
  broadcast_texts(values);
  m_info.import_choices.clear();
  for (std::size_t k = 0; k < names.size(); ++k) m_info.import_choices.emplace_back(names[k], values[k]);
  m_comm.broadcast(m_info.source);
}

void PopulationFile::open() {
  mpi::on_every_rank(m_comm, [&] {
    const Hdf5Handle access = file_access(m_path, ExitCode::io_failure);
    m_file = own_hdf5(H5Fopen(m_path.c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose, ExitCode::io_failure,
                      m_path + ": cannot open the file on every rank");
  });
  mpi::on_every_rank(m_comm, [&] {
    m_t = open_dataset("t", false);
    m_x = open_dataset("x", false);
    if (m_info.has_weight) m_weight = open_dataset("weight", false);
    if (m_info.has_split) m_split = open_dataset("split", true);
    for (const ConditionColumn& column : m_conditions)
      m_condition_data.push_back(open_dataset("condition/" + column.name, !column.categories.empty()));
  });
}

PopulationFile::Dataset PopulationFile::open_dataset(const std::string& name, bool integers_only) const {
  const std::string what = m_path + ", '" + name + "'";
  Hdf5Handle handle = own_hdf5(H5Dopen2(m_file.id(), name.c_str(), H5P_DEFAULT), H5Dclose, reading,
                               what + ": cannot open the dataset");
  const Hdf5Handle type = own_hdf5(H5Dget_type(handle.id()), H5Tclose, reading, what);
  const H5T_class_t kind = H5Tget_class(type.id());
  if (kind != H5T_INTEGER && (integers_only || kind != H5T_FLOAT)) {
    fail_input(what + ": expected " + (integers_only ? "integers" : "numbers"));
  }
  return {std::move(handle), name};
}

/// Reads whole rows independently of the other ranks.
template <class T>
std::vector<T> PopulationFile::read_slab(const Dataset& dataset, std::int64_t first_row, std::int64_t n_rows,
                                         int n_columns) const {
  std::vector<T> values(static_cast<std::size_t>(n_rows * n_columns));
  if (values.empty()) return values;
  const std::string what = m_path + ", '" + dataset.name + "': cannot read rows " +
                           std::to_string(first_row) + " to " + std::to_string(first_row + n_rows - 1);
  const Hdf5Handle space = own_hdf5(H5Dget_space(dataset.handle.id()), H5Sclose, reading, what);
  const int rank = check_hdf5(H5Sget_simple_extent_ndims(space.id()), reading, what);
  const std::array<hsize_t, 2> start = {static_cast<hsize_t>(first_row), 0};
  const std::array<hsize_t, 2> count = {static_cast<hsize_t>(n_rows), static_cast<hsize_t>(n_columns)};
  check_hdf5(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
             reading, what);
  const Hdf5Handle memory = own_hdf5(H5Screate_simple(rank, count.data(), nullptr), H5Sclose, reading, what);
  check_hdf5(
      H5Dread(dataset.handle.id(), native_type<T>(), memory.id(), space.id(), H5P_DEFAULT, values.data()),
      reading, what);
  return values;
}

template std::vector<double> PopulationFile::read_slab<double>(const Dataset&, std::int64_t, std::int64_t,
                                                               int) const;

/// Those of some rows, (n_rows, n_conditions).
std::vector<double> PopulationFile::read_conditions(std::int64_t first_row, std::int64_t n_rows) const {
  const std::size_t width = m_conditions.size();
  std::vector<double> result(static_cast<std::size_t>(n_rows) * width);
  for (std::size_t k = 0; k < width; ++k) {
    const std::vector<double> column = read_slab<double>(m_condition_data[k], first_row, n_rows, 1);
    const std::vector<double>& places = m_places[k];
    for (std::size_t row = 0; row < column.size(); ++row) {
      const double code = column[row];
      const bool has_place = code >= 0 && code < static_cast<double>(places.size());
      result[row * width + k] = places.empty() ? code
                                : has_place    ? places[static_cast<std::size_t>(code)]
                                               : std::numeric_limits<double>::quiet_NaN();
    }
  }
  return result;
}

PopulationFile::FileRows PopulationFile::read_rows(std::int64_t first_row, std::int64_t n_rows) const {
  FileRows rows;
  rows.t = read_slab<double>(m_t, first_row, n_rows, 1);
  rows.x = chosen_columns(read_slab<double>(m_x, first_row, n_rows, m_file_dims), m_columns,
                          static_cast<std::size_t>(m_file_dims));
  if (m_info.has_weight) rows.weight = read_slab<double>(m_weight, first_row, n_rows, 1);
  rows.conditions = read_conditions(first_row, n_rows);
  if (m_info.has_split) rows.split = read_slab<std::int8_t>(m_split, first_row, n_rows, 1);
  return rows;
}

/// Rows read at a time: 65536, fewer where a row is long, so that a piece stays below 32 MiB.
std::int64_t PopulationFile::piece_rows() const {
  return std::clamp<std::int64_t>((std::int64_t{1} << 22) / m_file_dims, 1, 65536);
}

std::int64_t PopulationFile::count_in_block(Split split, std::size_t block) const {
  const std::array<std::int64_t, 4>& counts = m_block_counts[block];
  return split == Split::all ? counts[0] + counts[1] + counts[2] + counts[held_out]
                             : counts[static_cast<std::size_t>(split)];
}

bool PopulationFile::is_held_out(double t, const double* condition) const {
  if (std::find(m_hold_out_times.begin(), m_hold_out_times.end(), t) != m_hold_out_times.end()) return true;
  return std::any_of(m_hold_out_conditions.begin(), m_hold_out_conditions.end(),
                     [&](const std::vector<double>& held_out) { return has_condition(condition, held_out); });
}

/// @param wanted NaN where any value will do
bool PopulationFile::has_condition(const double* condition, const std::vector<double>& wanted) const {
  for (std::size_t k = 0; k < wanted.size(); ++k)
    if (!std::isnan(wanted[k]) && !same_time(wanted[k], condition[k])) return false;
  return true;
}

/// The times that are held out become those of the file that they name.
void PopulationFile::resolve_held_out(const std::vector<GivenTime>& times) {
  mpi::on_every_rank(m_comm, [&] {
    for (const GivenTime& time : times) {
      double t = 0;
      try {
        t = time.in(m_info.time);
      } catch (const Error& error) {
        fail_input("data.hold_out_times: " + m_path + ": " + error.what());
      }
      m_hold_out_times.push_back(named_time(t).value_or(t));
    }
  });
}

std::optional<double> PopulationFile::named_time(double t) const {
  std::int64_t first = 0, end = m_info.n_rows;  // the first row whose time is not below t is among these
  const auto time_of = [&](std::int64_t row) { return read_slab<double>(m_t, row, 1, 1)[0]; };
  while (first < end) {
    const std::int64_t middle = first + (end - first) / 2;
    if (time_of(middle) < t)
      first = middle + 1;
    else
      end = middle;
  }
  std::vector<double> neighbours;
  if (first > 0) neighbours.push_back(time_of(first - 1));
  if (first < m_info.n_rows) neighbours.push_back(time_of(first));
  return rhoflux::named_time(neighbours, t);
}

void PopulationFile::for_each_marks(const std::function<void(const RowMarks&)>& visit) const {
  for (std::int64_t first = 0; first < m_info.n_rows; first += piece_rows()) {
    const std::int64_t count = std::min(piece_rows(), m_info.n_rows - first);
    RowMarks marks;
    marks.t = read_slab<double>(m_t, first, count, 1);
    marks.weight.assign(marks.t.size(), 1.0);
    if (m_info.has_weight) marks.weight = read_slab<double>(m_weight, first, count, 1);
    marks.split.assign(marks.t.size(), Split::train);
    if (m_info.has_split) {
      const std::vector<std::int8_t> split = read_slab<std::int8_t>(m_split, first, count, 1);
      for (std::size_t i = 0; i < split.size(); ++i) marks.split[i] = static_cast<Split>(split[i]);
    }
    std::vector<double> conditions;
    if (!m_hold_out_conditions.empty()) conditions = read_conditions(first, count);
    for (std::size_t i = 0; i < marks.t.size(); ++i)
      if (is_held_out(marks.t[i], conditions.data() + (conditions.empty() ? 0 : i * m_conditions.size())))
        marks.split[i] = Split::all;
    visit(marks);
  }
}

void PopulationFile::visit_split(Split split, std::int64_t begin, std::int64_t end,
                                 const std::function<void(const PopulationRows&)>& visit) const {
  if (begin < 0 || begin > end || end > m_info.count(split)) {
    fail_input(m_path + ": rows " + std::to_string(begin) + " to " + std::to_string(end) + " of the split '" +
               to_string(split) + "' were asked for, which has " + std::to_string(m_info.count(split)));
  }
  // The blocks before the one that holds row `begin` of the split are passed over without reading them.
  std::int64_t index = 0;
  std::size_t block = 0;
  while (begin < end && index + count_in_block(split, block) <= begin)
    index += count_in_block(split, block++);
  std::int64_t first = static_cast<std::int64_t>(block) * m_block_rows;
  const auto n_dims = static_cast<std::size_t>(m_info.n_dims);
  while (index < end && begin < end) {
    const std::int64_t count = std::min(piece_rows(), m_info.n_rows - first);
    const FileRows rows = read_rows(first, count);
    PopulationRows chosen;
    chosen.n_dims = m_info.n_dims;
    for (std::size_t i = 0; i < rows.t.size() && index < end; ++i) {
      const int label = rows.split.empty() ? 0 : rows.split[i];
      const double* condition = rows.conditions.data() + i * m_conditions.size();
      if (split != Split::all && (label != static_cast<int>(split) || is_held_out(rows.t[i], condition)))
        continue;
      if (index++ < begin) continue;
      chosen.t.push_back(rows.t[i]);
      const double* point = rows.x.data() + i * n_dims;
      chosen.x.insert(chosen.x.end(), point, point + n_dims);
      chosen.weight.push_back(rows.weight.empty() ? 1.0 : rows.weight[i]);
      chosen.file_row.push_back(first + static_cast<std::int64_t>(i));
      chosen.split.push_back(static_cast<std::int8_t>(label));
      chosen.conditions.insert(chosen.conditions.end(), condition, condition + m_conditions.size());
    }
    first += count;
    if (chosen.size() > 0) visit(chosen);
  }
}

PopulationRows PopulationFile::read_split(Split split, std::int64_t begin, std::int64_t end) const {
  PopulationRows result;
  result.n_dims = m_info.n_dims;
  mpi::on_every_rank(m_comm, [&] {
    const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    visit_split(split, begin, end, [&](const PopulationRows& piece) {
      append(result.t, piece.t);
      append(result.x, piece.x);
      append(result.weight, piece.weight);
      append(result.file_row, piece.file_row);
      append(result.split, piece.split);
      append(result.conditions, piece.conditions);
    });
  });
  return result;
}

void PopulationFile::for_each_piece(Split split,
                                    const std::function<void(const PopulationRows&)>& visit) const {
  visit_split(split, 0, m_info.count(split), visit);
}

}  // namespace rhoflux::io
