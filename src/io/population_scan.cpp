#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "population_format.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/io/population.hpp"

/// The one pass over all rows with which a population file is opened.
namespace rhoflux::io {

namespace {

/// Finds the smallest row of each kind of fault; max() where there is none.
class Faults {
 public:
  enum Kind {
    t_not_finite,
    x_not_finite,
    weight_invalid,
    split_invalid,
    t_unsorted,
    condition_invalid,
    n_kinds
  };

  Faults() { m_first.fill(none); }

  void add(Kind kind, std::int64_t row) {
    m_first[static_cast<std::size_t>(kind)] = std::min(m_first[static_cast<std::size_t>(kind)], row);
  }

  /// Collective: the smallest row over all ranks; throws on all of them if there is a fault.
  /// @param conditions known categories, for the message
  void report(const std::string& path, const mpi::Communicator& comm, const std::string& conditions) const {
    std::array<std::int64_t, n_kinds> first{};
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = -m_first[i];
    comm.max(first.data(), static_cast<int>(first.size()));
    static const std::array<const char*, n_kinds> texts = {
        ", 't': not a finite number in ",
        ", 'x': not a finite number in ",
        ", 'weight': negative or not finite in ",
        ", 'split': not 0 (train), 1 (val) or 2 (test) in ",
        ", 't': not sorted: smaller than the row before in ",
        ", 'condition': a number that is not finite, or a category that is not known, in "};
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (-first[i] == none) continue;
      const std::string hint = i == t_unsorted          ? "; import the data again"
                               : i == condition_invalid ? "; known categories: " + conditions
                                                        : "";
      fail_input(path + texts[i] + row_text(-first[i]) + hint);
    }
  }

 private:
  static constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
  std::array<std::int64_t, n_kinds> m_first{};
};

}  // namespace

/// What one rank finds while it reads its share of the rows.
class PopulationFile::Scan {
 public:
  Scan(PopulationFile& file, double t_before)
      : m_file(file), m_held_out(file.m_hold_out_conditions.size(), 0), m_previous_t(t_before) {}

  void add(std::int64_t first_row, const FileRows& rows) {
    const auto n_dims = static_cast<std::size_t>(m_file.m_info.n_dims);
    for (std::size_t i = 0; i < rows.t.size(); ++i) {
      const std::int64_t row = first_row + static_cast<std::int64_t>(i);
      add_time(row, rows.t[i]);
      for (std::size_t k = 0; k < n_dims; ++k) {
        if (!std::isfinite(rows.x[i * n_dims + k])) m_faults.add(Faults::x_not_finite, row);
      }
      add_weight(row, rows.weight.empty() ? 1.0 : rows.weight[i]);
      const double* condition = rows.conditions.data() + i * m_file.m_conditions.size();
      add_condition(row, condition);
      add_split(row, rows.split.empty() ? 0 : rows.split[i], m_file.is_held_out(rows.t[i], condition));
      for (std::size_t k = 0; k < m_held_out.size(); ++k)
        m_held_out[k] += m_file.has_condition(condition, m_file.m_hold_out_conditions[k]) ? 1 : 0;
    }
  }

  /// Collective: throws on all ranks if any found a fault, and completes the file's info.
  void finish() {
    const mpi::Communicator& comm = m_file.m_comm;
    std::vector<std::string> categories;
    for (const ConditionColumn& column : m_file.m_conditions)
      if (!column.categories.empty())
        categories.push_back(column.name + " (" + joined(column.categories, " | ") + ")");
    m_faults.report(m_file.m_path, comm, joined(categories));
    comm.min(&m_t_min, 1);
    comm.max(&m_t_max, 1);
    comm.max(&m_largest_weight, 1);
    if (m_largest_weight == 0.0) {
      fail_input(m_file.m_path + ", 'weight': every weight is zero; at least one must be positive");
    }
    m_file.m_info.t_min = m_t_min;
    m_file.m_info.t_max = m_t_max;
    auto& blocks = m_file.m_block_counts;
    comm.sum(blocks.front().data(), static_cast<int>(4 * blocks.size()));
    for (const auto& counts : blocks) {
      for (std::size_t s = 0; s < 3; ++s) m_file.m_info.split_count[s] += counts[s];
    }
    comm.sum(m_held_out.data(), static_cast<int>(m_held_out.size()));
  }

  /// Rows of each condition that is held out, of all ranks after finish().
  const std::vector<std::int64_t>& held_out_rows() const { return m_held_out; }

 private:
  void add_time(std::int64_t row, double t) {
    if (!std::isfinite(t)) m_faults.add(Faults::t_not_finite, row);
    if (t < m_previous_t) m_faults.add(Faults::t_unsorted, row);
    m_previous_t = t;
    m_t_min = std::min(m_t_min, t);
    m_t_max = std::max(m_t_max, t);
  }

  void add_weight(std::int64_t row, double weight) {
    if (!std::isfinite(weight) || weight < 0.0) m_faults.add(Faults::weight_invalid, row);
    m_largest_weight = std::max(m_largest_weight, weight);
  }

  void add_condition(std::int64_t row, const double* condition) {
    for (std::size_t k = 0; k < m_file.m_conditions.size(); ++k) {
      const auto n_categories = static_cast<double>(m_file.m_conditions[k].categories.size());
      const bool is_code = n_categories == 0 || (condition[k] >= 0 && condition[k] < n_categories);
      if (!std::isfinite(condition[k]) || !is_code) m_faults.add(Faults::condition_invalid, row);
    }
  }

  void add_split(std::int64_t row, int split, bool is_held_out) {
    if (split < 0 || split > 2) {
      m_faults.add(Faults::split_invalid, row);
    } else {
      ++m_file.m_block_counts[static_cast<std::size_t>(row / m_file.m_block_rows)]
                             [is_held_out ? held_out : static_cast<std::size_t>(split)];
    }
  }

  PopulationFile& m_file;
  std::vector<std::int64_t> m_held_out;
  Faults m_faults;
  double m_previous_t;
  double m_t_min = std::numeric_limits<double>::infinity();
  double m_t_max = -std::numeric_limits<double>::infinity();
  double m_largest_weight = 0.0;
};

/// Checks every row, and counts the splits in blocks of rows so that a row of a split can be found again.
void PopulationFile::scan() {
  const std::int64_t n = m_info.n_rows;
  m_block_rows = std::max<std::int64_t>(4096, (n + 1023) / 1024);
  m_block_counts.assign(static_cast<std::size_t>((n + m_block_rows - 1) / m_block_rows), {});

  const mpi::Share share = mpi::share_of(n, m_comm.rank(), m_comm.size());
  const double before_all = -std::numeric_limits<double>::infinity();
  std::unique_ptr<Scan> found;
  mpi::on_every_rank(m_comm, [&] {
    const bool has_row_before = share.begin > 0 && share.size() > 0;
    found = std::make_unique<Scan>(
        *this, has_row_before ? read_slab<double>(m_t, share.begin - 1, 1, 1)[0] : before_all);
    for (std::int64_t first = share.begin; first < share.end; first += piece_rows()) {
      found->add(first, read_rows(first, std::min(piece_rows(), share.end - first)));
    }
  });
  found->finish();
  require_held_out_rows(found->held_out_rows());
}

}  // namespace rhoflux::io
