#include "rhoflux/inference/inference.hpp"

#include <algorithm>
#include <cmath>

#include "rhoflux/core/random.hpp"

namespace rhoflux::inference {
namespace {
constexpr int chunk_size = 128;
}

struct Inference::Workspace {
  std::unique_ptr<flux::Dynamics<double>> dynamics;
  ExecutionSpace space;
  Vector<double> parameters, tau, log_rho, tau_bar;
  Matrix<double> x, x_out, x_out2, uniforms;
  Vector<double>::HostMirror tau_host, log_rho_host, tau_bar_host;
  Matrix<double>::HostMirror x_host, x_out_host, x_out2_host, uniforms_host;

  /// The first n points of the buffers.
  density::Points<double> points(int n) const {
    const auto part = Kokkos::make_pair(0, n);
    return {Kokkos::subview(tau, part), Kokkos::subview(x, Kokkos::ALL, part)};
  }
};

Inference::Inference(const checkpoint::Checkpoint& checkpoint)
    : m_model(checkpoint.model), m_work(std::make_unique<Workspace>()) {
  Workspace& work = *m_work;
  const int n_dims = m_model.units.n_dims();
  work.dynamics = std::make_unique<flux::Dynamics<double>>(
      m_model.config, m_model.flux, n_dims, flux::Dynamics<double>::Use{chunk_size, true, false});
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
  work.uniforms = make_matrix<double>("uniforms", work.dynamics->density().uniforms_per_sample(), chunk_size);
  work.tau_host = Kokkos::create_mirror_view(work.tau);
  work.log_rho_host = Kokkos::create_mirror_view(work.log_rho);
  work.tau_bar_host = Kokkos::create_mirror_view(work.tau_bar);
  work.x_host = Kokkos::create_mirror_view(work.x);
  work.x_out_host = Kokkos::create_mirror_view(work.x_out);
  work.x_out2_host = Kokkos::create_mirror_view(work.x_out2);
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
void load(Workspace& work, const Units& units, const std::vector<double>& t, const std::vector<double>& x,
          std::size_t first, int n) {
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
    work.dynamics->density().log_density(work.space, work.parameters, work.points(n), work.log_rho);
    Kokkos::deep_copy(work.log_rho_host, work.log_rho);
    std::copy_n(work.log_rho_host.data(), n, result.begin() + static_cast<std::ptrdiff_t>(first));
  });
  return result;
}

std::vector<double> Inference::standardised_log_density(const std::vector<double>& t,
                                                        const std::vector<double>& x, int n_leading) const {
  m_work->dynamics->density().restrict_to(n_leading);
  std::vector<double> result = standardised_log_density(t, x);
  m_work->dynamics->density().restrict_to(n_dims());
  return result;
}

Inference::Derivatives Inference::derivatives(const std::vector<double>& t,
                                              const std::vector<double>& x) const {
  Workspace& work = *m_work;
  const Units& units = m_model.units;
  const auto dims = static_cast<std::size_t>(units.n_dims());
  Derivatives result{std::vector<double>(t.size()), std::vector<double>(x.size()),
                     std::vector<double>(t.size())};
  for_each_chunk(t.size(), [&](std::size_t first, int n) {
    load(work, units, t, x, first, n);
    work.dynamics->density().log_density_score(work.space, work.parameters, work.points(n), work.log_rho,
                                               work.tau_bar, work.x_out);
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

Inference::DynamicsValues Inference::motion(const std::vector<double>& t, const std::vector<double>& x,
                                            const flux::Volatility& noise) const {
  Workspace& work = *m_work;
  const Units& units = m_model.units;
  const auto dims = static_cast<std::size_t>(units.n_dims());
  DynamicsValues result{std::vector<double>(t.size()), std::vector<double>(x.size()),
                        std::vector<double>(x.size()), std::vector<double>(x.size())};
  for_each_chunk(t.size(), [&](std::size_t first, int n) {
    load(work, units, t, x, first, n);
    work.dynamics->evaluate(work.space, work.parameters, work.points(n),
                            {work.log_rho, work.x_out, work.x_out2, {}, {}});
    Kokkos::deep_copy(work.log_rho_host, work.log_rho);
    Kokkos::deep_copy(work.x_out_host, work.x_out);
    Kokkos::deep_copy(work.x_out2_host, work.x_out2);
    for (int s = 0; s < n; ++s) {
      const std::size_t row = first + static_cast<std::size_t>(s);
      const double half_square = 0.5 * noise.at(t[row]) * noise.at(t[row]);
      result.log_density[row] = work.log_rho_host(s) - units.log_volume();
      for (std::size_t i = 0; i < dims; ++i) {
        const std::size_t at = row * dims + i;
        result.velocity[at] = work.x_out_host(i, s) * units.scale[i] / units.time_span();
        result.score[at] = work.x_out2_host(i, s) / units.scale[i];
        result.drift[at] = result.velocity[at] + (half_square > 0 ? half_square * result.score[at] : 0.0);
      }
    }
  });
  return result;
}

bool Inference::is_exact(const Marginal& marginal) const {
  for (std::size_t k = 0; k < marginal.dims.size(); ++k)
    if (marginal.dims[k] != static_cast<int>(k)) return false;
  return static_cast<int>(marginal.dims.size()) == n_dims() ||
         m_model.flux.divergence_free == flux::DivergenceFree::none;
}

Inference::MarginalValues Inference::marginal(const std::vector<double>& t, const std::vector<double>& x,
                                              const Marginal& marginal, const flux::Volatility& noise) const {
  return is_exact(marginal) ? exact_marginal(t, x, marginal, noise) : sampled_marginal(t, x, marginal, noise);
}

Inference::MarginalValues Inference::exact_marginal(const std::vector<double>& t,
                                                    const std::vector<double>& x, const Marginal& marginal,
                                                    const flux::Volatility& noise) const {
  const auto dims = static_cast<std::size_t>(n_dims()), kept = marginal.dims.size();
  std::vector<double> states;
  for (std::size_t row = 0; row < t.size(); ++row)
    for (std::size_t i = 0; i < dims; ++i)
      states.push_back(i < kept ? x[row * kept + i] : m_model.units.mean[i]);
  density::Density<double>& density = m_work->dynamics->density();
  density.restrict_to(static_cast<int>(kept));
  const DynamicsValues found = motion(t, states, noise);
  density.restrict_to(n_dims());
  double other_volume = 0;  // motion() has divided by the scales of all coordinates
  for (std::size_t i = kept; i < dims; ++i) other_volume += std::log(m_model.units.scale[i]);
  MarginalValues result;
  result.density_error.assign(t.size(), 0.0);
  for (std::size_t row = 0; row < t.size(); ++row) {
    result.density.push_back(std::exp(found.log_density[row] + other_volume));
    for (std::size_t i = 0; i < kept; ++i) result.drift.push_back(found.drift[row * dims + i]);
  }
  return result;
}

Inference::MarginalValues Inference::sampled_marginal(const std::vector<double>& t,
                                                      const std::vector<double>& x, const Marginal& marginal,
                                                      const flux::Volatility& noise) const {
  Workspace& work = *m_work;
  const Units& units = m_model.units;
  const auto dims = static_cast<std::size_t>(n_dims()), kept = marginal.dims.size();
  const auto n_samples = static_cast<std::size_t>(marginal.samples);
  const auto is_given = make_vector<int>("given coordinates", n_dims());
  const auto is_given_host = Kokkos::create_mirror_view(is_given);
  for (std::size_t i = 0; i < dims; ++i) is_given_host(i) = 0;
  double log_volume = 0;
  for (const int i : marginal.dims) {
    is_given_host(i) = 1;
    log_volume += std::log(units.scale[static_cast<std::size_t>(i)]);
  }
  Kokkos::deep_copy(is_given, is_given_host);
  const RandomStream random(marginal.seed, RandomPurpose::metrics, 2);
  const int n_uniforms = work.dynamics->density().uniforms_per_sample();
  std::vector<double> weight(t.size() * n_samples), drift(t.size() * n_samples * kept);
  // One column for each draw at each point.
  for_each_chunk(weight.size(), [&](std::size_t first, int n) {
    for (int s = 0; s < n; ++s) {
      const std::size_t row = (first + static_cast<std::size_t>(s)) / n_samples;
      const std::size_t draw = (first + static_cast<std::size_t>(s)) % n_samples;
      work.tau_host(s) = units.tau(t[row]);
      for (std::size_t i = 0; i < kept; ++i) {
        const auto dim = static_cast<std::size_t>(marginal.dims[i]);
        work.x_host(dim, s) = (x[row * kept + i] - units.mean[dim]) / units.scale[dim];
      }
      for (int k = 0; k < n_uniforms; k += 2) {
        const auto pair = random.uniforms(draw, static_cast<std::uint32_t>(k / 2));
        work.uniforms_host(k, s) = pair.first;
        if (k + 1 < n_uniforms) work.uniforms_host(k + 1, s) = pair.second;
      }
    }
    Kokkos::deep_copy(work.tau, work.tau_host);
    Kokkos::deep_copy(work.x, work.x_host);
    Kokkos::deep_copy(work.uniforms, work.uniforms_host);
    work.dynamics->density().complete(work.space, work.parameters, work.points(n), is_given, work.uniforms,
                                      work.tau_bar);
    Kokkos::deep_copy(work.tau_bar_host, work.tau_bar);
    work.dynamics->evaluate(work.space, work.parameters, work.points(n),
                            {work.log_rho, work.x_out, work.x_out2, {}, {}});
    Kokkos::deep_copy(work.x_out_host, work.x_out);
    Kokkos::deep_copy(work.x_out2_host, work.x_out2);
    for (int s = 0; s < n; ++s) {
      const std::size_t column = first + static_cast<std::size_t>(s);
      const double half_square = 0.5 * std::pow(noise.at(t[column / n_samples]), 2);
      weight[column] = std::exp(work.tau_bar_host(s) - log_volume);
      for (std::size_t i = 0; i < kept; ++i) {
        const auto dim = static_cast<std::size_t>(marginal.dims[i]);
        double& u = drift[column * kept + i];
        u = work.x_out_host(dim, s) * units.scale[dim] / units.time_span();
        // Far out the score may overflow where the velocity does not.
        if (half_square > 0) u += half_square * work.x_out2_host(dim, s) / units.scale[dim];
      }
    }
  });
  MarginalValues result;
  for (std::size_t row = 0; row < t.size(); ++row) {
    double sum = 0, square = 0;
    std::vector<double> mean(kept, 0.0);
    for (std::size_t column = row * n_samples; column < (row + 1) * n_samples; ++column) {
      sum += weight[column];
      square += weight[column] * weight[column];
      for (std::size_t i = 0; i < kept && weight[column] > 0; ++i)  // a drift may overflow where rho is 0
        mean[i] += weight[column] * drift[column * kept + i];
    }
    const auto count = static_cast<double>(n_samples);
    const double density = sum / count;
    result.density.push_back(density);
    result.density_error.push_back(
        n_samples > 1 ? std::sqrt(std::max(0.0, square / count - density * density) / (count - 1)) : 0.0);
    for (const double value : mean) result.drift.push_back(sum > 0 ? value / sum : 0.0);
  }
  return result;
}

flux::Dynamics<double>& Inference::dynamics() const {
  return *m_work->dynamics;
}

const Vector<double>& Inference::parameters() const {
  return m_work->parameters;
}

int Inference::chunk() {
  return chunk_size;
}

std::vector<double> Inference::diffusion(const flux::Volatility& noise, double t) const {
  std::vector<double> result;
  for (const double scale : m_model.units.scale)
    result.push_back(0.5 * noise.at(t) * noise.at(t) * m_model.units.time_span() / (scale * scale));
  return result;
}

std::vector<double> Inference::sample(const std::vector<double>& t, const std::vector<std::int64_t>& index,
                                      std::uint64_t seed, std::uint64_t stream) const {
  Workspace& work = *m_work;
  const Units& units = m_model.units;
  const auto dims = static_cast<std::size_t>(units.n_dims());
  const int n_uniforms = work.dynamics->density().uniforms_per_sample();
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
    work.dynamics->density().sample(work.space, work.parameters, work.points(n), work.uniforms);
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
    work.dynamics->density().log_conditional_cdf(work.space, work.parameters, work.points(n), work.x_out,
                                                 work.x_out2);
    Kokkos::deep_copy(work.x_out_host, work.x_out);
    for (int s = 0; s < n; ++s)
      for (std::size_t i = 0; i < dims; ++i)
        result[(first + static_cast<std::size_t>(s)) * dims + i] = std::exp(work.x_out_host(i, s));
  });
  return result;
}

}  // namespace rhoflux::inference
