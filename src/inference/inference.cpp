#include "rhoflux/inference/inference.hpp"

#include <cmath>
#include <stdexcept>
#include <utility>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/density/leading_coordinates.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/metrics/statistics.hpp"
#include "workspace.hpp"

namespace rhoflux::inference {
Inference::Workspace::Workspace(const checkpoint::Checkpoint& checkpoint) {
  const checkpoint::ModelDescription& model = checkpoint.model;
  const int n_dims = model.units.n_dims(), n = default_chunk_size;
  dynamics = std::make_unique<flux::Dynamics<double>>(
      model.config, model.flux, n_dims,
      flux::Dynamics<double>::Capacity{n, flux::Dynamics<double>::Use::drift});
  parameters = on_device<double>(checkpoint.inference_parameters(), "parameters");
  encoding = model.conditions;
  if (!encoding.is_empty()) condition_rows = make_matrix<double>("conditions", encoding.n_rows(), n);
  condition_rows_host = Kokkos::create_mirror_view(condition_rows);
  tau = make_vector<double>("tau", n);
  log_rho = make_vector<double>("log density", n);
  scalar_out = make_vector<double>("output by point", n);
  growth = make_vector<double>("growth rate", dynamics->grows() ? n : 0);
  log_mass = make_vector<double>("log mass", dynamics->grows() ? n : 0);
  x = make_matrix<double>("x", n_dims, n);
  x_out = make_matrix<double>("output by coordinate", n_dims, n);
  x_out2 = make_matrix<double>("second output by coordinate", n_dims, n);
  uniforms = make_matrix<double>("uniforms", dynamics->density().uniforms_per_sample(), n);
  tau_host = Kokkos::create_mirror_view(tau);
  log_rho_host = Kokkos::create_mirror_view(log_rho);
  scalar_out_host = Kokkos::create_mirror_view(scalar_out);
  growth_host = Kokkos::create_mirror_view(growth);
  log_mass_host = Kokkos::create_mirror_view(log_mass);
  x_host = Kokkos::create_mirror_view(x);
  x_out_host = Kokkos::create_mirror_view(x_out);
  x_out2_host = Kokkos::create_mirror_view(x_out2);
  uniforms_host = Kokkos::create_mirror_view(uniforms);
}

const double* Inference::Workspace::condition_of(std::size_t row) const {
  const std::size_t width = encoding.n_variables();
  if (conditions.empty()) fail_input("the model has conditions, and none is given: " + encoding.allowed());
  if (conditions.size() == width) return conditions.data();
  if ((row + 1) * width > conditions.size())
    throw std::logic_error("conditions of fewer points than a call has");
  return &conditions[row * width];
}

std::vector<double> Inference::exchange_conditions(std::vector<double> conditions) const {
  std::swap(m_work->conditions, conditions);
  return conditions;
}

Matrix<double> Inference::condition_rows(std::size_t first, int n) const {
  const ConditionEncoding& encoding = m_work->encoding;
  if (encoding.is_empty()) return {};
  const Matrix<double> rows = make_matrix<double>("conditions", encoding.n_rows(), n);
  const auto host = Kokkos::create_mirror_view(rows);
  for (int s = 0; s < n; ++s)
    encoding.encode(m_work->condition_of(first + static_cast<std::size_t>(s)),
                    [&](int k, double number) { host(k, s) = number; });
  Kokkos::deep_copy(rows, host);
  return rows;
}

void require_shape(const std::vector<double>& t, const std::vector<double>& x, std::size_t n_columns) {
  if (x.size() == t.size() * n_columns) return;
  fail_input("points: " + counted(t.size(), "time") + " and " + counted(x.size(), "coordinate") +
             "; there must be " + counted(n_columns, "coordinate") + " a time");
}

Inference::Inference(const checkpoint::Checkpoint& checkpoint)
    : m_model(checkpoint.model), m_work(std::make_unique<Workspace>(checkpoint)) {}

Inference::~Inference() = default;

template <class Compute, class Take>
void Inference::at_points(const std::vector<double>& t, const std::vector<double>& x, const Compute& compute,
                          const Take& take) const {
  const auto dims = static_cast<std::size_t>(n_dims());
  require_shape(t, x, dims);
  const auto load = [&](std::size_t row, int s) {
    m_work->tau_host(s) = m_model.units.tau(t[row]);
    m_work->load_condition(row, s);
    for (std::size_t i = 0; i < dims; ++i)
      m_work->x_host(i, s) = m_model.units.to_model(x[row * dims + i], i);
  };
  m_work->in_chunks(t.size(), load, compute, take);
}

std::vector<double> Inference::standardised_log_density(const std::vector<double>& t,
                                                        const std::vector<double>& x) const {
  return standardised_log_density(t, x, n_dims());
}

std::vector<double> Inference::standardised_log_density(const std::vector<double>& t,
                                                        const std::vector<double>& x, int n_leading) const {
  Workspace& work = *m_work;
  const density::LeadingCoordinates<double> leading(work.dynamics->density(), n_leading);
  std::vector<double> result(t.size());
  at_points(
      t, x,
      [&](const density::Points<double>& points) {
        work.dynamics->density().log_density(work.space, work.parameters, points, work.log_rho);
      },
      [&](std::size_t row, int s) { result[row] = work.log_rho_host(s); });
  return result;
}

Inference::Derivatives Inference::derivatives(const std::vector<double>& t,
                                              const std::vector<double>& x) const {
  Workspace& work = *m_work;
  const Units& units = m_model.units;
  const auto dims = static_cast<std::size_t>(units.n_dims());
  Derivatives result{std::vector<double>(t.size()), std::vector<double>(x.size()),
                     std::vector<double>(t.size())};
  at_points(
      t, x,
      [&](const density::Points<double>& points) {
        work.dynamics->density().log_density_score(work.space, work.parameters, points, work.log_rho,
                                                   work.scalar_out, work.x_out);
      },
      [&](std::size_t row, int s) {
        result.log_density[row] = work.log_rho_host(s) - units.log_volume();
        result.dlog_density_dt[row] = work.scalar_out_host(s) / units.time_span();
        for (std::size_t i = 0; i < dims; ++i)
          result.score[row * dims + i] = work.x_out_host(i, s) / units.scale[i];
      });
  return result;
}

Inference::DynamicsValues Inference::dynamics_at(const std::vector<double>& t, const std::vector<double>& x,
                                                 const flux::Volatility& volatility) const {
  Workspace& work = *m_work;
  const Units& units = m_model.units;
  const auto dims = static_cast<std::size_t>(units.n_dims());
  DynamicsValues result{std::vector<double>(t.size()),
                        std::vector<double>(x.size()),
                        std::vector<double>(x.size()),
                        std::vector<double>(x.size()),
                        {},
                        {}};
  const bool grows = work.dynamics->grows();
  if (grows) result.growth = result.log_mass = std::vector<double>(t.size());
  at_points(
      t, x,
      [&](const density::Points<double>& points) {
        work.dynamics->evaluate(work.space, work.parameters, points,
                                {work.log_rho, work.x_out, work.x_out2, {}, {}, work.growth, work.log_mass});
      },
      [&](std::size_t row, int s) {
        const double half_square = 0.5 * volatility.at(t[row]) * volatility.at(t[row]);
        result.log_density[row] = work.log_rho_host(s) - units.log_volume();
        if (grows) {
          result.growth[row] = work.growth_host(s) / units.time_span();
          result.log_mass[row] = work.log_mass_host(s);
        }
        for (std::size_t i = 0; i < dims; ++i) {
          const std::size_t at = row * dims + i;
          result.velocity[at] = work.x_out_host(i, s) * units.scale[i] / units.time_span();
          result.score[at] = work.x_out2_host(i, s) / units.scale[i];
          result.drift[at] = result.velocity[at] + (half_square > 0 ? half_square * result.score[at] : 0.0);
        }
      });
  return result;
}

int Inference::n_members() const {
  return m_work->dynamics->n_members();
}

Inference::Spread Inference::spread_of_members(const std::vector<double>& t, const std::vector<double>& x,
                                               const flux::Volatility& volatility) const {
  if (n_members() < 2) throw std::logic_error("the spread of the members of a model that is no ensemble");
  metrics::Deviations log_density, drift, growth;
  for (int k = 0; k < n_members(); ++k) {
    const flux::MemberScope<double> member(*m_work->dynamics, k);
    const DynamicsValues values = dynamics_at(t, x, volatility);
    log_density.add(values.log_density);
    drift.add(values.drift);
    growth.add(values.growth);
  }
  return {log_density.standard(), drift.standard(), growth.standard()};
}

bool Inference::grows() const {
  return m_work->dynamics->grows();
}

std::vector<double> Inference::log_mass(const std::vector<double>& t) const {
  if (!grows()) return std::vector<double>(t.size(), 0.0);
  std::vector<double> x;  // anywhere: the mass depends on time alone
  for (std::size_t row = 0; row < t.size(); ++row)
    x.insert(x.end(), m_model.units.mean.begin(), m_model.units.mean.end());
  const ConditionScope scope(*this,
                             std::vector<double>(m_model.conditions.n_variables(), 0.0));  // nor on them
  return dynamics_at(t, x, flux::Volatility()).log_mass;
}

std::vector<double> Inference::mass(const std::vector<double>& t) const {
  std::vector<double> result = log_mass(t);
  for (double& value : result) value = std::exp(value);
  return result;
}

flux::Dynamics<double>& Inference::dynamics() const {
  return *m_work->dynamics;
}

const Vector<double>& Inference::parameters() const {
  return m_work->parameters;
}

std::vector<double> Inference::diffusion(const flux::Volatility& volatility, double t) const {
  std::vector<double> result;
  for (const double scale : m_model.units.scale)
    result.push_back(0.5 * volatility.at(t) * volatility.at(t) * m_model.units.time_span() / (scale * scale));
  return result;
}

std::vector<double> Inference::sample(const std::vector<double>& t, const std::vector<std::int64_t>& index,
                                      std::uint64_t seed, std::uint64_t stream) const {
  if (t.size() != index.size())
    fail_input("samples: " + counted(t.size(), "time") + " and " + std::to_string(index.size()) +
               " indices; there must be one index a time");
  Workspace& work = *m_work;
  const Units& units = m_model.units;
  const auto dims = static_cast<std::size_t>(units.n_dims());
  const RandomStream random(seed, RandomPurpose::sampling, stream);
  std::vector<double> result(t.size() * dims);
  work.in_chunks(
      t.size(),
      [&](std::size_t row, int s) {
        work.tau_host(s) = units.tau(t[row]);
        work.load_condition(row, s);
        work.load_uniforms(random, static_cast<std::uint64_t>(index[row]), s);
      },
      [&](const density::Points<double>& points) {
        work.dynamics->density().sample(work.space, work.parameters, points, work.uniforms);
      },
      [&](std::size_t row, int s) {
        for (std::size_t i = 0; i < dims; ++i) result[row * dims + i] = units.to_data(work.x_host(i, s), i);
      });
  return result;
}

std::vector<double> Inference::sample_at(double t, std::int64_t begin, std::int64_t end, std::uint64_t seed,
                                         std::uint64_t stream) const {
  std::vector<std::int64_t> index;
  for (std::int64_t k = begin; k < end; ++k) index.push_back(k);
  return sample(std::vector<double>(index.size(), t), index, seed, stream);
}

std::vector<double> Inference::conditional_cdf(const std::vector<double>& t,
                                               const std::vector<double>& x) const {
  Workspace& work = *m_work;
  const auto dims = static_cast<std::size_t>(m_model.units.n_dims());
  std::vector<double> result(x.size());
  at_points(
      t, x,
      [&](const density::Points<double>& points) {
        work.dynamics->density().log_conditional_cdf(work.space, work.parameters, points, work.x_out,
                                                     work.x_out2);
      },
      [&](std::size_t row, int s) {
        for (std::size_t i = 0; i < dims; ++i) result[row * dims + i] = std::exp(work.x_out_host(i, s));
      });
  return result;
}

}  // namespace rhoflux::inference
