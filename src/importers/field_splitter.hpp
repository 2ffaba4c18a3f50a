#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace rhoflux::importers {

/// Cuts a line of a table of text into fields.
class FieldSplitter {
 public:
  explicit FieldSplitter(char delimiter = ',') : m_delimiter(delimiter) {}

  /// Where a line cannot be cut.
  enum class Fault { none, open_quote, text_after_quote, too_many_fields };
  static constexpr std::size_t most_fields = std::size_t{1} << 19;

  /// @param[out] fields views of the line, or of this object where quotes were doubled; valid until the next call
  Fault split(std::string_view line, std::vector<std::string_view>& fields);

  /// The number of fields, quotes respected; 0 where the line cannot be cut.
  std::size_t count(std::string_view line);

  char delimiter() const { return m_delimiter; }
  bool is_blank() const { return m_delimiter == ' '; }

 private:
  Fault quoted(std::string_view line, std::size_t& position, std::string_view& field);

  char m_delimiter;
  std::deque<std::string> m_unescaped;  ///< fields with doubled quotes
  std::size_t m_n_unescaped = 0;
  std::vector<std::string_view> m_counted;
};

}  // namespace rhoflux::importers
