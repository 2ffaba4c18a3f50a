#pragma once

#include "rhoflux/checkpoint/training_state.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/network/parameter_layout.hpp"

namespace rhoflux::checkpoint {

/// All fields of a state, see for_each_field().
void write_state(io::Hdf5Writer& file, const TrainingState& state, const network::ParameterLayout& layout);

/// Reads and checks them. Throws Error (bad input).
/// @param format_version of the file
TrainingState read_state(const io::Hdf5Reader& file, std::int64_t format_version,
                         const network::ParameterLayout& layout);

}  // namespace rhoflux::checkpoint
