#pragma once

#include <vector>

#include "rhoflux/device/types.hpp"

namespace rhoflux::network {

/// Units of one layer grouped by degree: those of degree d are the contiguous rows [offset(d), offset(d+1)).
/// Sorting by degree turns the masks of MADE into blocks: a unit of degree d sees the rows [0, offset(d+1))
/// of the layer below, so the masked part is never stored and never multiplied.
class StagedLayer {
 public:
  StagedLayer() = default;
  explicit StagedLayer(const std::vector<int>& widths);

  int n_stages() const { return static_cast<int>(m_offsets.size()) - 1; }
  int size() const { return m_offsets.back(); }
  /// Rows of degree `stage`.
  Range rows(int stage) const {
    return {m_offsets[static_cast<std::size_t>(stage)], m_offsets[static_cast<std::size_t>(stage) + 1]};
  }
  /// Rows of degree at most `stage`.
  Range visible(int stage) const { return {0, m_offsets[static_cast<std::size_t>(stage) + 1]}; }

 private:
  std::vector<int> m_offsets = {0};
};

/// Splits `width` hidden units over `n_stages` degrees, as evenly as multiples of the vector length allow.
std::vector<int> split_width(int width, int n_stages);

}  // namespace rhoflux::network
