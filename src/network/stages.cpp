#include "rhoflux/network/stages.hpp"

namespace rhoflux::network {

StagedLayer::StagedLayer(const std::vector<int>& widths) {
  for (const int width : widths) m_offsets.push_back(m_offsets.back() + width);
}

std::vector<int> split_width(int width, int n_stages) {
  constexpr int vector_length = 16;
  const int unit = width >= 2 * vector_length * n_stages && width % vector_length == 0 ? vector_length : 1;
  std::vector<int> widths;
  for (int stage = 0; stage < n_stages; ++stage) {
    // Rounded up from the front: time, which every conditional sees, gets the larger share.
    const auto bound = [&](int s) { return ((width / unit) * s + n_stages - 1) / n_stages * unit; };
    widths.push_back(bound(stage + 1) - bound(stage));
  }
  return widths;
}

}  // namespace rhoflux::network
