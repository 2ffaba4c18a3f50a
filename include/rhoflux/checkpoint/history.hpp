#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rhoflux::checkpoint {

/// One line of history.csv; a figure that a line does not have is NaN in memory and empty in the file.
struct HistoryRow {
  std::int64_t step = 0;
  double nll = 0;            ///< mean over the steps since the last line, standardised units
  double gradient_norm = 0;  ///< before clipping, of the last step
  double learning_rate = 0;
  double validation_nll = 0;
  /// Further figures by the name of their column: the other terms, and gradient norms term by term.
  std::vector<std::pair<std::string, double>> more;
};

/// A validation of a run.
struct ValidationFigure {
  std::int64_t step = 0;
  double nll = 0;  ///< of the validation rows, standardised units
};

/// The figures of a run so far. The file is written whole and safely, so that it has no gaps and no repeats
/// after a continuation.
class History {
 public:
  void add(const HistoryRow& row) { m_rows.push_back(row); }
  const std::vector<HistoryRow>& rows() const { return m_rows; }
  /// The validation of the smallest negative log-likelihood, the first of those, and the last; none: there was no validation.
  std::optional<ValidationFigure> smallest_validation() const;
  std::optional<ValidationFigure> last_validation() const;
  /// Names of the columns: the five fields, then those of `more` as they first appear.
  std::vector<std::string> columns() const;
  /// (rows, columns) numbers, and back.
  std::vector<double> to_numbers() const;
  static History from_numbers(const std::vector<std::string>& columns, const std::vector<double>& numbers);
  static const std::vector<std::string>& fields();

  /// Writes all rows to a CSV file, replacing it.
  void write_csv(const std::string& path) const;

 private:
  std::vector<HistoryRow> m_rows;
};

}  // namespace rhoflux::checkpoint
