#include "model_files.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::apps {

checkpoint::Checkpoint load_checkpoint(const Context& context, const std::string& path) {
  checkpoint::Checkpoint checkpoint;
  note_input(context, path);
  mpi::on_root(context.comm, [&] { checkpoint = checkpoint::read_checkpoint(path); });
  if (!context.comm.is_root()) checkpoint = checkpoint::read_checkpoint(path);
  return checkpoint;
}

void require_time_in_range(const checkpoint::ModelDescription& model, double t, const std::string& where) {
  const double slack = 0.01 * model.units.time_span();
  if (t >= model.units.t_first - slack && t <= model.units.t_last + slack) return;
  char text[160];
  std::snprintf(text, sizeof(text), ": time %.10g is outside the model's range, %.10g to %.10g", t,
                model.units.t_first, model.units.t_last);
  fail_input(where + text);
}

void in_pieces(const mpi::Communicator& comm, std::int64_t count,
               const std::function<std::vector<double>(std::int64_t, std::int64_t)>& compute,
               const std::function<void(std::int64_t, const std::vector<double>&)>& write) {
  for (std::int64_t first = 0; first < count; first += piece_points) {
    // Whole blocks, so that no result depends on the number of ranks through the shapes of the matrix
    // products.
    const std::int64_t size = std::min(piece_points, count - first);
    const mpi::Share mine = mpi::share_of((size + block_points - 1) / block_points, comm.rank(), comm.size());
    const std::vector<double> all = comm.gather(compute(first + std::min(mine.begin * block_points, size),
                                                        first + std::min(mine.end * block_points, size)));
    if (comm.is_root()) write(first, all);
  }
}

void annotate(const Context& context, io::Hdf5Writer& file, const std::string& kind,
              const checkpoint::Checkpoint& checkpoint) {
  file.attribute("/", "kind", kind);
  file.attribute("/", "format_version", 1);
  file.attribute("/", "dim_names", checkpoint.model.dim_names);
  file.attribute("/", "time_unit", checkpoint.model.time_unit);
  file.write_string("deck", checkpoint.deck);
  file.group("provenance");
  file.attributes("provenance", provenance(context));
  // What the model itself was made from.
  for (const auto& [name, value] : checkpoint.provenance)
    file.attribute("provenance", "model_" + name, value);
}

void write_output(const Context& context, const std::string& path, bool force, const std::string& kind,
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
    io::write_safely(path, force, write,
                     [](const std::string& temporary) { io::read_back_check(temporary); });
  }
  context.comm.barrier();
  print(context.comm, "wrote " + path);
}

flux::Volatility noise_option(const Arguments& arguments, const checkpoint::ModelDescription& model) {
  if (!arguments.has("noise")) return model.flux.volatility;
  try {
    return flux::Volatility::parse(arguments.text("noise"));
  } catch (const Error& error) {
    fail_input("--noise " + arguments.text("noise") + ": " + error.what() +
               "; give a volatility such as 0.5, or time:value pairs such as 0:0.5,4:0.1");
  }
}

void write_json(const Context& context, const std::string& path, bool force, const std::string& object) {
  mpi::on_root(context.comm, [&] {
    std::string text = object;
    text.insert(text.find('{') + 1, "\n  \"provenance\": " + provenance_json(context) + ",");
    const auto write = [&](const std::string& temporary) {
      std::ofstream json(temporary);
      json << text;
      json.close();
      if (!json) fail_io(path + ": could not be written");
    };
    io::write_safely(path, force, write, [](const std::string&) {});
  });
  print(context.comm, "wrote " + path);
}

}  // namespace rhoflux::apps
