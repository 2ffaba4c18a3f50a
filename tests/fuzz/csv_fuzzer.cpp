// Tables of text: importing gives a population file that reads back or an Error of bad input, and never half a
// file. A first line "#" and some characters is a comment to the importer and chooses the options here.

#include <cstdint>
#include <string>
#include <vector>

#include "import_check.hpp"
#include "import_options.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rhoflux::fuzz;
  start_mpi_and_hdf5();
  static const Folder folder;
  write_bytes(folder.file("in.csv"), data, size);
  const std::string text(reinterpret_cast<const char*>(data), size);
  rhoflux::importers::Options options;
  // Without such a line: the shares of validation and test rows.
  if (size > 0 && data[size - 1] % 4 == 0) options.split.val_fraction = options.split.test_fraction = 0.25;
  if (size > 1 && data[0] == '#') {
    const std::size_t end = std::min(text.find('\n'), size);
    Input choices(data + 1, end - 1);
    options = chosen_options(choices, names_in(text.substr(end)));
  }
  import_and_check(folder, "in.csv", options);
  return 0;
}
