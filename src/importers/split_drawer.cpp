#include "split_drawer.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/random.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::importers {

namespace {

constexpr std::size_t most_times = 100;  // more distinct times are events
constexpr const char* split_names[3] = {"train", "val", "test"};

/// FNV-1a, so that the order of the categories depends on their names and the seed alone.
std::uint64_t hash_of(const std::string& name) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

/// The share of a snapshot's rows: rounded, and one at least where it has four rows or more.
std::int64_t share_of_snapshot(double fraction, std::int64_t rows) {
  const auto rounded = static_cast<std::int64_t>(std::llround(fraction * static_cast<double>(rows)));
  return fraction > 0.0 && rows >= 4 ? std::max<std::int64_t>(1, rounded) : rounded;
}

}  // namespace

SplitDrawer::SplitDrawer(const SplitOptions& options, const std::string& input) : m_options(options) {
  const bool in_range = options.val_fraction >= 0.0 && options.test_fraction >= 0.0 &&
                        options.val_fraction + options.test_fraction < 1.0;
  if (!in_range)
    fail_input(input + ": the shares of --val (" + print_number(options.val_fraction) + ") and --test (" +
               print_number(options.test_fraction) +
               ") must be at least 0 and together less than 1, so that rows are left for training");
  if (!options.by.empty() && !is_on())
    fail_input(input +
               ": --split-by says what stays together in a split; give the shares with --val and --test");
}

void SplitDrawer::count(double time_key, std::size_t category) {
  if (!is_on()) return;
  if (is_by_category()) {
    if (category >= m_category_rows.size()) m_category_rows.resize(category + 1, 0);
    ++m_category_rows[category];
    return;
  }
  if (!m_is_by_time) return;
  ++m_times[time_key].rows;
  if (m_times.size() <= most_times) return;
  m_is_by_time = false;
  m_times.clear();
}

void SplitDrawer::decide(const std::vector<std::string>& names, const std::string& input) {
  if (!is_on()) return;
  if (is_by_category())
    decide_by_category(names, input);
  else if (m_is_by_time)
    decide_by_time();
}

void SplitDrawer::decide_by_time() {
  for (auto& [time, rest] : m_times) {
    rest.test = std::min(rest.rows, share_of_snapshot(m_options.test_fraction, rest.rows));
    rest.val = std::min(rest.rows - rest.test, share_of_snapshot(m_options.val_fraction, rest.rows));
  }
  if (m_times.size() > 1) m_notes.push_back("splits drawn within each time");
}

/// In an order that the seed decides, each category goes where the most rows are missing; a split with a share
/// gets one at least.
void SplitDrawer::decide_by_category(const std::vector<std::string>& names, const std::string& input) {
  const std::int64_t total = std::accumulate(m_category_rows.begin(), m_category_rows.end(), std::int64_t{0});
  const Shares fractions = {1.0 - m_options.val_fraction - m_options.test_fraction, m_options.val_fraction,
                            m_options.test_fraction};
  const auto n_splits = static_cast<std::size_t>(
      std::count_if(fractions.begin(), fractions.end(), [](double f) { return f > 0.0; }));
  if (m_category_rows.size() < n_splits)
    fail_input(input + ": the column '" + m_options.by + "' has " +
               counted(m_category_rows.size(), "different entry", "different entries") + ", fewer than the " +
               std::to_string(n_splits) + " splits");
  std::vector<std::size_t> order(m_category_rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const RandomStream random(m_options.seed, RandomPurpose::data_split, 1);
  const auto priority = [&](std::size_t k) {
    const std::uint64_t hash = hash_of(names[k]);
    return random.uniforms(hash & 0xffffffffffU, static_cast<std::uint32_t>(hash >> 40) & 0xffffffU).first;
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return priority(a) < priority(b) || (priority(a) == priority(b) && names[a] < names[b]);
  });
  m_category_split.assign(m_category_rows.size(), 0);
  Shares missing{};
  bool is_empty[3];
  for (std::size_t s = 0; s < 3; ++s) {
    missing[s] = fractions[s] * static_cast<double>(total);
    is_empty[s] = fractions[s] > 0.0;
  }
  std::vector<std::vector<std::string>> members(3);
  for (std::size_t k = 0; k < order.size(); ++k) {
    const std::size_t n_empty = static_cast<std::size_t>(std::count(is_empty, is_empty + 3, true));
    const bool must_fill = order.size() - k <= n_empty;
    std::size_t to = 0;
    double most = -1e300;
    for (std::size_t s = 0; s < 3; ++s) {
      if (fractions[s] <= 0.0 || (must_fill && !is_empty[s])) continue;
      if (missing[s] > most) {
        most = missing[s];
        to = s;
      }
    }
    m_category_split[order[k]] = static_cast<std::int8_t>(to);
    missing[to] -= static_cast<double>(m_category_rows[order[k]]);
    is_empty[to] = false;
    members[to].push_back(names[order[k]]);
  }
  note_categories(members);
  note_shares(fractions, missing, static_cast<double>(total));
}

/// Where the shares of rows are far from those asked for, since categories stay whole.
/// @param missing rows that each split has fewer than its share
void SplitDrawer::note_shares(const Shares& fractions, const Shares& missing, double total) {
  constexpr double far = 0.02;
  if (std::none_of(missing.begin(), missing.end(),
                   [&](double rows) { return std::fabs(rows) > far * total; }))
    return;
  std::vector<std::string> shares;
  for (std::size_t s = 0; s < 3; ++s)
    shares.push_back(std::string(split_names[s]) + " " +
                     formatted("%.1f", 100 * (fractions[s] - missing[s] / total)) + " % (asked for " +
                     formatted("%.1f", 100 * fractions[s]) + ")");
  m_notes.push_back("shares of the rows, as near as whole entries of " + m_options.by +
                    " come: " + joined(shares));
}

void SplitDrawer::note_categories(std::vector<std::vector<std::string>> members) {
  for (std::size_t s = 1; s < 3; ++s) {
    if (members[s].empty()) continue;
    std::sort(members[s].begin(), members[s].end());
    const bool is_long = members[s].size() > 8;
    if (is_long) members[s].resize(8);
    m_notes.push_back("split by " + m_options.by + ", " + split_names[s] + ": " + joined(members[s]) +
                      (is_long ? ", .." : ""));
  }
}

std::int8_t SplitDrawer::draw(double time_key, std::int64_t source_row, std::size_t category) {
  if (is_by_category()) return m_category_split[category];
  const double uniform = RandomStream(m_options.seed, RandomPurpose::data_split, 0)
                             .uniforms(static_cast<std::uint64_t>(source_row), 0)
                             .first;
  if (!m_is_by_time) {
    if (uniform < m_options.test_fraction) return 2;
    return uniform < m_options.test_fraction + m_options.val_fraction ? 1 : 0;
  }
  // Sequential sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S): exactly as many as decided.
  Rest& rest = m_times.at(time_key);
  const double level = uniform * static_cast<double>(rest.rows--);
  if (level < static_cast<double>(rest.test)) {
    --rest.test;
    return 2;
  }
  if (level < static_cast<double>(rest.test + rest.val)) {
    --rest.val;
    return 1;
  }
  return 0;
}

}  // namespace rhoflux::importers
