#include "rhoflux/data/time_table.hpp"

namespace rhoflux::data {
namespace {

constexpr std::size_t held_out = 3;  // after train, val and test

std::size_t index_of(io::Split split) {
  return split == io::Split::all ? held_out : static_cast<std::size_t>(split);
}

RowCount rows_of(const std::array<RowCount, 4>& counts, io::Split split) {
  if (split != io::Split::all) return counts[index_of(split)];
  RowCount sum;
  for (const RowCount& count : counts) sum += count;
  return sum;
}

}  // namespace

void TimeTableBuilder::add(double t, double weight, io::Split split) {
  if (!m_has_time || t != m_current.t) {
    finish_time();
    m_current = {t, {}};
    m_has_time = true;
  }
  m_current.counts[index_of(split)].add(weight);
  m_table.counts[index_of(split)].add(weight);
}

TimeTable TimeTableBuilder::finish() {
  finish_time();
  if (m_is_too_long) m_table.times.clear();
  return m_table;
}

void TimeTableBuilder::finish_time() {
  if (!m_has_time) return;
  const std::int64_t rows = m_current.of(io::Split::all).rows;
  m_table.n_times += rows > 0 ? 1 : 0;
  m_table.n_sparse += rows == 1 || rows == 2 ? 1 : 0;
  m_is_too_long = m_is_too_long || m_table.times.size() == TimeTable::most_listed;
  if (!m_is_too_long) m_table.times.push_back(m_current);
}

RowCount TimeRows::of(io::Split split) const {
  return rows_of(counts, split);
}

RowCount TimeTable::of(io::Split split) const {
  return rows_of(counts, split);
}

TimeTable read_time_table(const io::PopulationFile& file, const mpi::Communicator& comm) {
  TimeTable table;
  mpi::on_root(comm, [&] {
    TimeTableBuilder builder;
    file.for_each_marks([&](const io::RowMarks& marks) {
      for (std::size_t row = 0; row < marks.t.size(); ++row)
        builder.add(marks.t[row], marks.weight[row], marks.split[row]);
    });
    table = builder.finish();
  });
  comm.broadcast(table.times);
  comm.broadcast(&table.n_times, sizeof(table.n_times));
  comm.broadcast(&table.n_sparse, sizeof(table.n_sparse));
  comm.broadcast(table.counts.data(), sizeof(table.counts));
  return table;
}

TimeSpan time_span(const io::PopulationFile& file, const mpi::Communicator& comm) {
  TimeSpan span = {file.info().t_min, file.info().t_max};
  if (!file.info().has_weight) return span;
  mpi::on_root(comm, [&] {
    bool has_row = false;
    file.for_each_marks([&](const io::RowMarks& marks) {
      for (std::size_t row = 0; row < marks.t.size(); ++row) {
        if (!(marks.weight[row] > 0)) continue;
        if (!has_row) span.first = marks.t[row];
        span.last = marks.t[row];
        has_row = true;
      }
    });
  });
  comm.broadcast(&span, sizeof(span));
  return span;
}

RowCount count_rows(const io::PopulationFile& file, io::Split split, const mpi::Communicator& comm) {
  RowCount count;
  if (!file.info().has_weight) {
    const std::int64_t rows = file.info().count(split);
    count += {rows, static_cast<double>(rows), 1, 1, static_cast<double>(rows)};
    return count;
  }
  mpi::on_root(comm, [&] {
    file.for_each_marks([&](const io::RowMarks& marks) {
      for (std::size_t row = 0; row < marks.t.size(); ++row)
        if (split == io::Split::all || marks.split[row] == split) count.add(marks.weight[row]);
    });
  });
  comm.broadcast(&count, sizeof(count));
  return count;
}

}  // namespace rhoflux::data
