#include "rhoflux/parallel/gradient_buckets.hpp"

#include <algorithm>

namespace rhoflux::parallel {

void GradientUse::clear() {
  for (const Part& part : m_parts) m_part_of[static_cast<std::size_t>(part.entries.begin)] = -1;
  m_parts.clear();
  m_calls = 0;
}

void GradientUse::add(Range entries) {
  int& position = m_part_of[static_cast<std::size_t>(entries.begin)];
  if (position < 0) {
    position = static_cast<int>(m_parts.size());
    m_parts.push_back({entries, 0, 0});
  }
  Part& part = m_parts[static_cast<std::size_t>(position)];
  ++part.times;
  part.last = ++m_calls;
}

void GradientUse::sort() {
  std::sort(m_parts.begin(), m_parts.end(), [](const Part& a, const Part& b) { return a.last < b.last; });
  for (std::size_t k = 0; k < m_parts.size(); ++k)
    m_part_of[static_cast<std::size_t>(m_parts[k].entries.begin)] = static_cast<int>(k);
}

std::vector<Bucket> make_buckets(const std::vector<GradientUse::Part>& parts, int size, int n_buckets) {
  std::vector<Bucket> buckets(1);
  const auto add = [&](Range entries) {
    buckets.back().entries.push_back(entries);
    buckets.back().size += entries.size();
  };
  std::vector<Range> covered;
  for (const GradientUse::Part& part : parts) {
    if (buckets.back().size * n_buckets >= size) buckets.emplace_back();
    add(part.entries);
    ++buckets.back().n_parts;
    covered.push_back(part.entries);
  }
  std::sort(covered.begin(), covered.end(), [](Range a, Range b) { return a.begin < b.begin; });
  int end = 0;
  for (const Range entries : covered) {
    if (entries.begin > end) add({end, entries.begin});
    end = entries.end;
  }
  if (end < size) add({end, size});
  return buckets;
}

}  // namespace rhoflux::parallel
