#include "rhoflux/checkpoint/checkpoint.hpp"

#include "file_values.hpp"
#include "model_file.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "state_file.hpp"

namespace rhoflux::checkpoint {
namespace {

constexpr const char* kind = "rhoflux checkpoint";

std::int64_t read_version(const io::Hdf5Reader& file) {
  if (!file.has_attribute("/", "kind") || file.attribute_string("/", "kind") != kind)
    fail_input(file.path() + ": is not a checkpoint of rhoflux (it has no attribute kind = '" + kind + "')");
  const std::int64_t version = file.attribute_int("/", "format_version");
  if (version < 1 || version > checkpoint_format_version)
    fail_input(file.path() + ": has checkpoint format version " + std::to_string(version) +
               "; this program reads versions 1 to " + std::to_string(checkpoint_format_version));
  return version;
}

}  // namespace

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint,
                      const network::ParameterLayout& layout, const std::function<void()>& allow) {
  const auto write = [&](const std::string& temporary) {
    io::Hdf5Writer file(temporary);
    file.attribute("/", "kind", kind);
    file.attribute("/", "format_version", checkpoint_format_version);
    file.write_string("deck", checkpoint.deck);
    write_model(file, checkpoint.model);
    write_state(file, checkpoint.state, layout);
    file.group("provenance");
    file.attributes("provenance", checkpoint.provenance);
    if (!checkpoint.earlier_runs.empty())
      file.write_string("provenance/earlier_runs", checkpoint.earlier_runs);
    file.close();
  };
  io::write_safely(
      path, true, write, [](const std::string& temporary) { io::read_back_check(temporary); }, allow);
}

Checkpoint read_checkpoint(const std::string& path) {
  const io::Hdf5Reader file(path);
  const std::int64_t version = read_version(file);
  Checkpoint checkpoint;
  checkpoint.deck = file.read_string("deck");
  checkpoint.model = read_model(file);
  const ModelDescription& model = checkpoint.model;
  const network::ParameterLayout layout =
      located(path, [&] { return flux::layout_of(model.config, model.flux, model.units.n_dims()); });
  checkpoint.state = read_state(file, version, layout);
  if (file.exists("provenance")) checkpoint.provenance = file.text_attributes("provenance");
  if (file.exists("provenance/earlier_runs"))
    checkpoint.earlier_runs = file.read_string("provenance/earlier_runs");
  return checkpoint;
}

std::string entry_of(const Provenance& provenance, const std::string& name) {
  for (const auto& [key, value] : provenance)
    if (key == name) return value;
  return "";
}

std::string runs_before(const Checkpoint& start) {
  std::string lines = start.earlier_runs + (start.earlier_runs.empty() ? "" : "\n") + "to step " +
                      std::to_string(start.state.step) + ":";
  for (const auto& [name, value] : start.provenance)
    for (const char* wanted : {"program", "git", "ranks", "host", "slurm_job_id", "started"})
      if (name == wanted && !value.empty()) lines += " " + name + " " + value + ",";
  if (lines.back() == ',') lines.pop_back();
  return lines;
}

}  // namespace rhoflux::checkpoint
