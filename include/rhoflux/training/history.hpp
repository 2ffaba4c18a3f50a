#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rhoflux::training {

/// One line of history.csv; a figure that a line does not have is NaN in memory and empty in the file.
struct HistoryRow {
  std::int64_t step = 0;
  double nll = 0;            ///< mean over the steps since the last line, standardised units
  double gradient_norm = 0;  ///< before clipping, of the last step
  double learning_rate = 0;
  double validation_nll = 0;
};

/// The figures of a run so far. The file is written whole and safely, so that it has no gaps and no repeats
/// after a continuation.
class History {
 public:
  void add(const HistoryRow& row) { m_rows.push_back(row); }
  const std::vector<HistoryRow>& rows() const { return m_rows; }
  /// (rows, 5) numbers in the order of the fields, and back.
  std::vector<double> to_numbers() const;
  static History from_numbers(const std::vector<double>& numbers);
  static constexpr int n_columns = 5;

  /// Writes all rows to a CSV file, replacing it.
  void write_csv(const std::string& path) const;

 private:
  std::vector<HistoryRow> m_rows;
};

}  // namespace rhoflux::training
