// Arrays of NumPy. An input that begins as a ZIP archive does is the file itself; else the archive is in order and
// the headers and entries of its arrays are made of the input.

#include <zip.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "import_check.hpp"
#include "import_options.hpp"

namespace {

using rhoflux::fuzz::Input;

std::string dictionary(Input& input) {
  static const char* const types[] = {
      "'<f8'",           "'>f4'", "'<f2'",       "'|i1'",       "'<i8'",    "'>u2'",     "'<u8'",
      "'|b1'",           "'<U3'", "'>U1'",       "'|S4'",       "'<M8[D]'", "'<M8[ns]'", "'<M8[7ps]'",
      "'<M8[1000000W]'", "'|O'",  "'<U1048576'", "'|S1048576'", "'<f8'",    "'<c16'",    "[('a', '<f8')]",
      "'<f16'",          "''",    "'<U0'",       "'<M8'",       "'<i8"};
  static const std::int64_t extents[] = {2, 3, 4, 1, 0, 7, 1 << 20, std::int64_t{1} << 40, -1};
  const std::size_t n_types = std::size(types);
  std::string text = std::string("{'descr': ") + types[input.take<std::uint8_t>() % n_types] +
                     ", 'fortran_order': " + (input.one_in(4) ? "True" : "False") + ", 'shape': (";
  const std::size_t rank = input.take<std::uint8_t>() % 4;
  for (std::size_t k = 0; k < rank; ++k)
    text += std::to_string(extents[input.take<std::uint8_t>() % std::size(extents)]) +
            (k + 1 < rank || rank == 1 ? ", " : "");
  text += "), }";
  if (input.one_in(8)) {  // a part of it becomes other text
    const std::size_t place = input.below(text.size());
    text.replace(place, input.take<std::uint8_t>() % 8, input.text(input.take<std::uint8_t>() % 16));
  }
  return text;
}

/// A file of the format NPY.
std::string array(Input& input) {
  const std::string text = dictionary(input);
  const unsigned version = input.one_in(8) ? input.take<std::uint8_t>() : 1 + input.take<std::uint8_t>() % 3;
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  const auto length =
      static_cast<std::uint32_t>(input.one_in(16) ? input.take<std::uint32_t>() : text.size());
  for (int k = 0; k < (version == 1 ? 2 : 4); ++k) file += static_cast<char>(length >> (8 * k) & 255U);
  file += text;
  file += input.text(input.take<std::uint8_t>());
  if (input.one_in(4)) file.resize(file.size() + (std::size_t{1} << input.take<std::uint8_t>() % 24));
  return file;
}

void write_archive(const std::string& path, Input& input) {
  static const char* const names[] = {"x.npy", "t.npy", "weight.npy", "split.npy", "name.npy",
                                      "y.npy", "x",     "a/b.npy",    ".npy",      "x[0].npy"};
  std::remove(path.c_str());
  int code = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE, &code);
  if (archive == nullptr) std::abort();
  const std::size_t count = 1 + input.take<std::uint8_t>() % 4;
  std::vector<std::string> files;  // libzip reads them at its end
  files.reserve(count);
  for (std::size_t k = 0; k < count; ++k) {
    const char* name = input.one_in(4) ? names[input.take<std::uint8_t>() % std::size(names)] : names[k];
    files.push_back(array(input));
    zip_source_t* source = zip_source_buffer(archive, files.back().data(), files.back().size(), 0);
    const zip_int64_t index = zip_file_add(archive, name, source, ZIP_FL_ENC_UTF_8);
    if (index < 0)
      zip_source_free(source);  // a name twice
    else
      zip_set_file_compression(archive, static_cast<zip_uint64_t>(index),
                               input.one_in(2) ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 1);
  }
  if (zip_close(archive) != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rhoflux::fuzz;
  start_mpi_and_hdf5();
  static const Folder folder;
  const std::string path = folder.file("in.npz");
  Input input(data, size);
  rhoflux::importers::Options options;
  if (size > 1 && data[0] == 'P' && data[1] == 'K') {
    write_bytes(path, data, size);
  } else {
    if (input.one_in(3)) options = chosen_options(input, {"t", "name", "y", "x[0]", "x[9]", "weight"});
    options.delimiter = rhoflux::importers::Delimiter::automatic;
    write_archive(path, input);
  }
  import_and_check(folder, "in.npz", options);
  return 0;
}
