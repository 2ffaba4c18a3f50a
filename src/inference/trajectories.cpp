#include "rhoflux/inference/trajectories.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "rhoflux/core/error.hpp"

namespace rhoflux::inference {

struct TrajectoryIntegrator::Workspace {
  Workspace(int n_dims, int n)
      : points{make_vector<double>("tau", n), make_matrix<double>("particles", n_dims, n)},
        motion{make_vector<double>("log density", n), make_matrix<double>("velocity", n_dims, n), {}, {}, {}},
        diffusion(make_matrix<double>("diffusion", n_dims, n)),
        normals(make_matrix<double>("normals", n_dims, n)),
        particles("particle numbers", static_cast<std::size_t>(n)),
        metric(make_vector<double>("metric", n_dims)),
        deviation(make_vector<double>("deviation", n_dims)),
        energy(make_vector<double>("energy", n)),
        ode(n_dims, n),
        sde(n_dims, n) {}

  density::Points<double> part(int n) const {
    const auto range = Kokkos::make_pair(0, n);
    return {Kokkos::subview(points.tau, range), Kokkos::subview(points.x, Kokkos::ALL, range)};
  }

  ExecutionSpace space;
  density::Points<double> points;
  flux::DynamicsViews<double> motion;
  Matrix<double> diffusion, normals;
  Vector<std::int64_t> particles;
  Vector<double> metric, deviation, energy;
  transport::DormandPrince ode;
  transport::StochasticIntegrator sde;
};

TrajectoryIntegrator::TrajectoryIntegrator(const Inference& inference, const TrajectoryOptions& options)
    : m_inference(inference),
      m_options(options),
      m_work(std::make_unique<Workspace>(inference.n_dims(), Inference::chunk())) {
  options.ode.validate();
  // int |u|^2 dt in original units: u = scale / span * u_model and dt = span * dtau.
  const Units& units = inference.model().units;
  const auto metric = Kokkos::create_mirror_view(m_work->metric);
  for (std::size_t i = 0; i < units.scale.size(); ++i)
    metric(i) = units.scale[i] * units.scale[i] / units.time_span();
  Kokkos::deep_copy(m_work->metric, metric);
}

TrajectoryIntegrator::~TrajectoryIntegrator() = default;

Trajectories TrajectoryIntegrator::move(const std::vector<double>& x, std::int64_t first) const {
  const auto dims = static_cast<std::size_t>(m_inference.n_dims()), n = x.size() / dims;
  Trajectories paths{std::vector<double>(x.size() * m_options.frames.size()), std::vector<double>(n)};
  const auto chunk = static_cast<std::size_t>(Inference::chunk());
  for (std::size_t begin = 0; begin < n; begin += chunk)
    move_chunk(static_cast<int>(std::min(chunk, n - begin)), first, x, begin, paths);
  return paths;
}

void TrajectoryIntegrator::move_chunk(int n, std::int64_t first, const std::vector<double>& x,
                                      std::size_t offset, Trajectories& paths) const {
  Workspace& work = *m_work;
  const Units& units = m_inference.model().units;
  const auto dims = static_cast<std::size_t>(m_inference.n_dims());
  const density::Points<double> points = work.part(n);
  const auto x_host = Kokkos::create_mirror_view(work.points.x);
  const auto number_host = Kokkos::create_mirror_view(work.particles);
  for (int s = 0; s < n; ++s) {
    number_host(s) = first + static_cast<std::int64_t>(offset) + s;
    for (std::size_t i = 0; i < dims; ++i)
      x_host(i, s) = (x[(offset + static_cast<std::size_t>(s)) * dims + i] - units.mean[i]) / units.scale[i];
  }
  Kokkos::deep_copy(work.points.x, x_host);
  Kokkos::deep_copy(work.particles, number_host);
  Kokkos::deep_copy(work.points.tau, units.tau(m_options.frames.front()));
  Kokkos::deep_copy(work.energy, 0.0);
  const bool is_ode = m_options.noise.is_zero() && m_options.adaptive;
  const transport::Drift velocity = [&](const ExecutionSpace& space, const density::Points<double>& at,
                                        const Matrix<double>& drift) {
    m_inference.dynamics().evaluate(space, m_inference.parameters(), at,
                                    {work.motion.log_rho, drift, {}, {}, {}});
  };
  if (is_ode) work.ode.start(work.space, m_options.ode, n);
  // The start to the bit, not to and from model units.
  for (std::size_t particle = offset; particle < offset + static_cast<std::size_t>(n); ++particle)
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(particle * dims), dims,
                paths.x.begin() + static_cast<std::ptrdiff_t>(particle * m_options.frames.size() * dims));
  for (std::size_t frame = 1; frame < m_options.frames.size(); ++frame) {
    if (is_ode) {
      const auto energy = Kokkos::subview(work.energy, Kokkos::make_pair(0, n));
      try {
        work.ode.advance(work.space, velocity, m_options.ode, points, units.tau(m_options.frames[frame]),
                         work.metric, energy);
      } catch (const Error& error) {
        fail_numerics("particles from number " + std::to_string(first + static_cast<std::int64_t>(offset)) +
                      " on, in model units: " + error.what());
      }
    } else {
      advance_in_steps(frame, n);
    }
    save(frame, n, first, offset, paths);
  }
  const auto energy_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), work.energy);
  for (int s = 0; s < n; ++s) paths.energy[offset + static_cast<std::size_t>(s)] = energy_host(s);
}

/// The steps between two frames; all particles have the same time.
void TrajectoryIntegrator::advance_in_steps(std::size_t frame, int n) const {
  Workspace& work = *m_work;
  const Units& units = m_inference.model().units;
  const density::Points<double> points = work.part(n);
  const auto intervals = static_cast<int>(m_options.frames.size()) - 1;
  const int steps = (m_options.steps + intervals - 1) / intervals;
  const double from = m_options.frames[frame - 1], to = m_options.frames[frame];
  const double direction = to > from ? 1.0 : -1.0;
  const auto diffusion_host = Kokkos::create_mirror_view(work.diffusion);
  const auto deviation_host = Kokkos::create_mirror_view(work.deviation);
  const transport::Drift drift = [&](const ExecutionSpace& space, const density::Points<double>& at,
                                     const Matrix<double>& u) {
    const auto tau = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), Kokkos::subview(at.tau, 0));
    const std::vector<double> rate =
        m_inference.diffusion(m_options.noise, units.t_first + tau() * units.time_span());
    for (std::size_t s = 0; s < diffusion_host.extent(1); ++s)
      for (std::size_t i = 0; i < rate.size(); ++i) diffusion_host(i, s) = direction * rate[i];
    Kokkos::deep_copy(space, work.diffusion, diffusion_host);
    m_inference.dynamics().evaluate(space, m_inference.parameters(), at,
                                    {work.motion.log_rho, work.motion.velocity, {}, u, work.diffusion});
  };
  for (int k = 0; k < steps; ++k) {
    const double t0 = from + (to - from) * k / steps, t1 = from + (to - from) * (k + 1) / steps;
    const double variance = m_options.noise.integral_of_square(std::min(t0, t1), std::max(t0, t1));
    for (std::size_t i = 0; i < units.scale.size(); ++i)
      deviation_host(i) = std::sqrt(variance) / units.scale[i];
    Kokkos::deep_copy(work.space, work.deviation, deviation_host);
    const auto number = (frame - 1) * static_cast<std::size_t>(steps) + static_cast<std::size_t>(k);
    const auto normals = Kokkos::subview(work.normals, Kokkos::ALL, Kokkos::make_pair(0, n));
    transport::fill_normals(work.space, m_options.seed, number,
                            Kokkos::subview(work.particles, Kokkos::make_pair(0, n)), normals);
    Kokkos::deep_copy(work.space, points.tau, units.tau(t0));  // without the rounding of many small steps
    work.sde.step(work.space, drift, m_options.scheme, points, (t1 - t0) / units.time_span(), work.deviation,
                  normals);
  }
}

void TrajectoryIntegrator::save(std::size_t frame, int n, std::int64_t first, std::size_t offset,
                                Trajectories& paths) const {
  const Units& units = m_inference.model().units;
  const auto dims = static_cast<std::size_t>(m_inference.n_dims()), n_frames = m_options.frames.size();
  const auto x_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), m_work->points.x);
  for (int s = 0; s < n; ++s) {
    const std::size_t particle = offset + static_cast<std::size_t>(s);
    for (std::size_t i = 0; i < dims; ++i) {
      const double value = units.mean[i] + units.scale[i] * x_host(i, s);
      if (!std::isfinite(value)) {
        char text[160];
        std::snprintf(text, sizeof(text), "particle %lld is not finite at t = %g; try more --steps",
                      static_cast<long long>(first + static_cast<std::int64_t>(particle)),
                      m_options.frames[frame]);
        fail_numerics(text);
      }
      paths.x[(particle * n_frames + frame) * dims + i] = value;
    }
  }
}

}  // namespace rhoflux::inference
