#include "run_start.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "rhoflux/checkpoint/checkpoint_directory.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "same_model.hpp"

namespace rhoflux::training {
namespace {

/// Keys that a continued run may not change, because the state of the old run would not fit.
void require_same_run(const RunConfig& config, const checkpoint::Checkpoint& start,
                      const data::Sources& sources, const std::string& name) {
  const auto refuse = [&](const std::string& what, const std::string& more = "") {
    fail_input(name + ": cannot be continued with this deck: " + what +
               " (use --restart none and another checkpoint.directory for a new run" + more + ")");
  };
  const std::vector<std::string> differences = model_differences(config, sources, start.model);
  if (!differences.empty())
    refuse("[model], or the divergence-free part of [flux], differs from that of the checkpoint: " +
           joined(differences, "; "));
  const std::string from = ", with --start-from FILE to begin it with the parameters of this one";
  if (config.training.seed != start.state.seed)
    refuse("training.seed = " + std::to_string(config.training.seed) + ", the checkpoint has " +
               std::to_string(start.state.seed),
           from);
  if (config.training.precision != start.state.precision) refuse("training.precision differs", from);
  if (const std::int64_t rows = sources.count(io::Split::train); rows != start.state.n_train_rows)
    refuse((sources.data ? sources.data->path() : "a deck without data.file") + " has " +
               counted(rows, "training row") + ", the checkpoint was made with " +
               std::to_string(start.state.n_train_rows),
           from + " for these data");
}

/// What a run that takes the parameters of another one must have in common with it.
void require_same_model(const RunConfig& config, const checkpoint::Checkpoint& from,
                        const data::Sources& sources) {
  const std::vector<std::string> differences = model_differences(config, sources, from.model);
  if (!differences.empty())
    fail_input("--start-from " + config.start_from +
               ": its parameters do not fit the model of this deck: " + joined(differences, "; "));
}

/// Hashes of input files, sorted; their names may change.
std::vector<std::string> input_hashes(const checkpoint::Provenance& provenance) {
  std::vector<std::string> hashes;
  std::istringstream lines(checkpoint::entry_of(provenance, "inputs"));
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

namespace {

bool is_named(const std::string& restart) {
  return restart != "none" && restart != "auto";
}

/// Reads what a run begins with. @param warn called for each damaged checkpoint that is passed over
RunStart read_start(const RunConfig& config, const data::Sources& sources,
                    const std::function<void(const std::string&)>& warn) {
  const std::string& directory = config.checkpoint.directory;
  RunStart start;
  if (config.restart == "auto")
    start.continued = checkpoint::read_newest_checkpoint(directory, warn);
  else if (config.restart != "none")
    start.continued = checkpoint::read_checkpoint(config.restart);
  if (start.continued)
    require_same_run(config, *start.continued, sources,
                     config.restart == "auto" ? directory : config.restart);
  if (config.start_from.empty() || start.continued) return start;
  start.started_from = checkpoint::read_checkpoint(config.start_from);
  require_same_model(config, *start.started_from, sources);
  return start;
}

/// Checkpoints that stand in the way of what the command line asks for.
void require_free_way(const RunConfig& config, const RunStart& start) {
  const std::string& directory = config.checkpoint.directory;
  if (const std::string foreign = checkpoint::foreign_file(directory); !foreign.empty() && !config.force)
    fail_input(foreign +
               ": is there and was not written by rhoflux, which would overwrite it; give another "
               "checkpoint.directory, or --force");
  if (config.restart == "none" && holds_checkpoints(directory) && !config.force)
    fail_input("checkpoint.directory = " + directory +
               ": holds checkpoints of another run; give --restart auto to continue it, another directory, "
               "or --force to "
               "remove them");
  const std::vector<std::string> paths = checkpoint::list_checkpoints(directory);
  if (is_named(config.restart) && !paths.empty() &&
      paths.front() > checkpoint::checkpoint_path(directory, start.continued->state.step))
    fail_input("checkpoint.directory = " + directory + ": holds " + paths.front() +
               ", which is newer than the " + std::to_string(start.continued->state.step) + " steps of " +
               config.restart + "; give another directory, so that neither run is lost");
  if (config.start_from.empty() || !start.continued) return;
  const std::string before = checkpoint::entry_of(start.continued->provenance, "started_from");
  if (before.empty() || before != checkpoint::entry_of(config.provenance, "started_from"))
    fail_input("--start-from " + config.start_from + ": checkpoint.directory = " + directory +
               " holds checkpoints of a run that did not begin with it, which --restart auto would continue "
               "from step " +
               std::to_string(start.continued->state.step) +
               "; leave --start-from out to continue that run, or give another directory");
}

/// What a changed key does in a run that is continued.
std::string effect_of(const std::string& key) {
  if (key == "data.standardise" || key == "data.time_range")
    return "without effect, the checkpoint keeps what it was made with";
  if (key.rfind("model.", 0) == 0 || key == "flux.hidden") return "without effect in this model";
  return "in force from here on";
}

void say_changes(const RunConfig& config, const checkpoint::Checkpoint& start,
                 const std::function<void(const std::string&)>& log) {
  if (!config.changes_since) return;
  const auto value = [](const std::string& text) { return text.empty() ? "not given" : text; };
  for (const KeyChange& change : config.changes_since(start.deck))
    log("restart: " + change.name + " was " + value(change.before) + ", is " + value(change.now) + ": " +
        effect_of(change.name));
}

void say_start_from(const RunConfig& config, const RunStart& start, const data::Sources& sources,
                    const std::function<void(const std::string&)>& log) {
  if (config.start_from.empty()) return;
  if (start.continued) {
    log("this run began with --start-from " + config.start_from + " and is continued");
    return;
  }
  const checkpoint::Checkpoint& from = *start.started_from;
  log("starting from " + config.start_from + ": parameters after step " + std::to_string(from.state.step) +
      " and the standardisation of that run; optimiser, steps and random numbers begin anew");
  if (from.model.dim_names != sources.dim_names)
    log("warning: the coordinates were called " + joined(from.model.dim_names) + " there, here " +
        joined(sources.dim_names));
}

}  // namespace

RunStart find_start(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm,
                    const std::function<void(const std::string&)>& log) {
  RunStart start;
  std::vector<std::string> warnings;
  const auto warn = [&](const std::string& text) { warnings.push_back(text); };
  if (!config.start_from.empty() && is_named(config.restart))
    fail_input("--restart " + config.restart + " and --start-from " + config.start_from +
               ": a run either continues or begins anew; give one of them");
  // Every rank reads the small file itself; the root checks first, so that an error comes once.
  mpi::on_root(comm, [&] {
    start = read_start(config, sources, warn);
    require_free_way(config, start);
    if (config.restart == "auto" && !start.continued && !warnings.empty())
      fail_input(config.checkpoint.directory + ": no checkpoint can be read; " + warnings.front());
    if (start.continued && inputs_changed(start.continued->provenance, config.provenance))
      warnings.push_back(
          "the input files are not those that the checkpoint was made with (SHA-256 differs): then " +
          checkpoint::entry_of(start.continued->provenance, "inputs") + ", now " +
          checkpoint::entry_of(config.provenance, "inputs"));
  });
  if (!comm.is_root()) start = read_start(config, sources, warn);
  for (const std::string& warning : warnings) log("warning: " + warning);
  say_start_from(config, start, sources, log);
  if (start.continued) say_changes(config, *start.continued, log);
  return start;
}

void take_parameters(checkpoint::Checkpoint& begun, const checkpoint::Checkpoint& from) {
  begun.state.parameters = from.inference_parameters();
  begun.model.units.mean = from.model.units.mean;
  begun.model.units.scale = from.model.units.scale;
  for (std::size_t v = 0; v < begun.model.conditions.n_variables(); ++v) {
    begun.model.conditions.variables[v].mean = from.model.conditions.variables[v].mean;
    begun.model.conditions.variables[v].scale = from.model.conditions.variables[v].scale;
  }
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
    io::require_absent(checkpoint::best_path(directory), true);
    if (lock.is_effective())
      io::remove_abandoned_files(directory, [](const std::string& name) {
        return checkpoint::is_checkpoint_name(name) || name == "best.h5" || name == "history.csv";
      });
    if (config.restart != "none") return;
    checkpoint::remove_old_checkpoints(directory, 0);
    std::filesystem::remove(checkpoint::best_path(directory));
  });
  std::string taken_from = lock.taken_from();
  comm.broadcast(taken_from);
  if (!lock.is_effective())
    log("warning: " + directory +
        ": this file system has no locks; a second run that is started here takes the directory from this "
        "one");
  if (!taken_from.empty())
    log("warning: " + directory + ": taken over from an earlier start of this job that has not ended (" +
        taken_from + "); it will write nothing more there");
}

}  // namespace rhoflux::training
