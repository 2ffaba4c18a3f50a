#pragma once

#include "rhoflux/checkpoint/model_description.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

namespace rhoflux::checkpoint {

/// The groups /model and /flux of a checkpoint.
void write_model(io::Hdf5Writer& file, const ModelDescription& model);

/// Reads and checks them; without /flux (version 1), a triangular flux. Throws Error (bad input).
ModelDescription read_model(const io::Hdf5Reader& file);

}  // namespace rhoflux::checkpoint
