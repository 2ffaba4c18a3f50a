// Compressed tables of text. An input that begins as gzip does is the file itself; else its first byte says how
// what follows is compressed: repeated, in several members, cut off or with one bit changed.

#include <zlib.h>

#include <cstdint>
#include <string>

#include "import_check.hpp"
#include "input.hpp"

namespace {

std::string compressed(const std::string& text, int level) {
  z_stream stream = {};
  if (deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

/// The rows after the header many times, at most 4 MiB.
std::string repeated(const std::string& text, std::size_t times) {
  const std::size_t line_end = text.find('\n');
  std::string result = text;
  if (line_end == std::string::npos) return result;
  const std::string rows = text.substr(line_end + 1);
  while (times-- > 0 && result.size() + rows.size() < std::size_t{1} << 22) result += rows;
  return result;
}

std::string packed_file(rhoflux::fuzz::Input& input) {
  const unsigned how = input.take<std::uint8_t>();
  const std::size_t place = input.take<std::uint16_t>();
  const std::string text = input.rest();
  const std::string table = repeated(text, (how & 1U) != 0 ? place : 0);
  std::string packed;
  if ((how & 2U) != 0) {
    const std::size_t cut = place % (table.size() + 1);
    packed = compressed(table.substr(0, cut), 1) + compressed(table.substr(cut), 9);
  } else {
    packed = compressed(table, 6);
  }
  if ((how & 4U) != 0) packed.resize(place % (packed.size() + 1));
  if ((how & 8U) != 0 && !packed.empty())
    packed[place % packed.size()] = static_cast<char>(packed[place % packed.size()] ^ (1 << (how >> 5)));
  if ((how & 16U) != 0) packed += "text that follows";
  return packed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rhoflux::fuzz;
  start_mpi_and_hdf5();
  static const Folder folder;
  std::string file(reinterpret_cast<const char*>(data), size);
  Input input(data, size);
  if (size == 0 || data[0] != 0x1f) file = packed_file(input);
  write_bytes(folder.file("in.csv.gz"), file.data(), file.size());
  import_and_check(folder, "in.csv.gz", {});
  return 0;
}
