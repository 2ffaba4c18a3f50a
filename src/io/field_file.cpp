#include "rhoflux/io/field_file.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "hdf5_types.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "shared_write_watch.hpp"
#include "xdmf.hpp"

namespace rhoflux::io {

namespace {

constexpr ExitCode writing = ExitCode::io_failure;
constexpr std::int64_t slab_bytes = 512 * 1024;

std::int64_t size_of(const std::vector<double>& values) {
  return static_cast<std::int64_t>(values.size());
}

/// Grid points in one row of axis 1.
std::int64_t row_points(const FieldLayout& layout) {
  std::int64_t count = 1;
  for (std::size_t k = 1; k < layout.axes.size(); ++k) count *= size_of(layout.axes[k].values);
  return count;
}

std::int64_t rows_per_slab(const FieldLayout& layout) {
  const auto row_bytes = row_points(layout) * static_cast<std::int64_t>(sizeof(double));
  return std::clamp<std::int64_t>(slab_bytes / row_bytes, 1, size_of(layout.axes[0].values));
}

std::int64_t slabs_per_time(const FieldLayout& layout) {
  const std::int64_t rows = rows_per_slab(layout);
  return (size_of(layout.axes[0].values) + rows - 1) / rows;
}

/// Numbers of one array at a grid point.
std::int64_t width(const FieldArray& array) {
  return std::max(array.n_components, 1);
}

/// (n_times, n_rows, n2, ..[, n_components])
Shape array_shape(const FieldLayout& layout, const FieldArray& array, std::int64_t n_times,
                  std::int64_t n_rows) {
  Shape shape = {n_times, n_rows};
  for (std::size_t k = 1; k < layout.axes.size(); ++k) shape.push_back(size_of(layout.axes[k].values));
  if (array.n_components > 0) shape.push_back(array.n_components);
  return shape;
}

Box box_of(const FieldLayout& layout, const FieldArray& array, const FieldSlab& slab) {
  Box box;
  box.count = array_shape(layout, array, 1, slab.row_end - slab.row_begin);
  box.start.assign(box.count.size(), 0);
  box.start[0] = slab.time;
  box.start[1] = slab.row_begin;
  return box;
}

bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

void validate(const std::string& path, const FieldLayout& layout) {
  if (layout.times.empty() || !all_finite(layout.times))
    fail_input(path + ": a field needs at least one time, and finite times");
  if (layout.axes.empty() || layout.axes.size() > 3)
    fail_input(path + ": a field has 1 to 3 axes, not " + std::to_string(layout.axes.size()));
  for (const FieldAxis& axis : layout.axes) {
    if (axis.values.empty() || !all_finite(axis.values))
      fail_input(path + ", axis '" + axis.name + "': needs at least one point, and finite coordinates");
  }
  if (layout.arrays.empty()) fail_input(path + ": a field needs at least one array");
  for (const FieldArray& array : layout.arrays) {
    if (array.name.empty() || array.name.find('/') != std::string::npos)
      fail_input(path + ", array '" + array.name + "': needs a name without /");
    if (array.n_components < 0 || array.n_components > 3)
      fail_input(path + ", '" + array.name + "': has 0 (a scalar) to 3 components, not " +
                 std::to_string(array.n_components));
  }
  for (const FieldSeries& series : layout.series)
    if (series.values.size() != layout.times.size())
      fail_input(path + ", '" + series.name + "': has " + std::to_string(series.values.size()) +
                 " numbers, there are " + std::to_string(layout.times.size()) + " times");
}

/// Names and positions of the dimensions of every array.
void write_scales(Hdf5Writer& file, const FieldLayout& layout) {
  bool has_components = false;
  for (const FieldArray& array : layout.arrays) has_components = has_components || array.n_components > 0;
  std::vector<std::string> axis_names;
  for (const FieldAxis& axis : layout.axes) axis_names.push_back(axis.name);
  if (has_components) file.write_strings("component", axis_names);
  file.set_scale("time", 0, "time");
  for (const FieldSeries& series : layout.series) file.set_scale(series.name, 0, "time");
  for (const FieldArray& array : layout.arrays) {
    const auto n_axes = static_cast<int>(layout.axes.size());
    file.set_scale(array.name, 0, "time");
    for (int k = 1; k <= n_axes; ++k) file.set_scale(array.name, k, "axis_" + std::to_string(k));
    // The components are those of a vector along the axes, where there are as many.
    if (array.n_components == n_axes) file.set_scale(array.name, n_axes + 1, "component");
  }
}

void create_file(const std::string& path, const FieldLayout& layout,
                 const std::function<void(Hdf5Writer&)>& annotate) {
  Hdf5Writer file(path);
  annotate(file);
  file.write("time", layout.times, {size_of(layout.times)});
  for (std::size_t k = 0; k < layout.axes.size(); ++k) {
    const FieldAxis& axis = layout.axes[k];
    const std::string name = "axis_" + std::to_string(k + 1);
    file.write(name, axis.values, {size_of(axis.values)});
    file.attribute(name, "name", axis.name);
  }
  for (const FieldArray& array : layout.arrays) {
    DatasetOptions options;
    options.deflate = layout.deflate;
    options.chunk = array_shape(layout, array, 1, rows_per_slab(layout));
    file.create_dataset<double>(
        array.name, array_shape(layout, array, size_of(layout.times), size_of(layout.axes[0].values)),
        options);
  }
  for (const FieldSeries& series : layout.series)
    file.write(series.name, series.values, {size_of(layout.times)});
  write_scales(file, layout);
  write_views(file, layout);
  file.close();
}

/// Sum of the bit patterns modulo 2^64, each times an odd number that tells its place in the dataset: values
/// that are lost, changed or swapped change it, the order of summation does not.
std::uint64_t fingerprint(const FieldLayout& layout, const FieldArray& array, const FieldSlab& slab,
                          const std::vector<double>& values) {
  const std::int64_t row = slab.time * size_of(layout.axes[0].values) + slab.row_begin;
  std::uint64_t place = 2 * static_cast<std::uint64_t>(row * row_points(layout) * width(array)) + 1;
  std::uint64_t sum = 0;
  for (const double value : values) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    sum += bits * place;
    place += 2;
  }
  return sum;
}

/// Numbers of all arrays together.
double number_count(const FieldLayout& layout) {
  double numbers = 0;
  for (const FieldArray& array : layout.arrays)
    numbers += static_cast<double>(layout.times.size()) *
               static_cast<double>(size_of(layout.axes[0].values)) *
               static_cast<double>(row_points(layout) * width(array));
  return numbers;
}

/// The datasets of a field file, opened by all ranks. Every member is collective. Where HDF5 has failed on any rank, file and
/// datasets stay open: closing them might never return (SharedWriteWatch).
class SharedDatasets {
 public:
  /// @param files temporary ones: the field, and what is removed with it where the job has to be ended
  SharedDatasets(const std::vector<std::string>& files, const mpi::Communicator& comm,
                 const FieldLayout& layout)
      : m_path(files.front()),
        m_comm(comm),
        m_layout(layout),
        m_watch(m_path, [files](const std::string& error) { end_shared_write(files, error); }) {
    open();
  }
  ~SharedDatasets() {
    if (m_file) watch_closing();  // what is no file of HDF5 has failed
  }
  SharedDatasets(const SharedDatasets&) = delete;
  SharedDatasets& operator=(const SharedDatasets&) = delete;

  /// @param[in] slab of this rank, or null: this rank has none, but HDF5 wants every rank in the call where
  /// filters are set
  void write(std::size_t index, const FieldSlab* slab, const std::vector<double>& values) {
    together([&] {
      const FieldArray& array = m_layout.arrays[index];
      const std::string what = what_of(array) + ": cannot write the dataset";
      const hid_t dataset = m_datasets[index].id();
      const Hdf5Handle space = own_hdf5(H5Dget_space(dataset), H5Sclose, writing, what);
      const Hdf5Handle memory = make_space({size_of(values)}, writing, what);
      if (slab == nullptr) {
        check_hdf5(H5Sselect_none(space.id()), writing, what);
      } else {
        const Box box = box_of(m_layout, array, *slab);
        select_box(space.id(), box.start, box.count, writing, what);
      }
      check_hdf5(
          H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory.id(), space.id(), m_transfer.id(), values.data()),
          writing, what);
    });
  }

  /// Throws if the last data could not be written.
  void close() {
    watch_closing();
    together([&] {
      const std::string what = m_path + ": cannot close the file";
      for (Hdf5Handle& dataset : m_datasets) check_hdf5(dataset.reset(), writing, what);
      check_hdf5(m_file.reset(), writing, what);
    });
  }

 private:
  void open() {
    together([&] {
      const std::string what = m_path + ": cannot open the file for parallel writing";
      const Hdf5Handle access = own_hdf5(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, writing, what);
      check_hdf5(H5Pset_fapl_mpio(access.id(), m_comm.handle(), MPI_INFO_NULL), writing, what);
      m_file = own_hdf5(H5Fopen(m_path.c_str(), H5F_ACC_RDWR, access.id()), H5Fclose, writing, what);
      m_transfer = own_hdf5(H5Pcreate(H5P_DATASET_XFER), H5Pclose, writing, what);
      check_hdf5(H5Pset_dxpl_mpio(m_transfer.id(), H5FD_MPIO_COLLECTIVE), writing, what);
    });
    m_watch.opened();
    together([&] {
      for (const FieldArray& array : m_layout.arrays) {
        m_datasets.push_back(own_hdf5(H5Dopen2(m_file.id(), array.name.c_str(), H5P_DEFAULT), H5Dclose,
                                      writing, what_of(array) + ": cannot open the dataset"));
      }
    });
  }

  /// Work of all ranks in HDF5; a rank that fails in it does not wait for ever for those that do not come out.
  void together(const std::function<void()>& work) {
    try {
      mpi::on_every_rank(m_comm, [&] {
        try {
          work();
        } catch (const std::exception& error) {
          if (m_comm.size() > 1) m_watch.expect_end(error.what());
          throw;
        }
      });
    } catch (...) {
      if (m_comm.size() > 1) abandon();
      throw;
    }
  }
  void abandon() {
    for (Hdf5Handle& dataset : m_datasets) dataset.abandon();
    m_file.abandon();
  }
  void watch_closing() {
    if (m_comm.size() == 1) return;
    // Five minutes, and a second for ten megabytes: closing sends what the machine has kept back to a network file system.
    const auto patience =
        std::chrono::seconds(300 + static_cast<std::int64_t>(number_count(m_layout) * 8 / 1e7));
    const auto turn = std::chrono::seconds(m_comm.is_root() ? 0 : 15);  // one speaks, and ends the others
    m_watch.expect_end(m_path + ": cannot close the file: some ranks have not done so in " +
                           std::to_string(patience.count()) + " s",
                       patience + turn);
  }
  std::string what_of(const FieldArray& array) const { return m_path + ", '" + array.name + "'"; }

  std::string m_path;
  const mpi::Communicator& m_comm;
  const FieldLayout& m_layout;
  SharedWriteWatch m_watch;
  Hdf5Handle m_file, m_transfer;
  std::vector<Hdf5Handle> m_datasets;
};

FieldValues compute_checked(const FieldLayout& layout, const FieldSlab& slab,
                            const std::function<FieldValues(const FieldSlab&)>& compute) {
  FieldValues values = compute(slab);
  bool right = values.size() == layout.arrays.size();
  for (std::size_t i = 0; right && i < values.size(); ++i)
    right = size_of(values[i]) == point_count(layout, slab) * width(layout.arrays[i]);
  if (!right) fail_io("a slab of a field was computed with a number of values that is not its own");
  return values;
}

/// Computes and writes all slabs; gives the fingerprint of each array, the same on all ranks.
std::vector<std::uint64_t> write_slabs(const std::vector<std::string>& files, const mpi::Communicator& comm,
                                       const FieldLayout& layout,
                                       const std::function<FieldValues(const FieldSlab&)>& compute,
                                       const std::function<void(double)>& progress) {
  SharedDatasets datasets(files, comm, layout);
  const std::size_t n_arrays = layout.arrays.size();
  const std::int64_t n_slabs = slab_count(layout);
  std::vector<std::uint64_t> sums(n_arrays, 0);
  for (std::int64_t first = 0; first < n_slabs; first += comm.size()) {
    const std::int64_t k = first + comm.rank();
    const bool busy = k < n_slabs;
    const FieldSlab slab = busy ? slab_of(layout, k) : FieldSlab{};
    FieldValues values(n_arrays);
    mpi::on_every_rank(comm, [&] {
      if (busy) values = compute_checked(layout, slab, compute);
    });
    for (std::size_t i = 0; i < n_arrays; ++i) {
      datasets.write(i, busy ? &slab : nullptr, values[i]);
      if (busy) sums[i] += fingerprint(layout, layout.arrays[i], slab, values[i]);
    }
    const std::int64_t done = std::min<std::int64_t>(first + comm.size(), n_slabs);
    mpi::on_every_rank(comm, [&] {
      if (progress) progress(static_cast<double>(done) / static_cast<double>(n_slabs));
    });
  }
  datasets.close();
  comm.sum(sums.data(), static_cast<int>(sums.size()));
  return sums;
}

/// Reads a field file again: checksums of everything, and the fingerprint of each array.
void verify_field(const std::string& path, const FieldLayout& layout,
                  const std::vector<std::uint64_t>& expected) {
  read_back_check(path);
  const Hdf5Reader file(path);
  for (std::size_t i = 0; i < layout.arrays.size(); ++i) {
    const FieldArray& array = layout.arrays[i];
    std::uint64_t found = 0;
    for (std::int64_t k = 0; k < slab_count(layout); ++k) {
      const FieldSlab slab = slab_of(layout, k);
      const Box box = box_of(layout, array, slab);
      found += fingerprint(layout, array, slab, file.read_slab<double>(array.name, box.start, box.count));
    }
    if (found != expected[i])
      fail_io(path + ", '" + array.name + "': the values in the file are not those that were written");
  }
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream << text;
  stream.close();
  if (!stream) fail_io(path + ": cannot write the file");
}

void verify_text(const std::string& path, const std::string& expected) {
  std::ifstream stream(path, std::ios::binary);
  const std::string found{std::istreambuf_iterator<char>(stream), {}};
  if (!stream || found != expected) fail_io(path + ": the text in the file is not the one that was written");
}

}  // namespace

std::int64_t slab_count(const FieldLayout& layout) {
  return size_of(layout.times) * slabs_per_time(layout);
}

FieldSlab slab_of(const FieldLayout& layout, std::int64_t k) {
  const std::int64_t rows = rows_per_slab(layout);
  const std::int64_t begin = k % slabs_per_time(layout) * rows;
  return {k / slabs_per_time(layout), begin, std::min(begin + rows, size_of(layout.axes[0].values))};
}

std::int64_t point_count(const FieldLayout& layout, const FieldSlab& slab) {
  return (slab.row_end - slab.row_begin) * row_points(layout);
}

void write_field(const std::string& path, bool overwrite, const mpi::Communicator& comm,
                 const FieldLayout& layout, const std::function<void(Hdf5Writer&)>& annotate,
                 const std::function<FieldValues(const FieldSlab&)>& compute,
                 const std::function<void(double)>& progress) {
  silence_hdf5();
  mpi::on_every_rank(comm, [&] { validate(path, layout); });
  std::optional<PendingFile> data, description;  // on the root
  std::string temporary, temporary_description;
  mpi::on_root(comm, [&] {
    data.emplace(path, overwrite);
    description.emplace(path + ".xdmf", overwrite);
    temporary = data->temporary();
    temporary_description = description->temporary();
    create_file(temporary, layout, annotate);
  });
  comm.broadcast(temporary);
  comm.broadcast(temporary_description);
  const std::vector<std::uint64_t> sums =
      write_slabs({temporary, temporary_description}, comm, layout, compute, progress);
  mpi::on_root(comm, [&] {
    const std::string text = xdmf_text(layout, std::filesystem::path(path).filename().string());
    write_text(description->temporary(), text);
    description->sync_and_verify([&](const std::string& name) { verify_text(name, text); });
    data->sync_and_verify([&](const std::string& name) { verify_field(name, layout, sums); });
    data->publish();
    description->publish();
  });
}

}  // namespace rhoflux::io
