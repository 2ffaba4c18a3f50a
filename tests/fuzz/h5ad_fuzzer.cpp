// AnnData: files as AnnData 0.7 to 0.11 write them in which objects and attributes are replaced, changed, removed
// and turned into links by the HDF5 library itself, so that each is HDF5 in order and AnnData out of order.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "hdf5_changes.hpp"
#include "import_check.hpp"
#include "import_options.hpp"
#include "rhoflux/io/anndata_writer.hpp"

namespace rhoflux::fuzz {
namespace {

template <class T>
void put(hid_t file, const std::string& name, hid_t type, const std::vector<T>& values) {
  const hsize_t extent = values.size();
  const Hdf5Handle space = own(H5Screate_simple(1, &extent, nullptr), H5Sclose);
  const Hdf5Handle dataset =
      own(H5Dcreate2(file, name.c_str(), type, space.id(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose);
  H5Dwrite(dataset.id(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
}

void put_attribute(hid_t file, const std::string& object, const std::string& name, const std::string& value) {
  const Hdf5Handle type = own(H5Tcopy(H5T_C_S1), H5Tclose), space = own(H5Screate(H5S_SCALAR), H5Sclose);
  H5Tset_size(type.id(), value.size());
  const Hdf5Handle attribute = own(H5Acreate_by_name(file, object.c_str(), name.c_str(), type.id(),
                                                     space.id(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                                   H5Aclose);
  H5Awrite(attribute.id(), type.id(), value.data());
}

/// X of four cells and three genes, by rows or by columns.
void put_sparse(hid_t file, const std::string& kind) {
  own(H5Gcreate2(file, "X", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  put_attribute(file, "X", "encoding-type", kind);
  const hsize_t two = 2;
  const Hdf5Handle space = own(H5Screate_simple(1, &two, nullptr), H5Sclose);
  const Hdf5Handle shape = own(H5Acreate_by_name(file, "X", "shape", H5T_NATIVE_INT64, space.id(),
                                                 H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                               H5Aclose);
  const std::array<std::int64_t, 2> extents = {4, 3};
  H5Awrite(shape.id(), H5T_NATIVE_INT64, extents.data());
  put<float>(file, "X/data", H5T_NATIVE_FLOAT, {1, 2, 3, 4});
  put<std::int32_t>(file, "X/indices", H5T_NATIVE_INT32, {0, 2, 1, 2});
  const std::vector<std::int32_t> rows = {0, 1, 2, 3, 4}, columns = {0, 1, 2, 4};
  put<std::int32_t>(file, "X/indptr", H5T_NATIVE_INT32, kind == "csr_matrix" ? rows : columns);
}

void write_study(const std::string& path, const std::string& kind) {
  io::AnnDataWriter writer(path, io::AnnDataWriter::Start::new_file);
  writer.frame("obs", {"a", "b", "c", "d"});
  writer.numbers("obs", "t", {0, 0, 1, 1});
  writer.categories("obs", "day", {0, 0, 1, 1}, {"day0", "day3"});
  writer.texts("obs", "word", {"one", "two", "one", "one"});
  writer.frame("var", {"g1", "g2", "g3"});
  writer.dictionary("obsm");
  writer.array("obsm/X_pca", std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}, {4, 2});
  writer.frame("obsm/axes", {"a", "b", "c", "d"});
  writer.numbers("obsm/axes", "first", {0, 1, 2, 3});
  if (kind == "array") writer.array("X", std::vector<double>(12, 1.5), {4, 3});
  writer.close();
  const Hdf5Handle file = own(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
  if (kind != "array") put_sparse(file.id(), kind);
  own(H5Gcreate2(file.id(), "obs/number", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  put_attribute(file.id(), "obs/number", "encoding-type", "nullable-integer");
  put<std::int64_t>(file.id(), "obs/number/values", H5T_NATIVE_INT64, {5, 6, 7, 8});
  put<std::int8_t>(file.id(), "obs/number/mask", H5T_NATIVE_INT8, {0, 0, 0, 0});
}

/// As AnnData 0.7 has categories: codes, and their names in a group beside the columns.
void write_old_study(const std::string& path) {
  write_study(path, "csr_matrix");
  const Hdf5Handle file = own(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
  H5Ldelete(file.id(), "obs/day", H5P_DEFAULT);
  own(H5Gcreate2(file.id(), "obs/__categories", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  const Hdf5Handle text = own(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(text.id(), 2);
  put<std::array<char, 2>>(file.id(), "obs/__categories/day", text.id(), {{'d', '0'}, {'d', '3'}});
  put<std::int8_t>(file.id(), "obs/day", H5T_NATIVE_INT8, {0, 0, 1, 1});
}

std::vector<Original> originals(const std::string& path) {
  std::vector<Original> made;
  for (const char* kind : {"csr_matrix", "csc_matrix", "array"}) {
    write_study(path, kind);
    made.push_back(describe(path));
  }
  write_old_study(path);
  made.push_back(describe(path));
  return made;
}

/// An object becomes a link: to itself, to another object, or to a file.
void make_link(Input& input, const Original& original, hid_t file) {
  const std::string& name = original.objects[input.below(original.objects.size())].name;
  const std::string& other = original.objects[input.below(original.objects.size())].name;
  H5Ldelete(file, name.c_str(), H5P_DEFAULT);
  const std::size_t kind = input.take<std::uint8_t>() % 4;
  if (kind == 0)
    H5Lcreate_external("/dev/null", "/x", file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
  else if (kind == 1)
    H5Lcreate_hard(file, other.c_str(), file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
  else
    H5Lcreate_soft(("/" + (kind == 2 ? name : other)).c_str(), file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
}

importers::Options options_of(Input& input) {
  static const std::vector<std::string> columns = {"t", "day", "word", "number", "index of obs"};
  static const char* const bases[] = {"X_pca", "X", "axes", "missing"};
  importers::Options options;
  options.time.column = "day";
  if (input.one_in(3)) {
    options = chosen_options(input, columns);
    options.delimiter = importers::Delimiter::automatic;
  }
  if (!input.one_in(2)) return options;
  options.basis = bases[input.take<std::uint8_t>() % 4];
  if (options.basis == "X") options.genes = {"g3", "g1"};
  return options;
}

}  // namespace
}  // namespace rhoflux::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rhoflux::fuzz;
  start_mpi_and_hdf5();
  static const Folder folder;
  static const std::string path = folder.file("in.h5ad");
  static const std::vector<Original> all = originals(path);
  Input input(data, size);
  const rhoflux::importers::Options options = options_of(input);
  const Original& original = all[input.below(all.size())];
  write_bytes(path, original.bytes.data(), original.bytes.size());
  {
    const Hdf5Handle file = own(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
    for (int k = 0; k < 6 && !input.is_at_end(); ++k) {
      if (input.one_in(6))
        make_link(input, original, file.id());
      else
        Changes(input, original, file.id()).apply();
    }
  }
  import_and_check(folder, "in.h5ad", options);
  return 0;
}
