#include "row_texts.hpp"

#include <algorithm>
#include <numeric>

#include "rhoflux/core/error.hpp"

namespace rhoflux::importers {

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
    const unsigned first = byte(i);
    const std::size_t length = first < 0x80                    ? 1
                               : first >= 0xC2 && first < 0xE0 ? 2
                               : first >= 0xE0 && first < 0xF0 ? 3
                               : first >= 0xF0 && first < 0xF5 ? 4
                                                               : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k)
      if (byte(i + k) < 0x80 || byte(i + k) > 0xBF) return false;
    // Longer than need be, halves of UTF-16 pairs, and beyond U+10FFFF.
    if ((first == 0xE0 && byte(i + 1) < 0xA0) || (first == 0xED && byte(i + 1) > 0x9F) ||
        (first == 0xF0 && byte(i + 1) < 0x90) || (first == 0xF4 && byte(i + 1) > 0x8F))
      return false;
    i += length;
  }
  return true;
}

void require_text(const std::string& text, const std::string& what, const std::string& place) {
  if (text.size() > longest_text)
    fail_input(place + ": " + what + " has " + std::to_string(text.size()) + " bytes; allowed are " +
               std::to_string(longest_text));
  if (is_utf8(text)) return;
  std::string shown = text.substr(0, 60);
  for (char& c : shown)
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  fail_input(place + ": " + what + " ('" + shown +
             "') is not in UTF-8; save the file in UTF-8 (from Latin-1: iconv -f latin1 -t utf8)");
}

std::int32_t Categories::code(const std::string& text, const std::string& column, const Table& table,
                              std::int64_t row) {
  constexpr std::size_t most = 10000;
  const auto known = m_codes.find(text);
  if (known != m_codes.end()) return known->second;
  require_text(text, "the entry of the column '" + column + "'", table.place(row));
  if (m_names.size() == most)
    fail_input(table.place(row) + ": the column '" + column + "' has more than " + std::to_string(most) +
               " different entries, too many for categories; names of rows are given with --id-column");
  const auto code = static_cast<std::int32_t>(m_names.size());
  m_codes.emplace(text, code);
  m_names.push_back(text);
  return code;
}

void Categories::sort() {
  std::vector<std::size_t> order(m_names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return m_names[a] < m_names[b]; });
  m_new_codes.resize(order.size());
  std::vector<std::string> sorted;
  for (std::size_t k = 0; k < order.size(); ++k) {
    m_new_codes[order[k]] = static_cast<std::int32_t>(k);
    sorted.push_back(m_names[order[k]]);
  }
  m_names = std::move(sorted);
}

}  // namespace rhoflux::importers
