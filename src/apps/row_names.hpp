#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/io/population.hpp"

namespace rhoflux::apps {

/// Writes /source_row (N), the row of the imported file that each row of an output came from, and /id (N) where the
/// population has names. On the root alone.
/// @param file_rows (N) rows of the population file, ascending
/// @param dimension the scale of the rows in the output, made before
void write_row_names(io::Hdf5Writer& output, const io::PopulationFile& population,
                     const std::vector<std::int64_t>& file_rows, const std::string& dimension);

}  // namespace rhoflux::apps
