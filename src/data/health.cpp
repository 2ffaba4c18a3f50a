#include "rhoflux/data/health.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "rhoflux/core/text.hpp"
#include "rhoflux/core/times.hpp"

namespace rhoflux::data {

namespace {

constexpr std::size_t most_snapshots = 100;    // more distinct times are events
constexpr std::size_t most_values = 10000;     // more distinct values are many
constexpr double few_values = 10;              // rows for each distinct value
constexpr double common_value = 0.05;          // share of the rows
constexpr std::size_t heavy_counters = 40;     // finds every value that more than 1 / 41 of the rows have
constexpr std::size_t quantile_rows = 100000;  // of which the quantiles are taken
constexpr double far_ranges = 15;              // interquartile ranges
constexpr std::int64_t most_findings = 8;      // of a kind
constexpr std::int64_t small_snapshot = 20;    // rows

std::string percent(double share) {
  return formatted("%.3g", 100 * share) + " %";
}

/// Values that more than 1 / (heavy_counters + 1) of a stream are among those that are left (Misra and Gries 1982).
class HeavyValues {
 public:
  void add(double value) {
    const auto found = m_counts.find(value);
    if (found != m_counts.end()) {
      ++found->second;
    } else if (m_counts.size() < heavy_counters) {
      m_counts.emplace(value, 1);
    } else {
      for (auto entry = m_counts.begin(); entry != m_counts.end();)
        entry = --entry->second == 0 ? m_counts.erase(entry) : std::next(entry);
    }
  }
  std::vector<double> values() const {
    std::vector<double> result;
    for (const auto& [value, count] : m_counts) result.push_back(value);
    return result;
  }

 private:
  std::unordered_map<double, std::int64_t> m_counts;
};

/// One coordinate, over all rows.
struct Coordinate {
  // First pass.
  std::unordered_set<double> values;  ///< no more than most_values + 1
  HeavyValues heavy;
  std::vector<double> sample;
  double smallest = 0, largest = 0;
  // Between the passes.
  double median = 0, range = 0;  ///< interquartile range
  // Second pass.
  std::map<double, std::int64_t> heavy_counts;
  std::int64_t n_far = 0, first_far = -1;
  double far_value = 0;

  bool has_few_values(double n_rows) const {
    return values.size() <= most_values && n_rows >= few_values * static_cast<double>(values.size());
  }
};

/// Rows at one time.
struct Snapshot {
  std::array<std::int64_t, 3> rows{};
  std::int64_t total() const { return rows[0] + rows[1] + rows[2]; }
};

using Kind = HealthFinding::Kind;

class Examination {
 public:
  explicit Examination(const io::PopulationFile& file)
      : m_file(file),
        m_names(file.info().dim_names),
        m_n_rows(static_cast<double>(file.info().n_rows)),
        m_coordinates(m_names.size()) {}

  std::vector<HealthFinding> run() {
    m_file.for_each_piece(io::Split::all, [&](const io::PopulationRows& rows) { look(rows); });
    for (Coordinate& coordinate : m_coordinates) find_quantiles(coordinate);
    m_file.for_each_piece(io::Split::all, [&](const io::PopulationRows& rows) { look_again(rows); });
    for (std::size_t k = 0; k < m_coordinates.size(); ++k) report_coordinate(k);
    report_times();
    add_the_rest();
    return m_findings;
  }

 private:
  void look(const io::PopulationRows& rows) {
    const std::size_t dims = m_coordinates.size();
    const auto stride = static_cast<std::int64_t>(std::ceil(m_n_rows / quantile_rows));
    for (std::size_t i = 0; i < rows.t.size(); ++i) {
      if (m_snapshots.size() <= most_snapshots)
        ++m_snapshots[rows.t[i]].rows[static_cast<std::size_t>(rows.split[i])];
      const bool is_sampled = rows.file_row[i] % stride == 0;
      for (std::size_t k = 0; k < dims; ++k) {
        Coordinate& coordinate = m_coordinates[k];
        const double x = rows.x[i * dims + k];
        if (coordinate.values.size() <= most_values) coordinate.values.insert(x);
        coordinate.heavy.add(x);
        if (is_sampled) coordinate.sample.push_back(x);
        if (rows.file_row[i] == 0) coordinate.smallest = coordinate.largest = x;
        coordinate.smallest = std::min(coordinate.smallest, x);
        coordinate.largest = std::max(coordinate.largest, x);
      }
    }
  }

  static void find_quantiles(Coordinate& coordinate) {
    std::vector<double>& sample = coordinate.sample;
    std::sort(sample.begin(), sample.end());
    const auto at = [&](double level) {
      return sample[static_cast<std::size_t>(level * static_cast<double>(sample.size() - 1))];
    };
    coordinate.median = at(0.5);
    coordinate.range = at(0.75) - at(0.25);
    for (const double value : coordinate.heavy.values()) coordinate.heavy_counts[value] = 0;
    sample = {};
  }

  void look_again(const io::PopulationRows& rows) {
    const std::size_t dims = m_coordinates.size();
    for (std::size_t i = 0; i < rows.t.size(); ++i) {
      for (std::size_t k = 0; k < dims; ++k) {
        Coordinate& coordinate = m_coordinates[k];
        const double x = rows.x[i * dims + k];
        const auto heavy = coordinate.heavy_counts.find(x);
        if (heavy != coordinate.heavy_counts.end()) ++heavy->second;
        if (!(coordinate.range > 0) || std::fabs(x - coordinate.median) <= far_ranges * coordinate.range)
          continue;
        if (coordinate.n_far++ == 0) {
          coordinate.first_far = rows.file_row[i];
          coordinate.far_value = x;
        }
      }
    }
  }

  /// "row 7 of the imported file (AAC-1)", rows from 0.
  std::string row_text(std::int64_t file_row) const {
    const io::PopulationInfo& info = m_file.info();
    std::string text = info.has_source_row ? "row " + std::to_string(m_file.source_rows({file_row})[0]) +
                                                 " (from 0) of the imported file"
                                           : "row " + std::to_string(file_row) + " (from 0)";
    if (info.has_id) text += ", " + m_file.ids({file_row})[0];
    return text;
  }

  void report_coordinate(std::size_t k) {
    const Coordinate& coordinate = m_coordinates[k];
    const std::string& name = m_names[k];
    const double spread = coordinate.largest - coordinate.smallest;
    if (spread == 0) {
      add(Kind::constant, name + " has the same value, " + print_number(coordinate.median) +
                              ", in every row: leave it out, a density needs it to vary");
      return;
    }
    const double magnitude = std::max(std::fabs(coordinate.largest), std::fabs(coordinate.smallest));
    if (spread < 1e-5 * magnitude)
      add(Kind::constant, name + " is nearly constant: it varies by " + formatted("%.3g", spread) +
                              " around " + formatted("%.6g", coordinate.median) +
                              ", which single precision hardly resolves");
    if (coordinate.has_few_values(m_n_rows)) {
      add(Kind::few_values, name + " has " + std::to_string(coordinate.values.size()) +
                                " distinct values in " + formatted("%.0f", m_n_rows) +
                                " rows: " + unbounded(name));
    } else {
      for (const auto& [value, count] : coordinate.heavy_counts)
        if (static_cast<double>(count) > common_value * m_n_rows && m_n_rows >= 100)
          add(Kind::few_values, name + " has the value " + print_number(value) + " in " +
                                    percent(static_cast<double>(count) / m_n_rows) +
                                    " of the rows: " + unbounded(name));
    }
    if (coordinate.n_far > 0)
      add(Kind::far_rows,
          name + ": " + std::to_string(coordinate.n_far) +
              (coordinate.n_far == 1 ? " row lies" : " rows lie") +
              " more than 15 interquartile ranges from "
              "the median, " +
              formatted("%.4g", coordinate.median) + "; the first is " + row_text(coordinate.first_far) +
              ", with " + name + " = " + formatted("%.6g", coordinate.far_value) +
              ". Such rows stretch the scale of the model: take them out if they are wrong, or train with "
              "data.standardise = robust");
  }

  static std::string unbounded(const std::string& name) {
    return "the likelihood of such data has no bound, so that its figures mean nothing; train with noise "
           "(training.noise), or import with --dequantise " +
           name;
  }

  void report_times() {
    if (m_snapshots.size() > most_snapshots) return;
    if (m_snapshots.size() == 1) {
      add(Kind::single_time, "all rows have the time " + time_text(m_snapshots.begin()->first) +
                                 ": a density can be learned, no motion");
      return;
    }
    // Few rows that are scattered over as many times are events, too.
    if (2 * m_snapshots.size() > static_cast<std::size_t>(m_n_rows)) return;
    std::vector<double> times;
    for (const auto& [t, snapshot] : m_snapshots) times.push_back(t);
    const std::vector<std::string> texts = distinct_texts(times);
    for (std::size_t k = 0; k < times.size(); ++k) m_time_texts[times[k]] = texts[k];
    std::array<bool, 3> is_used{};
    for (const auto& [t, snapshot] : m_snapshots)
      for (std::size_t s = 0; s < 3; ++s) is_used[s] = is_used[s] || snapshot.rows[s] > 0;
    for (const auto& [t, snapshot] : m_snapshots) {
      if (snapshot.total() < small_snapshot)
        add(Kind::small_snapshot, "t = " + m_time_texts.at(t) + " has " + std::to_string(snapshot.total()) +
                                      (snapshot.total() == 1 ? " row" : " rows") + " only");
      for (std::size_t s = 0; s < 3; ++s)
        if (is_used[s] && snapshot.rows[s] == 0)
          add(Kind::split_without_rows, "t = " + m_time_texts.at(t) + " has no rows in the split " +
                                            io::to_string(static_cast<io::Split>(s)));
    }
    report_numbers();
  }

  void report_numbers() {
    const auto less = [](const auto& a, const auto& b) { return a.second.total() < b.second.total(); };
    const auto [least, most] = std::minmax_element(m_snapshots.begin(), m_snapshots.end(), less);
    const auto low = static_cast<double>(least->second.total()),
               high = static_cast<double>(most->second.total());
    // Five standard deviations of the difference of two Poisson counts.
    if (high - low <= 5 * std::sqrt(high + low)) return;
    add(Kind::changing_numbers,
        "the number of rows changes from " + std::to_string(least->second.total()) +
            " (t = " + m_time_texts.at(least->first) + ") to " + std::to_string(most->second.total()) +
            " (t = " + m_time_texts.at(most->first) +
            "), more than sampling explains: without growth the model explains this by individuals that turn "
            "into others, so that fates and paths are wrong if cells divide or die; [model] growth = weights "
            "and [data] mass = counts take it into account (inputs/growth.cfg)");
  }

  /// The first findings of a kind; of data of very many coordinates the rest is counted.
  void add(Kind kind, const std::string& text) {
    if (++m_counts[kind] <= most_findings) m_findings.push_back({kind, text});
  }

  void add_the_rest() {
    for (const auto& [kind, count] : m_counts)
      if (count > most_findings)
        m_findings.push_back({kind, std::to_string(count - most_findings) + " more findings like these"});
  }

  const io::PopulationFile& m_file;
  std::vector<std::string> m_names;
  double m_n_rows;
  std::vector<Coordinate> m_coordinates;
  std::map<double, Snapshot> m_snapshots;  ///< of all times, while there are few
  std::map<double, std::string> m_time_texts;
  std::map<Kind, std::int64_t> m_counts;
  std::vector<HealthFinding> m_findings;
};

}  // namespace

std::vector<HealthFinding> population_health(const io::PopulationFile& file, const mpi::Communicator& comm) {
  std::vector<HealthFinding> findings;
  mpi::on_root(comm, [&] { findings = Examination(file).run(); });
  auto count = static_cast<std::int64_t>(findings.size());
  comm.broadcast(&count, sizeof(count));
  findings.resize(static_cast<std::size_t>(count));
  for (HealthFinding& finding : findings) {
    comm.broadcast(&finding.kind, sizeof(finding.kind));
    comm.broadcast(finding.text);
  }
  return findings;
}

}  // namespace rhoflux::data
