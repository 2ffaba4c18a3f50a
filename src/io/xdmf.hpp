#pragma once

#include <string>

#include "rhoflux/io/field_file.hpp"

namespace rhoflux::io {

/// Adds the group /view to a field file whose datasets exist: what the XDMF description refers to.
///
/// XDMF readers take the last dimension of an array for the first direction of a rectilinear grid, while here
/// axis 1 comes first. So the grid is given as a curvilinear one by its points: /view/points (m1, m2, m3, 3)
/// are X, Y, Z = the coordinates along axes 1, 2, 3, zero where there is no such axis. (m1, m2, m3) is (n1,
/// ..) after as many ones as make three dimensions: ParaView's legacy reader misreads vectors on 2-D meshes.
/// /view/ARRAY_t shows an array at time t with the shape (m1, m2, m3), or (m1, m2, m3, 3) with zeros for the
/// components that a vector does not have.
void write_views(Hdf5Writer& file, const FieldLayout& layout);

/// The XDMF description of a field file as a series in time. A FieldSeries is a number of the whole grid at each time.
/// @param[in] file_name of the HDF5 file, in the folder of the description
std::string xdmf_text(const FieldLayout& layout, const std::string& file_name);

}  // namespace rhoflux::io
