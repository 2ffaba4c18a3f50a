#include "rhoflux/checkpoint/checkpoint_directory.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "rhoflux/core/error.hpp"

namespace rhoflux::checkpoint {

std::string checkpoint_path(const std::string& directory, std::int64_t step) {
  char name[48];
  std::snprintf(name, sizeof(name), "checkpoint_%09lld.h5", static_cast<long long>(step));
  return (std::filesystem::path(directory) / name).string();
}

std::string best_path(const std::string& directory) {
  return (std::filesystem::path(directory) / "best.h5").string();
}

std::vector<std::string> list_checkpoints(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("checkpoint_", 0) == 0 && entry.path().extension() == ".h5")
      paths.push_back(entry.path().string());
  }
  std::sort(paths.rbegin(), paths.rend());
  return paths;
}

void remove_old_checkpoints(const std::string& directory, int keep) {
  const std::vector<std::string> paths = list_checkpoints(directory);
  for (std::size_t k = static_cast<std::size_t>(keep); k < paths.size(); ++k) {
    std::error_code ignored;  // a file that cannot be removed costs space, nothing else
    std::filesystem::remove(paths[k], ignored);
  }
}

std::optional<Checkpoint> read_newest_checkpoint(const std::string& directory,
                                                 const std::function<void(const std::string&)>& warn) {
  for (const std::string& path : list_checkpoints(directory)) {
    try {
      return read_checkpoint(path);
    } catch (const Error& error) {
      warn(std::string("damaged checkpoint passed over: ") + error.what());
    }
  }
  return std::nullopt;
}

}  // namespace rhoflux::checkpoint
