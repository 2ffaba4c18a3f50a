#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "table.hpp"

namespace rhoflux::importers {

/// Whether a text is UTF-8 (RFC 3629), as all texts of a population file are.
bool is_utf8(std::string_view text);

/// Bad input at `place` for a text that a population file cannot hold: not UTF-8, or longer than longest_text.
void require_text(const std::string& text, const std::string& what, const std::string& place);

/// Codes of the texts of a column, in the order in which they come up.
class Categories {
 public:
  /// The code of a text. Bad input, naming the row of the table, beyond what categories are for.
  std::int32_t code(const std::string& text, const std::string& column, const Table& table, std::int64_t row);

  const std::vector<std::string>& names() const { return m_names; }

  /// Sorts the names; new_code() then turns the codes given out into those of the sorted names.
  void sort();
  std::int32_t new_code(std::int32_t code) const { return m_new_codes[static_cast<std::size_t>(code)]; }

 private:
  std::unordered_map<std::string, std::int32_t> m_codes;
  std::vector<std::string> m_names;
  std::vector<std::int32_t> m_new_codes;
};

}  // namespace rhoflux::importers
