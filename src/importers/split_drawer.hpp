#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rhoflux/importers/import.hpp"

namespace rhoflux::importers {

/// Draws which rows are for training, validation and testing (see import_population).
class SplitDrawer {
 public:
  /// Bad input for shares outside of [0, 1) that leave nothing for training.
  SplitDrawer(const SplitOptions& options, const std::string& input);

  bool is_on() const { return m_options.val_fraction + m_options.test_fraction > 0.0; }
  bool is_by_category() const { return is_on() && !m_options.by.empty(); }

  /// Counts a row. @param[in] category its code in the column SplitOptions::by, where there is one
  void count(double time_key, std::size_t category);

  /// After the last row. @param[in] names of the categories by code
  void decide(const std::vector<std::string>& names, const std::string& input);

  /// The split of the next row in order of time: 0 train, 1 val, 2 test.
  /// @param[in] source_row its row in the input, which with the seed decides
  std::int8_t draw(double time_key, std::int64_t source_row, std::size_t category);

  /// What was done, a line each.
  std::vector<std::string> notes() const { return m_notes; }

 private:
  /// Rows of one time that are still to come, and how many of them are to be test and validation rows.
  struct Rest {
    std::int64_t rows = 0, val = 0, test = 0;
  };
  using Shares = std::array<double, 3>;  ///< of train, val, test
  void decide_by_time();
  void note_categories(std::vector<std::vector<std::string>> members);
  void note_shares(const Shares& fractions, const Shares& missing, double total);
  void decide_by_category(const std::vector<std::string>& names, const std::string& input);

  SplitOptions m_options;
  std::map<double, Rest> m_times;  ///< empty once there are too many
  bool m_is_by_time = true;
  std::vector<std::int64_t> m_category_rows;
  std::vector<std::int8_t> m_category_split;
  std::vector<std::string> m_notes;
};

}  // namespace rhoflux::importers
