#include "rhoflux/training/inference.hpp"

#include <algorithm>
#include <cmath>

#include "rhoflux/core/random.hpp"

namespace rhoflux::training {
namespace {
constexpr int chunk_size = 128;
}

struct Inference::Workspace {
  std::unique_ptr<density::Density<double>> density;
  ExecutionSpace space;
  Vector<double> parameters, tau, log_rho, tau_bar;
  Matrix<double> x, x_out, x_out2, uniforms;
  Vector<double>::HostMirror tau_host, log_rho_host, tau_bar_host;
  Matrix<double>::HostMirror x_host, x_out_host, uniforms_host;

  /// The first n points of the buffers.
  density::Points<double> points(int n) const {
    const auto part = Kokkos::make_pair(0, n);
    return {Kokkos::subview(tau, part), Kokkos::subview(x, Kokkos::ALL, part)};
  }
};

Inference::Inference(const Checkpoint& checkpoint)
    : m_model(checkpoint.model), m_work(std::make_unique<Workspace>()) {
  Workspace& work = *m_work;
  const int n_dims = m_model.units.n_dims();
  work.density = density::make_density<double>(m_model.config, n_dims, {chunk_size, 0, true});
  const std::vector<double>& values = checkpoint.inference_parameters();
  work.parameters = make_vector<double>("parameters", static_cast<int>(values.size()));
  const auto host = Kokkos::create_mirror_view(work.parameters);
  std::copy(values.begin(), values.end(), host.data());
  Kokkos::deep_copy(work.parameters, host);
  work.tau = make_vector<double>("tau", chunk_size);
  work.log_rho = make_vector<double>("log density", chunk_size);
  work.tau_bar = make_vector<double>("time derivative", chunk_size);
  work.x = make_matrix<double>("x", n_dims, chunk_size);
  work.x_out = make_matrix<double>("output by coordinate", n_dims, chunk_size);
  work.x_out2 = make_matrix<double>("second output by coordinate", n_dims, chunk_size);
  work.uniforms = make_matrix<double>("uniforms", work.density->uniforms_per_sample(), chunk_size);
  work.tau_host = Kokkos::create_mirror_view(work.tau);
  work.log_rho_host = Kokkos::create_mirror_view(work.log_rho);
  work.tau_bar_host = Kokkos::create_mirror_view(work.tau_bar);
  work.x_host = Kokkos::create_mirror_view(work.x);
  work.x_out_host = Kokkos::create_mirror_view(work.x_out);
  work.uniforms_host = Kokkos::create_mirror_view(work.uniforms);
}

Inference::~Inference() = default;

namespace {

/// Calls run(first, n) for each chunk of `count` points.
template <class Run>
void for_each_chunk(std::size_t count, const Run& run) {
  for (std::size_t first = 0; first < count; first += chunk_size)
    run(first, static_cast<int>(std::min<std::size_t>(chunk_size, count - first)));
}

/// Copies a chunk of points to the device in model units.
template <class Workspace>
void load(Workspace& work, const Standardisation& units, const std::vector<double>& t,
          const std::vector<double>& x, std::size_t first, int n) {
  const auto dims = static_cast<std::size_t>(units.n_dims());
  for (int s = 0; s < n; ++s) {
    const std::size_t row = first + static_cast<std::size_t>(s);
    work.tau_host(s) = units.tau(t[row]);
    for (std::size_t i = 0; i < dims; ++i)
      work.x_host(i, s) = (x[row * dims + i] - units.mean[i]) / units.scale[i];
  }
  Kokkos::deep_copy(work.tau, work.tau_host);
  Kokkos::deep_copy(work.x, work.x_host);
}

}  // namespace

std::vector<double> Inference::standardised_log_density(const std::vector<double>& t,
                                                        const std::vector<double>& x) const {
  Workspace& work = *m_work;
  std::vector<double> result(t.size());
  for_each_chunk(t.size(), [&](std::size_t first, int n) {
    load(work, m_model.units, t, x, first, n);
    work.density->log_density(work.space, work.parameters, work.points(n), work.log_rho);
    Kokkos::deep_copy(work.log_rho_host, work.log_rho);
    std::copy_n(work.log_rho_host.data(), n, result.begin() + static_cast<std::ptrdiff_t>(first));
  });
  return result;
}

Inference::Derivatives Inference::derivatives(const std::vector<double>& t,
                                              const std::vector<double>& x) const {
  Workspace& work = *m_work;
  const Standardisation& units = m_model.units;
  const auto dims = static_cast<std::size_t>(units.n_dims());
  Derivatives result{std::vector<double>(t.size()), std::vector<double>(x.size()),
                     std::vector<double>(t.size())};
  for_each_chunk(t.size(), [&](std::size_t first, int n) {
    load(work, units, t, x, first, n);
    work.density->log_density_score(work.space, work.parameters, work.points(n), work.log_rho, work.tau_bar,
                                    work.x_out);
    Kokkos::deep_copy(work.log_rho_host, work.log_rho);
    Kokkos::deep_copy(work.tau_bar_host, work.tau_bar);
    Kokkos::deep_copy(work.x_out_host, work.x_out);
    for (int s = 0; s < n; ++s) {
      const std::size_t row = first + static_cast<std::size_t>(s);
      result.log_density[row] = work.log_rho_host(s) - units.log_volume();
      result.dlog_density_dt[row] = work.tau_bar_host(s) / units.time_span();
      for (std::size_t i = 0; i < dims; ++i)
        result.score[row * dims + i] = work.x_out_host(i, s) / units.scale[i];
    }
  });
  return result;
}

std::vector<double> Inference::sample(const std::vector<double>& t, const std::vector<std::int64_t>& index,
                                      std::uint64_t seed, std::uint64_t stream) const {
  Workspace& work = *m_work;
  const Standardisation& units = m_model.units;
  const auto dims = static_cast<std::size_t>(units.n_dims());
  const int n_uniforms = work.density->uniforms_per_sample();
  const RandomStream random(seed, RandomPurpose::sampling, stream);
  std::vector<double> result(t.size() * dims);
  for_each_chunk(t.size(), [&](std::size_t first, int n) {
    for (int s = 0; s < n; ++s) {
      const std::size_t row = first + static_cast<std::size_t>(s);
      work.tau_host(s) = units.tau(t[row]);
      for (int k = 0; k < n_uniforms; k += 2) {
        const auto pair =
            random.uniforms(static_cast<std::uint64_t>(index[row]), static_cast<std::uint32_t>(k / 2));
        work.uniforms_host(k, s) = pair.first;
        if (k + 1 < n_uniforms) work.uniforms_host(k + 1, s) = pair.second;
      }
    }
    Kokkos::deep_copy(work.tau, work.tau_host);
    Kokkos::deep_copy(work.uniforms, work.uniforms_host);
    work.density->sample(work.space, work.parameters, work.points(n), work.uniforms);
    Kokkos::deep_copy(work.x_host, work.x);
    for (int s = 0; s < n; ++s)
      for (std::size_t i = 0; i < dims; ++i)
        result[(first + static_cast<std::size_t>(s)) * dims + i] =
            units.mean[i] + units.scale[i] * work.x_host(i, s);
  });
  return result;
}

std::vector<double> Inference::conditional_cdf(const std::vector<double>& t,
                                               const std::vector<double>& x) const {
  Workspace& work = *m_work;
  const auto dims = static_cast<std::size_t>(m_model.units.n_dims());
  std::vector<double> result(x.size());
  for_each_chunk(t.size(), [&](std::size_t first, int n) {
    load(work, m_model.units, t, x, first, n);
    work.density->log_conditional_cdf(work.space, work.parameters, work.points(n), work.x_out, work.x_out2);
    Kokkos::deep_copy(work.x_out_host, work.x_out);
    for (int s = 0; s < n; ++s)
      for (std::size_t i = 0; i < dims; ++i)
        result[(first + static_cast<std::size_t>(s)) * dims + i] = std::exp(work.x_out_host(i, s));
  });
  return result;
}

}  // namespace rhoflux::training
