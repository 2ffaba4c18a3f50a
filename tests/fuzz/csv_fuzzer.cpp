// CSV files: importing gives a population file or an Error of bad input, and never half a file.

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "rhoflux/core/error.hpp"
#include "rhoflux/importers/import.hpp"
#include "rhoflux/io/population.hpp"

namespace {

struct Folder {
  std::filesystem::path path;
  Folder() {
    const char* memory = "/dev/shm";
    const std::filesystem::path parent =
        std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    path = parent / ("rhoflux_csv_fuzzer." + std::to_string(::getpid()));
    std::filesystem::create_directory(path);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  const std::string input = folder.path / "in.csv", output = folder.path / "out.h5";
  std::FILE* file = std::fopen(input.c_str(), "wb");
  if (file == nullptr || std::fwrite(data, 1, size, file) != size || std::fclose(file) != 0) std::abort();
  rhoflux::importers::Options options;
  // What a user may give besides: the shares of validation and test rows.
  if (size > 0 && data[size - 1] % 4 == 0) options.split.val_fraction = options.split.test_fraction = 0.25;
  try {
    const rhoflux::importers::Summary summary =
        rhoflux::importers::import_population(input, output, options, false);
    if (summary.n_rows < 1 || !rhoflux::io::is_population(output)) std::abort();
    std::filesystem::remove(output);
  } catch (const rhoflux::Error& error) {
    if (error.code() != rhoflux::ExitCode::bad_input || std::filesystem::exists(output)) std::abort();
  }
  return 0;
}
