#include "rhoflux/inference/trajectories.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/device/backend.hpp"

namespace rhoflux::inference {

struct TrajectoryIntegrator::Workspace {
  Workspace(int n_dims, int n, bool weighted)
      : points{make_vector<double>("tau", n), make_matrix<double>("particles", n_dims, n), {}},
        last_finite{make_vector<double>("last times", n), make_matrix<double>("last places", n_dims, n), {}},
        values{make_vector<double>("log density", n), make_matrix<double>("velocity", n_dims, n), {}, {}, {}},
        diffusion(make_matrix<double>("diffusion", n_dims, n)),
        normals(make_matrix<double>("normals", n_dims, n)),
        particles("particle numbers", static_cast<std::size_t>(n)),
        metric(make_vector<double>("metric", n_dims)),
        deviation(make_vector<double>("deviation", n_dims)),
        energy(make_vector<double>("energy", n)),
        log_weight(weighted ? make_vector<double>("log weights", n) : Vector<double>()),
        ode(n_dims, n),
        sde(n_dims, n) {}

  density::Points<double> part(int n) const { return part_of(points, n); }
  static density::Points<double> part_of(const density::Points<double>& all, int n) { return all.part(0, n); }

  /// Log weights of the first n particles; empty where there are none.
  Vector<double> log_weights(int n) const {
    if (log_weight.extent(0) == 0) return {};
    return Kokkos::subview(log_weight, Kokkos::make_pair(0, n));
  }

  ExecutionSpace space;
  density::Points<double> points;
  density::Points<double> last_finite;  ///< of the SDE: where a particle was finite for the last time
  flux::DynamicsViews<double> values;
  Matrix<double> diffusion, normals;
  Vector<std::int64_t> particles;
  Vector<double> metric, deviation, energy;
  Vector<double> log_weight;     ///< of a model that grows: the integral of r - M'/M
  std::vector<double> log_mass;  ///< (n_frames)
  transport::DormandPrince ode;
  transport::StochasticIntegrator sde;
};

TrajectoryIntegrator::TrajectoryIntegrator(const Inference& inference, const TrajectoryOptions& options)
    : m_inference(inference),
      m_options(options),
      m_work(
          std::make_unique<Workspace>(inference.n_dims(), default_chunk_size, inference.dynamics().grows())) {
  options.ode.validate();
  if (has_weights()) m_work->log_mass = inference.log_mass(options.frames);
  // int |u|^2 dt in original units: u = scale / span * u_model and dt = span * dtau.
  const Units& units = inference.model().units;
  const auto metric = Kokkos::create_mirror_view(m_work->metric);
  for (std::size_t i = 0; i < units.scale.size(); ++i)
    metric(i) = units.scale[i] * units.scale[i] / units.time_span();
  Kokkos::deep_copy(m_work->metric, metric);
}

TrajectoryIntegrator::~TrajectoryIntegrator() = default;

Trajectories TrajectoryIntegrator::integrate(const std::vector<double>& x, std::int64_t first,
                                             const std::function<void(std::int64_t)>& done) const {
  return integrate_through({0, n_frames() - 1}, x, first, done);
}

Trajectories TrajectoryIntegrator::integrate_from(std::size_t frame, const std::vector<double>& x,
                                                  std::int64_t first) const {
  return integrate_through({frame, frame + 1}, x, first, {});
}

Trajectories TrajectoryIntegrator::integrate_through(const FrameRange& frames, const std::vector<double>& x,
                                                     std::int64_t first,
                                                     const std::function<void(std::int64_t)>& done) const {
  const auto dims = static_cast<std::size_t>(m_inference.n_dims()), n = x.size() / dims;
  Trajectories paths{std::vector<double>(x.size() * frames.count()),
                     std::vector<double>(has_weights() ? n * frames.count() : 0),
                     std::vector<double>(n),
                     {}};
  constexpr std::size_t chunk = default_chunk_size;
  for (std::size_t begin = 0; begin < n; begin += chunk) {
    integrate_chunk({static_cast<int>(std::min(chunk, n - begin)), begin, first, frames}, x, paths);
    if (done) done(static_cast<std::int64_t>(std::min(n, begin + chunk)));
  }
  return paths;
}

void TrajectoryIntegrator::start(const Chunk& chunk, const std::vector<double>& x,
                                 Trajectories& paths) const {
  Workspace& work = *m_work;
  const Units& units = m_inference.model().units;
  const auto dims = static_cast<std::size_t>(m_inference.n_dims());
  const auto x_host = Kokkos::create_mirror_view(work.points.x);
  const auto number_host = Kokkos::create_mirror_view(work.particles);
  for (int s = 0; s < chunk.n; ++s) {
    const std::size_t particle = chunk.offset + static_cast<std::size_t>(s);
    number_host(s) = chunk.first + static_cast<std::int64_t>(particle);
    const double* from = &x[particle * dims];
    for (std::size_t i = 0; i < dims; ++i) x_host(i, s) = units.to_model(from[i], i);
    // The start to the bit, not to and from model units.
    std::copy_n(from, dims, &paths.x[chunk.place(s, chunk.frames.first) * dims]);
  }
  work.points.conditions = m_inference.condition_rows(chunk.offset, chunk.n);
  Kokkos::deep_copy(work.points.x, x_host);
  Kokkos::deep_copy(work.particles, number_host);
  Kokkos::deep_copy(work.points.tau, units.tau(m_options.frames[chunk.frames.first]));
  Kokkos::deep_copy(work.energy, 0.0);
  if (has_weights()) Kokkos::deep_copy(work.log_weight, 0.0);
  Kokkos::deep_copy(work.last_finite.x, work.points.x);
  Kokkos::deep_copy(work.last_finite.tau, work.points.tau);
}

void TrajectoryIntegrator::integrate_chunk(const Chunk& chunk, const std::vector<double>& x,
                                           Trajectories& paths) const {
  Workspace& work = *m_work;
  start(chunk, x, paths);
  if (is_ode()) work.ode.start(work.space, m_options.ode, chunk.n);
  for (std::size_t frame = chunk.frames.first + 1; frame <= chunk.frames.last; ++frame) {
    if (is_ode())
      advance_by_ode(frame, chunk);
    else
      advance_in_steps(frame, chunk);
    transport::keep_finite(work.space, work.part(chunk.n), work.log_weights(chunk.n),
                           Workspace::part_of(work.last_finite, chunk.n));
    save(frame, chunk, paths);
  }
  const auto energy_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), work.energy);
  for (int s = 0; s < chunk.n; ++s) paths.energy[chunk.offset + static_cast<std::size_t>(s)] = energy_host(s);
  note_failures(chunk, paths);
}

void TrajectoryIntegrator::advance_by_ode(std::size_t frame, const Chunk& chunk) const {
  Workspace& work = *m_work;
  const transport::Drift velocity = [&](const ExecutionSpace& space, const density::Points<double>& at,
                                        const transport::PathRates& rates) {
    m_inference.dynamics().evaluate(space, m_inference.parameters(), at,
                                    {work.values.log_rho, rates.drift, {}, {}, {}, {}, {}, rates.growth});
  };
  const auto energy = Kokkos::subview(work.energy, Kokkos::make_pair(0, chunk.n));
  work.ode.advance(work.space, velocity, m_options.ode, work.part(chunk.n),
                   m_inference.model().units.tau(m_options.frames[frame]),
                   {work.metric, energy, work.log_weights(chunk.n)});
}

/// The steps between two frames; all particles have the same time.
void TrajectoryIntegrator::advance_in_steps(std::size_t frame, const Chunk& chunk) const {
  Workspace& work = *m_work;
  const Units& units = m_inference.model().units;
  const density::Points<double> points = work.part(chunk.n);
  const auto intervals = static_cast<int>(m_options.frames.size()) - 1;
  const int steps = (m_options.steps + intervals - 1) / intervals;
  const double from = m_options.frames[frame - 1], to = m_options.frames[frame];
  const double direction = to > from ? 1.0 : -1.0;
  // Copies to the device in the order of its kernels do not wait: until they are done they read these host
  // buffers, which on a host are even the memory that the kernels read. So each is rewritten only after a
  // fence.
  const auto diffusion_host = Kokkos::create_mirror_view(work.diffusion);
  const auto deviation_host = Kokkos::create_mirror_view(work.deviation);
  const transport::Drift drift = [&](const ExecutionSpace& space, const density::Points<double>& at,
                                     const transport::PathRates& rates) {
    const auto tau = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), Kokkos::subview(at.tau, 0));
    const std::vector<double> diffusion = m_inference.diffusion(m_options.volatility, units.time(tau()));
    space.fence();
    for (std::size_t s = 0; s < diffusion_host.extent(1); ++s)
      for (std::size_t i = 0; i < diffusion.size(); ++i) diffusion_host(i, s) = direction * diffusion[i];
    Kokkos::deep_copy(space, work.diffusion, diffusion_host);
    m_inference.dynamics().evaluate(
        space, m_inference.parameters(), at,
        {work.values.log_rho, work.values.velocity, {}, rates.drift, work.diffusion, {}, {}, rates.growth});
  };
  for (int k = 0; k < steps; ++k) {
    const double t0 = from + (to - from) * k / steps, t1 = from + (to - from) * (k + 1) / steps;
    const double variance = m_options.volatility.integral_of_square(std::min(t0, t1), std::max(t0, t1));
    work.space.fence();
    for (std::size_t i = 0; i < units.scale.size(); ++i)
      deviation_host(i) = std::sqrt(variance) / units.scale[i];
    Kokkos::deep_copy(work.space, work.deviation, deviation_host);
    const auto number = (frame - 1) * static_cast<std::size_t>(steps) + static_cast<std::size_t>(k);
    const auto normals = Kokkos::subview(work.normals, Kokkos::ALL, Kokkos::make_pair(0, chunk.n));
    transport::fill_normals(work.space, m_options.seed, number,
                            Kokkos::subview(work.particles, Kokkos::make_pair(0, chunk.n)), normals);
    Kokkos::deep_copy(work.space, points.tau, units.tau(t0));  // without the rounding of many small steps
    work.sde.step(work.space, drift, m_options.scheme, points, (t1 - t0) / units.time_span(), work.deviation,
                  normals, work.log_weights(chunk.n));
    transport::keep_finite(work.space, points, work.log_weights(chunk.n),
                           Workspace::part_of(work.last_finite, chunk.n));
  }
}

/// A particle that has failed, or whose state or log weight exceeds the range of numbers, is NaN in all of these.
void TrajectoryIntegrator::save(std::size_t frame, const Chunk& chunk, Trajectories& paths) const {
  const Units& units = m_inference.model().units;
  const auto dims = static_cast<std::size_t>(m_inference.n_dims());
  const auto x_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), m_work->points.x);
  const auto log_weight_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), m_work->log_weight);
  const auto leave_out = [&](int s) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    std::fill_n(&paths.x[chunk.place(s, frame) * dims], dims, nan);
    if (has_weights()) paths.log_weight[chunk.place(s, frame)] = nan;
  };
  for (int s = 0; s < chunk.n; ++s) {
    double* state = &paths.x[chunk.place(s, frame) * dims];
    for (std::size_t i = 0; i < dims; ++i) state[i] = units.to_data(x_host(i, s), i);
    bool finite = std::all_of(state, state + dims, [](double value) { return std::isfinite(value); });
    if (has_weights()) {
      paths.log_weight[chunk.place(s, frame)] =
          log_weight_host(s) + (m_work->log_mass[frame] - m_work->log_mass[chunk.frames.first]);
      finite = finite && std::isfinite(log_weight_host(s));
    }
    if (!finite) leave_out(s);
  }
  if (!is_ode()) return;
  for (const transport::PathEnd& end : m_work->ode.failures(m_work->part(chunk.n))) leave_out(end.particle);
}

/// Where the paths end of those particles of a chunk that did not reach the last frame.
std::vector<transport::PathEnd> TrajectoryIntegrator::path_ends(const Chunk& chunk,
                                                                const Trajectories& paths) const {
  const Workspace& work = *m_work;
  const auto dims = static_cast<std::size_t>(m_inference.n_dims());
  std::vector<transport::PathEnd> ends;
  const auto failed = [&](int s) { return std::isnan(paths.x[chunk.place(s, chunk.frames.last) * dims]); };
  for (int s = 0; s < chunk.n; ++s)
    if (failed(s)) ends.push_back({s, 0, {}, transport::PathFailure::not_finite});
  if (ends.empty()) return ends;
  const auto tau = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), work.last_finite.tau);
  const auto x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), work.last_finite.x);
  std::vector<transport::PathEnd> of_ode;
  if (is_ode()) of_ode = work.ode.failures(work.part(chunk.n));
  for (transport::PathEnd& end : ends) {
    const auto known = std::find_if(of_ode.begin(), of_ode.end(), [&](const transport::PathEnd& other) {
      return other.particle == end.particle;
    });
    if (known != of_ode.end()) {
      end = *known;
      continue;
    }
    end.tau = tau(end.particle);
    for (std::size_t i = 0; i < dims; ++i) end.x.push_back(x(i, end.particle));
  }
  return ends;
}

void TrajectoryIntegrator::note_failures(const Chunk& chunk, Trajectories& paths) const {
  const Units& units = m_inference.model().units;
  for (const transport::PathEnd& end : path_ends(chunk, paths)) {
    const std::size_t particle = chunk.offset + static_cast<std::size_t>(end.particle);
    FailedParticle failed = {
        chunk.first + static_cast<std::int64_t>(particle), units.time(end.tau), {}, end.reason};
    for (std::size_t i = 0; i < end.x.size(); ++i) failed.x.push_back(units.to_data(end.x[i], i));
    paths.energy[particle] = std::numeric_limits<double>::quiet_NaN();
    paths.failed.push_back(std::move(failed));
  }
}

std::string to_text(const FailedParticle& failed, const TimeMeaning& meaning) {
  std::string place;
  for (const double value : failed.x) place += (place.empty() ? "" : ", ") + formatted("%.6g", value);
  return "at t = " + time_text(meaning, failed.t) + ", x = (" + place +
         "): " + transport::to_text(failed.reason);
}

void require_all_followed(const Trajectories& paths) {
  if (paths.failed.empty()) return;
  const FailedParticle& first = paths.failed.front();
  fail_numerics("particle " + std::to_string(first.particle) +
                " cannot be followed beyond this: " + to_text(first));
}

}  // namespace rhoflux::inference
