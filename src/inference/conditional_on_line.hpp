#pragma once

#include <cstddef>

#include "rhoflux/inference/quadrature.hpp"
#include "rhoflux/inference/verified_model.hpp"

namespace rhoflux::inference {

/// The conditional f_i as a function of x_i, the ratio of the marginals of i + 1 and of i leading coordinates, and its
/// distribution function.
/// @param model must outlive the result
/// @param given one state: of it the time and the i coordinates before count @param i from 0
DensityOnLine conditional_of(const VerifiedModel& model, const States& given, std::size_t i);

}  // namespace rhoflux::inference
