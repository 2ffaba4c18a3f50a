#pragma once

#include <cstdint>
#include <memory>
#include <vector>

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

/// Trajectories of some particles, original units.
struct Trajectories {
  std::vector<double> x;       ///< (n, n_frames, n_dims) in C order
  std::vector<double> energy;  ///< (n) int |u|^2 dt, units^2 / time; of the ODE only, else 0
};

/// Transports particles with the drift of a model: by the ODE dX = v dt for g = 0, by the SDE
/// dX = u dt + g dW with u = v + g^2 / 2 score otherwise. Either keeps the marginals: particles with
/// distribution rho at the first frame have distribution rho at every frame. From a later time to an earlier
/// one the ODE runs backwards, and the SDE is the time reversal of the forward one, u = v - g^2 / 2 score
/// (Anderson 1982).
class TrajectoryIntegrator {
 public:
  /// @param inference must outlive the object
  TrajectoryIntegrator(const Inference& inference, const TrajectoryOptions& options);
  ~TrajectoryIntegrator();

  int n_dims() const { return m_inference.n_dims(); }
  std::size_t n_frames() const { return m_options.frames.size(); }

  /// @param x (n, n_dims) at the first frame @param first global number of the first particle, key of its
  /// noise. Throws Error (numerical failure) naming particle and time where a path cannot be followed.
  Trajectories integrate(const std::vector<double>& x, std::int64_t first) const;

 private:
  struct Workspace;
  /// Particles offset .. offset + n - 1 of a call, the first of which has the global number `first`.
  struct Chunk {
    int n = 0;
    std::size_t offset = 0;
    std::int64_t first = 0;
  };
  void integrate_chunk(const Chunk& chunk, const std::vector<double>& x, Trajectories& paths) const;
  void start(const Chunk& chunk, const std::vector<double>& x, Trajectories& paths) const;
  void advance_by_ode(std::size_t frame, const Chunk& chunk) const;
  void advance_in_steps(std::size_t frame, const Chunk& chunk) const;
  void save(std::size_t frame, const Chunk& chunk, Trajectories& paths) const;

  const Inference& m_inference;
  TrajectoryOptions m_options;
  std::unique_ptr<Workspace> m_work;
};

}  // namespace rhoflux::inference
