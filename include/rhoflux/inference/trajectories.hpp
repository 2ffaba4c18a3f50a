#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rhoflux/core/time_names.hpp"
#include "rhoflux/inference/inference.hpp"
#include "rhoflux/transport/ode.hpp"
#include "rhoflux/transport/sde.hpp"

namespace rhoflux::inference {

struct TrajectoryOptions {
  std::vector<double> frames;   ///< times to pass through, first to last, ascending or descending; 2 or more
  flux::Volatility volatility;  ///< g; zero: the ODE
  bool adaptive = true;  ///< false: fixed steps where g = 0 too, which a drift without bound cannot stop
  transport::OdeConfig ode;
  transport::SdeScheme scheme = transport::SdeScheme::heun;
  int steps = 500;         ///< fixed ones, from the first frame to the last
  std::uint64_t seed = 1;  ///< of the noise
};

/// A particle whose path cannot be followed to the last frame.
struct FailedParticle {
  std::int64_t particle = 0;  ///< global number
  double t = 0;               ///< where it could be followed to: time
  std::vector<double> x;      ///< and place (n_dims), units of the data
  transport::PathFailure reason = transport::PathFailure::not_finite;
};

/// Trajectories of some particles, original units.
struct Trajectories {
  std::vector<double>
      x;  ///< (n, n_frames, n_dims) in C order; NaN at the frames that a particle did not reach
  /// (n, n_frames) log w, model.md (10.9): 0 at the first frame, then the integral of the growth rate along the path, with
  /// the minus sign backwards; NaN like x. Empty unless the model grows.
  std::vector<double> log_weight;
  std::vector<double>
      energy;  ///< (n) int |u|^2 dt, units^2 / time; of the ODE only, else 0; NaN where failed
  std::vector<FailedParticle> failed;  ///< in the order of their numbers
};

/// Throws Error (numerical failure) that names the first failed particle, if there is one: for means over paths, which
/// would be wrong without it.
void require_all_followed(const Trajectories& paths);

/// "at t = 0.25, x = (-9999, 3): why".
std::string to_text(const FailedParticle& failed, const TimeMeaning& meaning = {});

/// Transports particles with the drift of a model: by the ODE dX = v dt for g = 0, by the SDE
/// dX = u dt + g dW with u = v + g^2 / 2 score otherwise. Either keeps the marginals: particles with
/// distribution rho at the first frame have distribution rho at every frame. From a later time to an earlier
/// one the ODE runs backwards, and the SDE is the time reversal of the forward one, u = v - g^2 / 2 score
/// (Anderson 1982). Where the model grows, the same holds of particles that carry weights.
class TrajectoryIntegrator {
 public:
  /// @param inference must outlive the object
  TrajectoryIntegrator(const Inference& inference, const TrajectoryOptions& options);
  ~TrajectoryIntegrator();

  int n_dims() const { return m_inference.n_dims(); }
  const Inference& inference() const { return m_inference; }
  std::size_t n_frames() const { return m_options.frames.size(); }
  /// True if particles carry weights: those of a model that grows.
  bool has_weights() const { return m_inference.dynamics().grows(); }

  /// The conditions of a ConditionScope are those of the particles.
  /// A particle whose path cannot be followed is NaN from there on and named; the others do not depend on it.
  /// @param x (n, n_dims) at the first frame @param first global number of the first particle, key of its noise
  /// @param done called now and then with the number of particles that are done
  Trajectories integrate(const std::vector<double>& x, std::int64_t first,
                         const std::function<void(std::int64_t)>& done = {}) const;
  /// The same from one frame to the next alone: two frames of Trajectories.
  /// @param frame where the particles are, from 0 to n_frames - 2
  Trajectories integrate_from(std::size_t frame, const std::vector<double>& x, std::int64_t first) const;

 private:
  struct Workspace;
  /// The frames of a call.
  struct FrameRange {
    std::size_t first = 0, last = 0;
    std::size_t count() const { return last - first + 1; }
  };
  /// Particles offset .. offset + n - 1 of a call, the first of which has the global number `first`.
  struct Chunk {
    int n = 0;
    std::size_t offset = 0;
    std::int64_t first = 0;
    FrameRange frames;
    /// Place of a particle of the chunk at a frame among all (n, n_frames) of the call.
    std::size_t place(int s, std::size_t frame) const {
      return (offset + static_cast<std::size_t>(s)) * frames.count() + frame - frames.first;
    }
  };
  Trajectories integrate_through(const FrameRange& frames, const std::vector<double>& x, std::int64_t first,
                                 const std::function<void(std::int64_t)>& done) const;
  void integrate_chunk(const Chunk& chunk, const std::vector<double>& x, Trajectories& paths) const;
  void start(const Chunk& chunk, const std::vector<double>& x, Trajectories& paths) const;
  void advance_by_ode(std::size_t frame, const Chunk& chunk) const;
  void advance_in_steps(std::size_t frame, const Chunk& chunk) const;
  void save(std::size_t frame, const Chunk& chunk, Trajectories& paths) const;
  std::vector<transport::PathEnd> path_ends(const Chunk& chunk, const Trajectories& paths) const;
  void note_failures(const Chunk& chunk, Trajectories& paths) const;
  bool is_ode() const { return m_options.volatility.is_zero() && m_options.adaptive; }

  const Inference& m_inference;
  TrajectoryOptions m_options;
  std::unique_ptr<Workspace> m_work;
};

}  // namespace rhoflux::inference
