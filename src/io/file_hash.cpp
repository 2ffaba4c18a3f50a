#include "rhoflux/io/file_hash.hpp"

#include <openssl/evp.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "rhoflux/core/error.hpp"

namespace rhoflux::io {

std::string sha256_of_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) fail_input(path + ": cannot be opened for reading");
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  unsigned int size = 0;
  bool good = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  std::vector<unsigned char> piece(std::size_t{1} << 20);
  for (std::size_t count = 0; good && (count = std::fread(piece.data(), 1, piece.size(), file.get())) > 0;)
    good = EVP_DigestUpdate(context.get(), piece.data(), count) == 1;
  if (std::ferror(file.get()) != 0) fail_io(path + ": reading failed");
  good = good && EVP_DigestFinal_ex(context.get(), digest, &size) == 1;
  if (!good) fail_io(path + ": its SHA-256 could not be computed");
  std::string text;
  for (unsigned int k = 0; k < size; ++k) {
    char byte[3];
    std::snprintf(byte, sizeof(byte), "%02x", static_cast<unsigned>(digest[k]));
    text += byte;
  }
  return text;
}

}  // namespace rhoflux::io
