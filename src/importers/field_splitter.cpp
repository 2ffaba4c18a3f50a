#include "field_splitter.hpp"

#include <cstring>

namespace rhoflux::importers {

namespace {

bool is_blank_character(char c) {
  return c == ' ' || c == '\t';
}

}  // namespace

/// Reads a field in quotes, where "" stands for one quote; leaves `position` at the delimiter or the end.
FieldSplitter::Fault FieldSplitter::quoted(std::string_view line, std::size_t& position,
                                           std::string_view& field) {
  const std::size_t begin = ++position;
  std::string* unescaped = nullptr;
  for (; position < line.size(); ++position) {
    if (line[position] != '"') {
      if (unescaped != nullptr) *unescaped += line[position];
      continue;
    }
    if (position + 1 < line.size() && line[position + 1] == '"') {
      if (unescaped == nullptr) {
        if (m_n_unescaped == m_unescaped.size()) m_unescaped.emplace_back();
        unescaped = &m_unescaped[m_n_unescaped++];
        unescaped->assign(line.substr(begin, position - begin));
      }
      *unescaped += line[position++];
      continue;
    }
    field = unescaped != nullptr ? std::string_view(*unescaped) : line.substr(begin, position - begin);
    ++position;
    if (!is_blank())
      while (position < line.size() && line[position] == ' ') ++position;
    const bool is_at_delimiter = position == line.size() || line[position] == m_delimiter ||
                                 (is_blank() && is_blank_character(line[position]));
    return is_at_delimiter ? Fault::none : Fault::text_after_quote;
  }
  return Fault::open_quote;
}

FieldSplitter::Fault FieldSplitter::split(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  m_n_unescaped = 0;
  std::size_t position = 0;
  while (true) {
    while (position < line.size() && line[position] != m_delimiter && is_blank_character(line[position]))
      ++position;
    if (is_blank()) {
      while (position < line.size() && is_blank_character(line[position])) ++position;
      if (position == line.size()) return Fault::none;
    }
    if (fields.size() == most_fields) return Fault::too_many_fields;
    if (position < line.size() && line[position] == '"') {
      fields.emplace_back();
      const Fault fault = quoted(line, position, fields.back());
      if (fault != Fault::none) return fault;
    } else {
      std::size_t end = position;
      if (is_blank()) {
        while (end < line.size() && !is_blank_character(line[end])) ++end;
      } else if (position < line.size()) {
        const void* found = std::memchr(line.data() + position, m_delimiter, line.size() - position);
        end = found == nullptr ? line.size()
                               : static_cast<std::size_t>(static_cast<const char*>(found) - line.data());
      }
      std::string_view field = line.substr(position, end - position);
      while (!field.empty() && is_blank_character(field.back())) field.remove_suffix(1);
      fields.push_back(field);
      position = end;
    }
    if (position == line.size()) return Fault::none;
    ++position;
  }
}

std::size_t FieldSplitter::count(std::string_view line) {
  return split(line, m_counted) == Fault::none ? m_counted.size() : 0;
}

}  // namespace rhoflux::importers
