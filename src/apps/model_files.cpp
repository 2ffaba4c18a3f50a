#include "model_files.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/time_names.hpp"
#include "rhoflux/inference/figures_json.hpp"
#include "rhoflux/inference/progress.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::apps {

checkpoint::Checkpoint load_checkpoint(const Context& context, const std::string& path) {
  checkpoint::Checkpoint checkpoint;
  note_input(context, path);
  mpi::on_root(context.comm, [&] { checkpoint = checkpoint::read_checkpoint(path); });
  if (!context.comm.is_root()) checkpoint = checkpoint::read_checkpoint(path);
  return checkpoint;
}

void require_time_in_range(const checkpoint::ModelDescription& model, double t, const std::string& where) {
  if (model.units.is_in_time_range(t)) return;
  const std::vector<std::string> texts =
      time_texts(model.origin.time, {t, model.units.t_first, model.units.t_last});
  fail_input(where + ": time " + texts[0] + " is outside the model's range, " + texts[1] + " to " + texts[2]);
}

void require_motion(const checkpoint::ModelDescription& model, const std::string& command) {
  if (has_motion(model)) return;
  fail_input(command + ": all rows that the model was trained on have the time " +
             time_text(model.origin.time, model.units.t_first) +
             ", so that it is a density and has no motion; that takes rows of two times at least");
}

void in_pieces(
    const mpi::Communicator& comm, std::int64_t count,
    const std::function<std::vector<double>(std::int64_t, std::int64_t, const Done& done)>& compute,
    const std::function<void(std::int64_t, const std::vector<double>&)>& write) {
  inference::Progress progress({[&](const std::string& line) { print(comm, line); }, 10}, "computing", count,
                               "rows");
  for (std::int64_t first = 0; first < count; first += piece_points) {
    // Whole blocks, so that no result depends on the number of ranks through the shapes of the matrix
    // products; all of a rank's in one call, which reads their rows together.
    const mpi::Blocks blocks = {std::min(piece_points, count - first), block_points};
    const mpi::Share mine = blocks.share_of_rank(comm.rank(), comm.size());
    const std::int64_t n = std::min(piece_points, count - first),
                       n_mine = std::max<std::int64_t>(1, mine.end - mine.begin);
    const Done done = [&](std::int64_t points) { progress.reach(first + points * n / n_mine); };
    const std::vector<double> all = comm.gather(compute(first + mine.begin, first + mine.end, done));
    if (comm.is_root()) write(first, all);
    progress.reach(first + n);
  }
}

void in_pieces(const mpi::Communicator& comm, std::int64_t count,
               const std::function<std::vector<double>(std::int64_t, std::int64_t)>& compute,
               const std::function<void(std::int64_t, const std::vector<double>&)>& write) {
  const auto without_report = [&](std::int64_t begin, std::int64_t end, const Done&) {
    return compute(begin, end);
  };
  in_pieces(comm, count, without_report, write);
}

namespace {

/// Dates and labels that times stand for, as a population has them; nothing where there are none.
void annotate_times(io::Hdf5Writer& file, const TimeMeaning& meaning) {
  if (!meaning.origin.empty()) file.attribute("/", "time_origin", meaning.origin);
  if (meaning.labels.empty()) return;
  file.attribute("/", "time_labels", meaning.labels);
  file.attribute("/", "time_label_values", meaning.label_values);
}

}  // namespace

void annotate(const Context& context, io::Hdf5Writer& file, const std::string& kind,
              const checkpoint::Checkpoint& checkpoint) {
  file.attribute("/", "kind", kind);
  file.attribute("/", "format_version", 1);
  file.attribute("/", "dim_names", checkpoint.model.dim_names);
  file.attribute("/", "time_unit", checkpoint.model.time_unit);
  annotate_times(file, checkpoint.model.origin.time);
  file.write_string("deck", checkpoint.deck);
  write_numbered_scale(file, "text", 1);
  file.set_scale("deck", 0, "text");
  file.group("provenance");
  file.attributes("provenance", provenance(context));
  // What the model itself was made from.
  for (const auto& [name, value] : checkpoint.provenance)
    file.attribute("provenance", "model_" + name, value);
}

void write_numbered_scale(io::Hdf5Writer& file, const std::string& name, std::int64_t n) {
  io::DatasetOptions options;
  options.deflate = 1;
  file.create_dataset<std::int64_t>(name, {n}, options);
  std::vector<std::int64_t> numbers;
  for (std::int64_t first = 0; first < n; first += piece_points) {
    numbers.resize(static_cast<std::size_t>(std::min(piece_points, n - first)));
    std::iota(numbers.begin(), numbers.end(), first);
    file.write_rows(name, first, numbers);
  }
}

void write_output(const Context& context, const OutputFile& output, const std::string& kind,
                  const checkpoint::Checkpoint& checkpoint,
                  const std::function<void(io::Hdf5Writer*)>& fill) {
  if (!context.comm.is_root()) {
    fill(nullptr);
  } else {
    const auto write = [&](const std::string& temporary) {
      io::Hdf5Writer file(temporary);
      annotate(context, file, kind, checkpoint);
      fill(&file);
      file.close();
    };
    io::write_safely(output.path, output.overwrite, write,
                     [](const std::string& temporary) { io::read_back_check(temporary); });
  }
  context.comm.barrier();
  print(context.comm, "wrote " + output.path);
}

flux::Volatility volatility_option(const Arguments& arguments, const checkpoint::ModelDescription& model) {
  return arguments.has("noise") ? flux::Volatility::parse(arguments.text("noise")) : model.flux.volatility;
}

void require_absent(const OutputFile& file) {
  io::require_absent(file.path, file.overwrite);
}

void write_text(const OutputFile& output, const std::string& text) {
  const auto write = [&](const std::string& temporary) {
    std::ofstream file(temporary);
    file << text;
    file.close();
    if (!file) fail_io(output.path + ": could not be written");
  };
  io::write_safely(output.path, output.overwrite, write, [](const std::string&) {});
}

void write_json(const Context& context, const OutputFile& output, const nlohmann::ordered_json& object) {
  mpi::on_root(context.comm, [&] {
    nlohmann::ordered_json all;
    for (const auto& [name, value] : provenance(context)) all["provenance"][name] = value;
    all.update(object);
    write_text(output, inference::json_text(all));
  });
  print(context.comm, "wrote " + output.path);
}

}  // namespace rhoflux::apps
