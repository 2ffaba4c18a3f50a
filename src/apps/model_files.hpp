#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "context.hpp"
#include "rhoflux/inference/inference.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

/// What the commands that use a trained model share.
namespace rhoflux::apps {

constexpr std::int64_t block_points = 1024;   ///< what one rank handles is a number of these
constexpr std::int64_t piece_points = 16384;  ///< points that all ranks handle between two writes

/// The checkpoint, read by one rank first so that an error comes once.
checkpoint::Checkpoint load_checkpoint(const Context& context, const std::string& path);

/// Events in continuous time seldom fall on the ends of their window: a hundredth of the range beyond it is
/// allowed.
void require_time_in_range(const checkpoint::ModelDescription& model, double t, const std::string& where);

/// Whether the model knows more than one time.
inline bool has_motion(const checkpoint::ModelDescription& model) {
  return model.units.t_last > model.units.t_first;
}

/// Throws Error (bad input) for a model of rows that all have one time: it is a density without motion.
void require_motion(const checkpoint::ModelDescription& model, const std::string& command);

/// --noise, or the volatility that the model was made with.
flux::Volatility volatility_option(const Arguments& arguments, const checkpoint::ModelDescription& model);

/// A file that a command writes.
struct OutputFile {
  std::string path;
  bool overwrite = false;  ///< --force
};
/// Throws Error (bad input) where it exists and is not to be overwritten.
void require_absent(const OutputFile& file);

/// Takes how many points are done.
using Done = std::function<void(std::int64_t points)>;

/// Splits `count` points into pieces; `compute(begin, end)` runs on every rank, once for its share of a piece
/// (whole blocks; may be empty, and compute may be collective), and gives the numbers of its points; the root
/// hands the gathered piece to `write(first, values)`.
///
/// A line every ten seconds says how many points are done. A compute that takes long calls `done` with the points of its
/// share that it has done in all; the line takes the other ranks to be as far as the root.
void in_pieces(
    const mpi::Communicator& comm, std::int64_t count,
    const std::function<std::vector<double>(std::int64_t, std::int64_t, const Done& done)>& compute,
    const std::function<void(std::int64_t, const std::vector<double>&)>& write);
/// The same with a compute that does not say how far it is.
void in_pieces(const mpi::Communicator& comm, std::int64_t count,
               const std::function<std::vector<double>(std::int64_t, std::int64_t)>& compute,
               const std::function<void(std::int64_t, const std::vector<double>&)>& write);

/// Attributes, deck and provenance that every output has.
void annotate(const Context& context, io::Hdf5Writer& file, const std::string& kind,
              const checkpoint::Checkpoint& checkpoint);

/// Writes a scale (n) of the numbers 0, 1, .. for a dimension that has no positions, such as "particle".
void write_numbered_scale(io::Hdf5Writer& file, const std::string& name, std::int64_t n);

/// Writes an output file from the root while every rank takes part in making its contents.
/// @param fill called with the open file on the root and with null on the others
void write_output(const Context& context, const OutputFile& output, const std::string& kind,
                  const checkpoint::Checkpoint& checkpoint, const std::function<void(io::Hdf5Writer*)>& fill);

/// Writes a text crash-safely. On one rank.
void write_text(const OutputFile& output, const std::string& text);

/// Writes a JSON object, with the member `provenance` put before the others, crash-safely from the root.
void write_json(const Context& context, const OutputFile& output, const nlohmann::ordered_json& object);

}  // namespace rhoflux::apps
