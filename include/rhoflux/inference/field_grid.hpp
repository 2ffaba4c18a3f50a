#pragma once

#include <cstdint>
#include <vector>

#include "rhoflux/inference/inference.hpp"
#include "rhoflux/io/field_file.hpp"
#include "rhoflux/metrics/statistics.hpp"

namespace rhoflux::inference {

/// Intervals of some coordinates that hold all but 1/500 of 8192 model samples spread over the time range,
/// and a tenth of their width more on each side; units of the data.
/// @param dims coordinates, from 0
std::vector<metrics::Interval> bounds_of_samples(const Inference& inference, const std::vector<int>& dims,
                                                 std::uint64_t seed);

/// n points from one end of an interval to the other, evenly spaced; its middle for n = 1.
std::vector<double> even_points(const metrics::Interval& bounds, std::int64_t n);

/// Grid points of a slab, (n, n_axes) in C order, axis 1 slowest.
std::vector<double> points_of(const io::FieldLayout& layout, const io::FieldSlab& slab);

}  // namespace rhoflux::inference
