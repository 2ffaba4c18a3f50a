#include "rhoflux/flux/divergence_free.hpp"

#include "rhoflux/device/loops.hpp"

namespace rhoflux::flux {
namespace {

/// Where the entries of the antisymmetric matrix lie in the outputs of the network: row `entry(a, b)`, a < b.
/// Columns: n samples, then for each coordinate j the derivatives by x_j.
template <class Scalar>
struct AntisymmetricField {
  Matrix<Scalar> outputs;
  int n_dims, n;

  RHOFLUX_FUNCTION int entry(int a, int b) const { return a * n_dims - a * (a + 1) / 2 + (b - a - 1); }
  /// B_ab.
  RHOFLUX_FUNCTION Scalar at(int a, int b, int s) const {
    if (a == b) return Scalar(0);
    return a < b ? outputs(entry(a, b), s) : -outputs(entry(b, a), s);
  }
  /// sum_b d_b B_ab.
  RHOFLUX_FUNCTION Scalar divergence(int a, int s) const {
    Scalar sum = 0;
    for (int b = 0; b < n_dims; ++b) {
      if (b == a) continue;
      const Scalar rate = outputs(a < b ? entry(a, b) : entry(b, a), (b + 1) * n + s);
      sum += a < b ? rate : -rate;
    }
    return sum;
  }
};

}  // namespace

template <class Scalar>
DivergenceFreePart<Scalar>::DivergenceFreePart(const Config& config, const network::FourierConfig& time,
                                               int n_conditions, int n_dims, int max_samples, Passes passes,
                                               MatrixPrecision precision, network::ParameterLayout& layout)
    : m_density_weighted(config.divergence_free == DivergenceFree::density_weighted), m_n_dims(n_dims) {
  network::NetworkConfig network;
  network.name = "divergence_free";
  network.time = time;
  network.coordinate.raw_value = network::RawValue::included;
  network.dense_coordinates = n_dims;
  network.n_conditions = n_conditions;
  network.hidden = config.hidden;
  network.outputs_per_stage = n_dims * (n_dims - 1) / 2;
  network.max_columns = max_samples * (1 + n_dims);
  network.passes = passes;
  network.precision = precision;
  m_network = std::make_unique<network::MaskedNetwork<Scalar>>(network, layout);
  m_directions = make_matrix<Scalar>("unit vectors", n_dims, n_dims * max_samples);
}

template <class Scalar>
void DivergenceFreePart<Scalar>::initialise(std::vector<double>& parameters, std::uint64_t seed) const {
  m_network->initialise(parameters, seed);
  m_network->clear_outputs(parameters);
}

template <class Scalar>
void DivergenceFreePart<Scalar>::add_velocity(const ExecutionSpace& space,
                                              const ConstVector<Scalar>& parameters,
                                              const density::Points<Scalar>& points,
                                              const Vector<Scalar>& log_rho, const Matrix<Scalar>& score,
                                              const Matrix<Scalar>& velocity) {
  const int n = points.size(), n_dims = m_n_dims;
  const bool density_weighted = m_density_weighted;
  const Matrix<Scalar> directions = m_directions;
  for_each_entry(
      space, "unit vectors", n_dims, n * n_dims,
      KOKKOS_LAMBDA(int i, int column) { directions(i, column) = Scalar(i == column / n ? 1 : 0); });
  m_network->begin(space, {n, n_dims}, points.tau, {}, points.conditions);
  m_network->feed_dense(space, points.x, directions);
  m_network->evaluate(space, parameters, 0);
  const AntisymmetricField<Scalar> field = {m_network->outputs(), n_dims, n};
  for_each(
      space, "divergence-free velocity", n * n_dims, KOKKOS_LAMBDA(int item) {
        const int s = item / n_dims, a = item % n_dims;
        Scalar v = field.divergence(a, s);
        if (density_weighted) {
          for (int b = 0; b < n_dims; ++b) v += field.at(a, b, s) * score(b, s);
        } else {
          v = math::scaled_by_exp(v, -log_rho(s));
        }
        velocity(a, s) += v;
      });
}

template <class Scalar>
void DivergenceFreePart<Scalar>::adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                         int n, const Vector<Scalar>& log_rho, const Matrix<Scalar>& score,
                                         const Matrix<Scalar>& velocity_bar,
                                         const Vector<Scalar>& parameters_bar, const Matrix<Scalar>& x_bar,
                                         const Matrix<Scalar>& score_bar, const Vector<Scalar>& log_rho_bar) {
  const int n_dims = m_n_dims;
  const bool density_weighted = m_density_weighted;
  const AntisymmetricField<Scalar> field = {m_network->outputs(), n_dims, n};
  const Matrix<Scalar> out_bar = m_network->outputs_bar();
  for_each(
      space, "divergence-free adjoint", n, KOKKOS_LAMBDA(int s) {
        const Scalar factor = density_weighted ? Scalar(1) : math::exp(-log_rho(s));
        for (int a = 0; a < n_dims; ++a) {
          for (int b = a + 1; b < n_dims; ++b) {
            const int row = field.entry(a, b);
            for (int j = 0; j < n_dims; ++j) out_bar(row, (j + 1) * n + s) = 0;
            out_bar(row, (b + 1) * n + s) = factor * velocity_bar(a, s);
            out_bar(row, (a + 1) * n + s) = -factor * velocity_bar(b, s);
            out_bar(row, s) = density_weighted
                                  ? velocity_bar(a, s) * score(b, s) - velocity_bar(b, s) * score(a, s)
                                  : Scalar(0);
          }
          if (density_weighted)
            for (int b = 0; b < n_dims; ++b) score_bar(b, s) += field.at(a, b, s) * velocity_bar(a, s);
          else
            log_rho_bar(s) -= factor * velocity_bar(a, s) * field.divergence(a, s);
        }
      });
  network::AdjointScope scope;
  scope.inputs = true;
  m_network->adjoint(space, parameters, parameters_bar, scope);
  m_network->dense_adjoint(space, x_bar, {});
}

template class DivergenceFreePart<float>;
template class DivergenceFreePart<double>;

}  // namespace rhoflux::flux
