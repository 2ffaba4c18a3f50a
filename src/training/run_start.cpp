#include "run_start.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "rhoflux/checkpoint/checkpoint_directory.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::training {
namespace {

/// Keys that a continued run may not change, because the state of the old run would not fit.
void require_same_run(const RunConfig& config, const checkpoint::Checkpoint& start,
                      const data::Sources& sources, const std::string& name) {
  const network::ParameterLayout ours = flux::layout_of(config.model, config.flux, sources.n_dims);
  const network::ParameterLayout theirs =
      flux::layout_of(start.model.config, start.model.flux, start.model.units.n_dims());
  const auto refuse = [&](const std::string& what) {
    fail_input(name + ": cannot be continued with this deck: " + what +
               " (use --restart none and another checkpoint.directory for a new run)");
  };
  bool same = ours.blocks().size() == theirs.blocks().size();
  for (std::size_t k = 0; same && k < ours.blocks().size(); ++k)
    same = ours.blocks()[k].name == theirs.blocks()[k].name &&
           ours.blocks()[k].rows == theirs.blocks()[k].rows &&
           ours.blocks()[k].columns == theirs.blocks()[k].columns;
  const density::Config &a = config.model, &b = start.model.config;
  same = same && a.family == b.family && a.weights == b.weights &&
         a.time_frequency_min == b.time_frequency_min && a.time_frequency_max == b.time_frequency_max &&
         a.coordinate_frequency_min == b.coordinate_frequency_min &&
         a.coordinate_frequency_max == b.coordinate_frequency_max;
  if (!same) refuse("[model], or the divergence-free part of [flux], differs from that of the checkpoint");
  if (config.training.seed != start.state.seed)
    refuse("training.seed = " + std::to_string(config.training.seed) + ", the checkpoint has " +
           std::to_string(start.state.seed));
  if (config.training.precision != start.state.precision) refuse("training.precision differs");
  if (const std::int64_t rows = sources.count(io::Split::train); rows != start.state.n_train_rows)
    refuse((sources.data ? sources.data->path() : "a deck without data.file") + " has " +
           std::to_string(rows) + " training rows, the checkpoint was made with " +
           std::to_string(start.state.n_train_rows));
}

std::string entry(const checkpoint::Provenance& provenance, const std::string& name) {
  for (const auto& [key, value] : provenance)
    if (key == name) return value;
  return "";
}

/// Hashes of input files, sorted; their names may change.
std::vector<std::string> input_hashes(const checkpoint::Provenance& provenance) {
  std::vector<std::string> hashes;
  std::istringstream lines(entry(provenance, "inputs"));
  for (std::string line; std::getline(lines, line);) hashes.push_back(line.substr(0, line.find(' ')));
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}

/// True if both runs have hashed their input files and these differ.
bool inputs_changed(const checkpoint::Provenance& before, const checkpoint::Provenance& now) {
  const std::vector<std::string> a = input_hashes(before), b = input_hashes(now);
  const auto is_hash = [](const std::string& hash) { return hash.size() == 64; };
  return !a.empty() && std::all_of(a.begin(), a.end(), is_hash) && std::all_of(b.begin(), b.end(), is_hash) &&
         a != b;
}

bool holds_checkpoints(const std::string& directory) {
  return !checkpoint::list_checkpoints(directory).empty() ||
         std::filesystem::exists(checkpoint::best_path(directory));
}

}  // namespace

std::optional<checkpoint::Checkpoint> find_start(const RunConfig& config, const data::Sources& sources,
                                                 const mpi::Communicator& comm,
                                                 const std::function<void(const std::string&)>& log) {
  const std::string& directory = config.checkpoint.directory;
  std::optional<checkpoint::Checkpoint> start;
  std::vector<std::string> warnings;
  // Every rank reads the small file itself; the root checks first, so that an error comes once.
  const auto read = [&] {
    if (config.restart == "auto")
      start = checkpoint::read_newest_checkpoint(directory,
                                                 [&](const std::string& text) { warnings.push_back(text); });
    else if (config.restart != "none")
      start = checkpoint::read_checkpoint(config.restart);
    if (start)
      require_same_run(config, *start, sources, config.restart == "auto" ? directory : config.restart);
  };
  mpi::on_root(comm, [&] {
    read();
    if (config.restart == "none" && holds_checkpoints(directory) && !config.force)
      fail_input("checkpoint.directory = " + directory +
                 ": holds checkpoints of another run; give --restart auto to continue it, another directory, "
                 "or --force to "
                 "remove them");
    const bool named = config.restart != "none" && config.restart != "auto";
    if (named && !checkpoint::list_checkpoints(directory).empty() &&
        checkpoint::list_checkpoints(directory).front() >
            checkpoint::checkpoint_path(directory, start->state.step))
      fail_input("checkpoint.directory = " + directory + ": holds " +
                 checkpoint::list_checkpoints(directory).front() + ", which is newer than the " +
                 std::to_string(start->state.step) + " steps of " + config.restart +
                 "; give another directory, so that neither run is lost");
    if (config.restart == "auto" && !start && !warnings.empty())
      fail_input(directory + ": no checkpoint can be read; " + warnings.front());
    if (start && inputs_changed(start->provenance, config.provenance))
      warnings.push_back(
          "the input files are not those that the checkpoint was made with (SHA-256 differs): then " +
          entry(start->provenance, "inputs") + ", now " + entry(config.provenance, "inputs"));
  });
  if (!comm.is_root()) read();
  for (const std::string& warning : warnings) log("warning: " + warning);
  return start;
}

io::DirectoryLock lock_directory(const RunConfig& config, const mpi::Communicator& comm) {
  const std::string& directory = config.checkpoint.directory;
  io::DirectoryLock lock;
  mpi::on_root(comm, [&] {
    std::error_code ignored;
    if (std::filesystem::is_directory(directory, ignored)) lock = io::DirectoryLock(directory);
  });
  return lock;
}

void prepare_directory(const RunConfig& config, const mpi::Communicator& comm, io::DirectoryLock& lock,
                       const std::function<void(const std::string&)>& log) {
  const std::string& directory = config.checkpoint.directory;
  mpi::on_root(comm, [&] {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) fail_input("checkpoint.directory = " + directory + ": cannot be made: " + error.message());
    if (!lock.is_held()) {
      lock = io::DirectoryLock(directory);
      if (holds_checkpoints(directory))
        fail_input("checkpoint.directory = " + directory + ": another run has just written checkpoints here");
    }
    io::require_absent((std::filesystem::path(directory) / "history.csv").string(), true);
    if (lock.is_effective())
      io::remove_abandoned_files(directory, [](const std::string& name) {
        return name.rfind("checkpoint_", 0) == 0 || name == "best.h5" || name == "history.csv";
      });
    if (config.restart != "none") return;
    checkpoint::remove_old_checkpoints(directory, 0);
    std::filesystem::remove(checkpoint::best_path(directory));
  });
  if (!lock.is_effective())
    log("warning: " + directory +
        ": this file system has no locks, so that nothing would stop a second run from writing there");
}

}  // namespace rhoflux::training
