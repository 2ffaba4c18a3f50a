#pragma once

namespace rhoflux {

/// Samples that one pass over the network handles: their activations stay in cache. Results do not depend on
/// it beyond rounding, but keep their bits only while it is the same.
constexpr int default_chunk_size = 128;

}  // namespace rhoflux
