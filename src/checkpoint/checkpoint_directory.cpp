#include "rhoflux/checkpoint/checkpoint_directory.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "rhoflux/core/error.hpp"

namespace rhoflux::checkpoint {

std::string checkpoint_path(const std::string& directory, std::int64_t step) {
  char name[48];
  std::snprintf(name, sizeof(name), "checkpoint_%09lld.h5", static_cast<long long>(step));
  return (std::filesystem::path(directory) / name).string();
}

bool is_checkpoint_name(const std::string& name) {
  constexpr std::string_view start = "checkpoint_", end = ".h5";
  if (name.size() <= start.size() + end.size() || name.compare(0, start.size(), start) != 0 ||
      name.compare(name.size() - end.size(), end.size(), end) != 0)
    return false;
  return std::all_of(name.begin() + start.size(), name.end() - end.size(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

std::string best_path(const std::string& directory) {
  return (std::filesystem::path(directory) / "best.h5").string();
}

std::string foreign_file(const std::string& directory) {
  const auto start_of = [](const std::string& path, std::size_t size) {
    std::ifstream file(path, std::ios::binary);
    std::string start(size, '\0');
    file.read(start.data(), static_cast<std::streamsize>(size));
    start.resize(static_cast<std::size_t>(file.gcount()));
    return start;
  };
  const std::string history = (std::filesystem::path(directory) / "history.csv").string();
  constexpr std::string_view our_history = "step,", hdf5 = "\x89HDF";
  const std::string line = start_of(history, our_history.size());
  if (!line.empty() && line != our_history) return history;
  const std::string best = best_path(directory);
  const std::string signature = start_of(best, hdf5.size());
  if (signature.empty()) return "";
  if (signature != hdf5) return best;
  try {
    const io::Hdf5Reader file(best);
    return file.has_attribute("/", "kind") ? "" : best;
  } catch (const Error&) {
    return "";  // damaged, by whatever
  }
}

std::vector<std::string> list_checkpoints(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (is_checkpoint_name(entry.path().filename().string())) paths.push_back(entry.path().string());
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
