#pragma once

namespace rhoflux::network {

/// Columns of one evaluation: n samples, then n_tangents groups of n tangents, as extra columns of the same
/// matrix products. Column of sample s in group j (0: the values): j n + s.
struct Columns {
  int n_samples = 0;
  int n_tangents = 0;
  int total() const { return n_samples * (1 + n_tangents); }
};

}  // namespace rhoflux::network
