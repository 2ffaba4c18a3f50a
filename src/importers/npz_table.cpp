#include "npz_table.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::importers {

namespace {
constexpr std::int64_t bytes_at_a_time = 1 << 24;
}

NpzTable::NpzTable(const std::string& path) : m_path(path) {
  const std::string ending = ".npy";
  for (const std::string& member : ZipArchive(path).members())
    if (member.size() > ending.size() && member.substr(member.size() - ending.size()) == ending)
      m_arrays.push_back(member.substr(0, member.size() - ending.size()));
  if (m_arrays.empty()) fail_input(path + ": has no arrays");
}

NpyHeader NpzTable::header_of(const std::string& array) const {
  return NpyStream(m_path, array).header();
}

/// "pcs (1200, 2), umap (1200, 2)": the arrays of so many dimensions that can be read.
std::string NpzTable::described_arrays(std::size_t n_dims) const {
  std::vector<std::string> texts;
  for (const std::string& array : m_arrays) {
    try {
      const NpyHeader header = header_of(array);
      if (header.shape.size() == n_dims) texts.push_back(array + " " + io::to_string(header.shape));
    } catch (const Error&) {
      continue;  // an array of another type is no choice
    }
  }
  return texts.empty() ? "none" : joined(texts);
}

std::vector<std::string> NpzTable::column_names() const {
  std::vector<std::string> names;
  for (const std::string& array : m_arrays) {
    try {
      if (header_of(array).shape.size() == 1) names.push_back(array);
    } catch (const Error&) {
      names.push_back(array);  // whoever wants it is told why it cannot be read
    }
  }
  return names;
}

std::vector<BasisColumn> NpzTable::basis(const std::string& name, const std::vector<std::string>& genes) {
  if (!genes.empty()) fail_input(m_path + ": genes can be chosen of an .h5ad file only");
  if (std::find(m_arrays.begin(), m_arrays.end(), name) == m_arrays.end())
    fail_input(m_path + ": has no array '" + name +
               "'; arrays that can be coordinates (--basis) are: " + described_arrays(2));
  const NpyHeader header = header_of(name);
  if (header.shape.size() != 2 || header.shape[1] < 1)
    fail_input(m_path + ", array '" + name + "': expected shape (N, D), found " +
               io::to_string(header.shape) + "; arrays of two dimensions are: " + described_arrays(2));
  if (header.shape[1] > most_coordinates)
    fail_input(m_path + ", array '" + name + "': has the shape " + io::to_string(header.shape) +
               "; at most " + std::to_string(most_coordinates) + " columns can be coordinates");
  std::vector<BasisColumn> columns;
  for (std::int64_t k = 0; k < header.shape[1]; ++k)
    columns.push_back({name + "/" + std::to_string(k), name + std::to_string(k + 1)});
  return columns;
}

std::string NpzTable::default_basis() const {
  return std::find(m_arrays.begin(), m_arrays.end(), "x") != m_arrays.end() ? "x" : "";
}

NpzTable::Address NpzTable::address_of(const std::string& column) const {
  const auto is_array = [&](const std::string& name) {
    return std::find(m_arrays.begin(), m_arrays.end(), name) != m_arrays.end();
  };
  if (is_array(column)) return {column, -1};
  const std::size_t slash = column.rfind('/');  // which no name of an array has
  if (slash != std::string::npos && is_array(column.substr(0, slash)))
    return {column.substr(0, slash), parse_whole_number(column.substr(slash + 1), 0, most_coordinates)};
  fail_input(m_path + ": has no array '" + column +
             "'; its arrays of one dimension are: " + described_arrays(1));
}

void NpzTable::require_readable(const NpyStream& stream, const Address& address, Form form) {
  const NpyHeader& header = stream.header();
  const std::int64_t width = address.column >= 0 ? header.shape[1] : 1;
  if (address.column >= width)
    fail_input(stream.what() + ": has " + counted(width, "column") + ", not " +
               std::to_string(address.column + 1));
  const bool is_number = header.kind != NpyKind::datetime && header.kind != NpyKind::text_bytes &&
                         header.kind != NpyKind::text_ucs4;
  if (form == Form::number && !is_number)
    fail_input(stream.what() + ": expected numbers, found " +
               (header.kind == NpyKind::datetime ? "dates" : "texts"));
  constexpr std::int64_t most = std::int64_t{32} << 20;
  if (width > most / static_cast<std::int64_t>(header.item_bytes))
    fail_input(stream.what() + ": a row of it has " + counted(width, "entry", "entries") + " of " +
               std::to_string(header.item_bytes) + " bytes; allowed are 32 MiB");
}

void NpzTable::start(const std::vector<Wanted>& wanted) {
  m_sources.clear();
  m_n_wanted = wanted.size();
  m_n_rows = -1;
  m_first = m_next = 0;
  std::map<std::string, std::size_t> row_major;  // streams that several columns share
  std::string first_array;
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    const Address address = address_of(wanted[k].column);
    auto stream = std::make_unique<NpyStream>(m_path, address.array);
    const NpyHeader& header = stream->header();
    const bool is_matrix = address.column >= 0;
    if (header.shape.size() != (is_matrix ? 2U : 1U))
      fail_input(stream->what() + ": expected one entry a row, found the shape " +
                 io::to_string(header.shape));
    if (m_n_rows >= 0 && header.shape[0] != m_n_rows)
      fail_input(stream->what() + ": has " + counted(header.shape[0], "row") + ", while '" + first_array +
                 "' has " + std::to_string(m_n_rows));
    m_n_rows = header.shape[0];
    require_readable(*stream, address, wanted[k].form);
    if (first_array.empty()) first_array = address.array;
    const bool is_row_major = is_matrix && !header.is_fortran_order;
    if (is_row_major && row_major.count(address.array) > 0) {
      m_sources[row_major[address.array]].parts.push_back({address.column, k, wanted[k].form});
      continue;
    }
    Source source;
    if (is_row_major) {
      row_major[address.array] = m_sources.size();
      source.width = header.shape[1];
      source.parts.push_back({address.column, k, wanted[k].form});
    } else {
      if (is_matrix) stream->skip(address.column * header.shape[0]);
      source.parts.push_back({0, k, wanted[k].form});
    }
    source.stream = std::move(stream);
    m_sources.push_back(std::move(source));
  }
}

void NpzTable::read_source(Source& source, std::int64_t count, Batch& batch) {
  const bool is_text = source.parts.front().form == Form::text;
  if (is_text)
    source.stream->read(count * source.width, m_texts);
  else
    source.stream->read(count * source.width, m_numbers);
  for (const Source::Part& part : source.parts) {
    Batch::Column& column = batch.columns[part.wanted];
    column.numbers.clear();
    column.texts.clear();
    for (std::int64_t i = 0; i < count; ++i) {
      const auto index = static_cast<std::size_t>(i * source.width + part.column);
      if (is_text) {
        column.texts.push_back(m_texts[index]);
        continue;
      }
      column.numbers.push_back(m_numbers[index]);
      if (!std::isfinite(m_numbers[index]))
        fail_input(source.stream->what() + ": not a finite number in row " + std::to_string(m_first + i) +
                   " (from 0)");
    }
  }
}

std::int64_t NpzTable::read(std::int64_t most, Batch& batch) {
  batch.columns.resize(m_n_wanted);
  m_first = m_next;
  std::int64_t row_bytes = 1;
  for (const Source& source : m_sources) row_bytes = std::max(row_bytes, source.row_bytes());
  const std::int64_t count =
      std::min({most, m_n_rows - m_next, std::max<std::int64_t>(1, bytes_at_a_time / row_bytes)});
  if (count <= 0) {
    std::set<std::string> finished;  // each array once, though several streams may read it
    for (Source& source : m_sources)
      if (finished.insert(source.stream->what()).second) source.stream->finish();
    return 0;
  }
  for (Source& source : m_sources) read_source(source, count, batch);
  m_next += count;
  return count;
}

std::string NpzTable::place(std::int64_t i) const {
  return m_path + ", row " + std::to_string(m_first + i) + " (from 0)";
}

std::vector<std::string> NpzTable::notes() const {
  return {"arrays of NumPy: " + joined(m_arrays)};
}

}  // namespace rhoflux::importers
