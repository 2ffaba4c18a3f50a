#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::io {

/// One direction of a rectilinear grid.
struct FieldAxis {
  std::string name;
  std::vector<double> values;  ///< coordinates of the grid points, at least one
};

/// One quantity on the grid.
struct FieldArray {
  std::string name;      ///< of the dataset
  int n_components = 0;  ///< 0: scalars, shape (T, n1, ..); 1 to 3: vectors, shape (T, n1, .., n_components)
};

/// A number that depends on time alone.
struct FieldSeries {
  std::string name;            ///< of the dataset
  std::vector<double> values;  ///< (T)
};

/// What a field file holds; the same on every rank.
struct FieldLayout {
  std::vector<double> times;             ///< (T), at least one
  std::vector<FieldAxis> axes;           ///< 1 to 3
  std::vector<FieldArray> arrays;        ///< at least one
  std::vector<FieldSeries> series = {};  ///< any number
  int deflate = 4;                       ///< gzip level 0 (none) .. 9
};

/// Rows row_begin .. row_end of axis 1 with all of the other axes, at one time: one chunk of each dataset.
struct FieldSlab {
  std::int64_t time = 0;
  std::int64_t row_begin = 0;
  std::int64_t row_end = 0;
};

/// Values of each array in a slab, (n_arrays)(rows, n2, .., components) in C order.
using FieldValues = std::vector<std::vector<double>>;

/// Number of slabs of a field. A slab is about 512 KiB of each scalar, and at least one row.
std::int64_t slab_count(const FieldLayout& layout);

/// Slab k of 0 .. slab_count - 1, in the order of the file.
FieldSlab slab_of(const FieldLayout& layout, std::int64_t k);

/// Number of grid points of a slab.
std::int64_t point_count(const FieldLayout& layout, const FieldSlab& slab);

/// Evaluates a field over all ranks and writes it crash-safely, with an XDMF file beside it. Collective.
///
/// Datasets: /time (T), /axis_1 (n1) .. with the attribute name, one dataset for each array in chunks of one
/// slab, one of shape (T) for each series, and the group /view that `path`.xdmf points at: the points of the grid, and each array at each time
/// as ParaView and VisIt want it (virtual datasets, no copies). Slab k is computed and written by rank k mod
/// size; the contents do not depend on the number of ranks. Before the files get their names the root reads
/// everything again and compares it with what the ranks meant to write.
///
/// @param[in] path of the HDF5 file; it and path + ".xdmf" must be free, or regular files with overwrite
/// @param[in] annotate called on the root before the datasets are made, for attributes, deck and provenance
/// @param[in] compute called on each rank for its slabs; sizes as FieldValues says
/// @param[in] progress called on every rank with the share of slabs written, 0 to 1; may be empty
///
/// Errors are thrown on all ranks alike, that of the lowest rank, and leave neither a new nor a temporary
/// file: bad input if the layout is not as described or an output cannot be written where it should be, an
/// I/O failure if writing or reading back fails; what the functions throw passes through. After an error of its own HDF5 keeps the
/// temporary file open, for closing it might never return; so start_hdf5_without_end() has to come first. Where a rank fails in HDF5 and others
/// do not come out of the same call within ten seconds (longer in closing), MPI_Abort ends the job with exit code 4.
void write_field(const std::string& path, bool overwrite, const mpi::Communicator& comm,
                 const FieldLayout& layout, const std::function<void(Hdf5Writer&)>& annotate,
                 const std::function<FieldValues(const FieldSlab&)>& compute,
                 const std::function<void(double)>& progress);

}  // namespace rhoflux::io
