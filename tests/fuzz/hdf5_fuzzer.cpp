// Bytes of HDF5 files: opening one as a checkpoint, as a population and as points gives what it holds or an
// Error.

#include <cstdint>
#include <cstdio>

#include "hdf5_readers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rhoflux::fuzz::start();
  static const std::string path = rhoflux::fuzz::file_of_process("bytes");
  rhoflux::fuzz::write_bytes(path, data, size);
  rhoflux::fuzz::read_as_everything(path);
  std::remove(path.c_str());
  return 0;
}
