#include "rhoflux/io/row_sorter.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <queue>

#include "rhoflux/core/error.hpp"

namespace rhoflux::io {

namespace {

using TextLength = std::uint32_t;

/// A file of the folder that has no name.
int nameless_file(const std::string& folder) {
  std::string name = folder + "/.rhoflux_sort.XXXXXX";  // the end is mkostemp's
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) fail_io(folder + ": cannot make a temporary file to sort the rows: " + std::strerror(errno));
  ::unlink(name.c_str());
  return file;
}

void write_all(int file, const char* data, std::size_t bytes, const std::string& folder) {
  while (bytes > 0) {
    const ssize_t written = ::write(file, data, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0)
      fail_io(folder + ": cannot write the temporary file that sorts the rows: " + std::strerror(errno));
    data += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

}  // namespace

RowSorter::RowSorter(const Config& config) : m_config(config) {}

RowSorter::~RowSorter() {
  if (m_file >= 0) ::close(m_file);
}

void RowSorter::add(double key, const char* row, std::string_view text) {
  const auto length = static_cast<TextLength>(text.size());
  const std::size_t bytes = sizeof(length) + m_config.row_bytes + text.size();
  const std::size_t held = m_rows.size() + bytes + (m_entries.size() + 1) * sizeof(Entry);
  if (held > m_config.memory && !m_entries.empty()) write_run();
  m_entries.push_back({key, m_rows.size()});
  const char* length_bytes = reinterpret_cast<const char*>(&length);
  m_rows.insert(m_rows.end(), length_bytes, length_bytes + sizeof(length));
  m_rows.insert(m_rows.end(), row, row + m_config.row_bytes);
  m_rows.insert(m_rows.end(), text.begin(), text.end());
  ++m_size;
}

void RowSorter::sort_memory() {
  const auto before = [](const Entry& a, const Entry& b) {
    return a.key < b.key || (a.key == b.key && a.place < b.place);
  };
  if (!std::is_sorted(m_entries.begin(), m_entries.end(), before))
    std::sort(m_entries.begin(), m_entries.end(), before);
}

/// Each row in the file: its key, then as in m_rows.
void RowSorter::write_run() {
  sort_memory();
  if (m_file < 0) m_file = nameless_file(m_config.folder);
  const std::int64_t begin = m_runs.empty() ? 0 : m_runs.back().end;
  std::int64_t end = begin;
  constexpr std::size_t most = 1 << 20;
  std::vector<char> buffer;
  buffer.reserve(most);
  const auto flush = [&] {
    write_all(m_file, buffer.data(), buffer.size(), m_config.folder);
    end += static_cast<std::int64_t>(buffer.size());
    buffer.clear();
  };
  for (const Entry& entry : m_entries) {
    TextLength length = 0;
    std::memcpy(&length, m_rows.data() + entry.place, sizeof(length));
    const std::size_t bytes = sizeof(length) + m_config.row_bytes + length;
    if (buffer.size() + bytes + sizeof(double) > most) flush();
    const char* key = reinterpret_cast<const char*>(&entry.key);
    buffer.insert(buffer.end(), key, key + sizeof(double));
    const auto first = m_rows.begin() + static_cast<std::ptrdiff_t>(entry.place);
    buffer.insert(buffer.end(), first, first + static_cast<std::ptrdiff_t>(bytes));
  }
  flush();
  m_runs.push_back({begin, end});
  m_rows.clear();
  m_entries.clear();
}

/// The rows of one sorted run, read through a buffer.
class RowSorter::RunReader {
 public:
  RunReader(const RowSorter& sorter, const Run& run, std::size_t buffer_bytes)
      : m_sorter(sorter), m_next(run.begin), m_end(run.end), m_buffer_bytes(buffer_bytes) {
    advance();
  }

  bool is_done() const { return m_done; }
  double key() const { return m_key; }
  const char* row() const { return m_buffer.data() + m_place + sizeof(double) + sizeof(TextLength); }
  std::string_view text() const { return {row() + m_sorter.m_config.row_bytes, m_length}; }

  void advance() {
    m_place += m_bytes;
    const std::size_t head = sizeof(double) + sizeof(TextLength);
    if (m_place == m_buffer.size() && m_next == m_end) {
      m_done = true;
      return;
    }
    hold(head);
    std::memcpy(&m_key, m_buffer.data() + m_place, sizeof(double));
    std::memcpy(&m_length, m_buffer.data() + m_place + sizeof(double), sizeof(TextLength));
    m_bytes = head + m_sorter.m_config.row_bytes + m_length;
    hold(m_bytes);
  }

 private:
  /// Makes `bytes` bytes from m_place on stand in the buffer.
  void hold(std::size_t bytes) {
    if (m_place + bytes <= m_buffer.size()) return;
    m_buffer.erase(m_buffer.begin(), m_buffer.begin() + static_cast<std::ptrdiff_t>(m_place));
    m_place = 0;
    const std::size_t kept = m_buffer.size();
    const std::size_t wanted =
        std::min(std::max(m_buffer_bytes, bytes) - kept, static_cast<std::size_t>(m_end - m_next));
    m_buffer.resize(kept + wanted);
    for (std::size_t done = 0; done < wanted;) {
      const ssize_t count = ::pread(m_sorter.m_file, m_buffer.data() + kept + done, wanted - done, m_next);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0)
        fail_io(m_sorter.m_config.folder + ": cannot read the temporary file that sorts the rows");
      done += static_cast<std::size_t>(count);
      m_next += count;
    }
  }

  const RowSorter& m_sorter;
  std::int64_t m_next, m_end;  ///< bytes of the file that are not yet in the buffer
  std::size_t m_buffer_bytes;
  std::vector<char> m_buffer;
  std::size_t m_place = 0, m_bytes = 0;  ///< of the present row in the buffer
  double m_key = 0;
  TextLength m_length = 0;
  bool m_done = false;
};

void RowSorter::merge(const Visit& visit) const {
  const std::size_t buffer_bytes = std::clamp<std::size_t>(m_config.memory / m_runs.size(), 1 << 14, 1 << 20);
  std::vector<std::unique_ptr<RunReader>> readers;
  for (const Run& run : m_runs) readers.push_back(std::make_unique<RunReader>(*this, run, buffer_bytes));
  // A later run has the later rows, so the number of the run decides between equal keys.
  using Head = std::pair<double, std::size_t>;
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
  for (std::size_t k = 0; k < readers.size(); ++k) heads.push({readers[k]->key(), k});
  while (!heads.empty()) {
    const std::size_t k = heads.top().second;
    heads.pop();
    RunReader& reader = *readers[k];
    do {
      visit(reader.key(), reader.row(), reader.text());
      reader.advance();
    } while (!reader.is_done() && (heads.empty() || Head(reader.key(), k) < heads.top()));
    if (!reader.is_done()) heads.push({reader.key(), k});
  }
}

void RowSorter::for_each(const Visit& visit) {
  if (m_runs.empty()) {
    sort_memory();
    for (const Entry& entry : m_entries) {
      TextLength length = 0;
      std::memcpy(&length, m_rows.data() + entry.place, sizeof(length));
      const char* row = m_rows.data() + entry.place + sizeof(length);
      visit(entry.key, row, {row + m_config.row_bytes, length});
    }
    return;
  }
  if (!m_entries.empty()) write_run();
  m_rows = {};
  m_entries = {};
  merge(visit);
}

}  // namespace rhoflux::io
