#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "rhoflux/core/error.hpp"

namespace rhoflux::network {

/// One named array inside the flat parameter vector: a column-major (rows, columns) matrix.
struct ParameterBlock {
  std::string name;
  int rows = 0;
  int columns = 0;
  int offset = 0;
  int size() const { return rows * columns; }
};

/// Where each parameter lives in one flat vector, so that the optimiser and the reduction over ranks see one
/// array. Blocks start at multiples of 16 entries; the gaps between them stay zero.
class ParameterLayout {
 public:
  /// Appends a block and returns its offset. Throws Error (bad input) if the vector becomes longer than an
  /// int can count.
  int add(const std::string& name, int rows, int columns) {
    constexpr int alignment = 16, longest = std::numeric_limits<int>::max() - alignment;
    if (std::int64_t{rows} * columns > longest - m_size)
      fail_input("the network is too large: with '" + name + "' (" + std::to_string(rows) + " x " +
                 std::to_string(columns) + ") it has more than " + std::to_string(longest) + " parameters");
    const ParameterBlock block{name, rows, columns, m_size};
    m_blocks.push_back(block);
    m_size += (block.size() + alignment - 1) / alignment * alignment;
    return block.offset;
  }
  const std::vector<ParameterBlock>& blocks() const { return m_blocks; }
  /// Length of the flat vector, gaps included.
  int size() const { return m_size; }
  /// Number of parameters proper.
  int count() const {
    int total = 0;
    for (const ParameterBlock& block : m_blocks) total += block.size();
    return total;
  }

 private:
  std::vector<ParameterBlock> m_blocks;
  int m_size = 0;
};

}  // namespace rhoflux::network
