// The sum of the gradient over ranks during the backward pass of real models: it begins before the pass has
// ended, and has the bits of a sum that begins afterwards.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/parallel/gradient_reduction.hpp"
#include "support/device_data.hpp"

namespace rhoflux {
namespace {

constexpr int n_dims = 3, chunk = 8, batch = 64, n_lanes = 4;

using Case = std::tuple<density::Family, density::MixtureWeights, flux::Kind, flux::DivergenceFree>;

density::Config density_config(const Case& of) {
  density::Config config;
  config.family = std::get<0>(of);
  config.weights = std::get<1>(of);
  config.n_logistics = config.n_products = 3;
  config.hidden = {12, 12};
  config.time_features = 4;
  return config;
}

flux::Config flux_config(const Case& of) {
  flux::Config config;
  config.kind = std::get<2>(of);
  config.divergence_free = std::get<3>(of);
  config.hidden = {8};
  return config;
}

/// Likelihood and, where `has_motion`, velocity times sines, at points that depend on the sample alone.
class Model {
 public:
  Model(const Case& of, const mpi::Communicator& comm)
      : m_dynamics(density_config(of), flux_config(of), n_dims, {chunk}),
        m_partition(comm, batch, n_lanes),
        m_reduction(comm, m_partition, m_dynamics.layout().size()) {
    density::InitialRows rows{n_dims, {}};
    for (int k = 0; k < 50 * n_dims; ++k) rows.x.push_back(std::sin(0.37 * k) * 1.5);
    std::vector<double> initial = m_dynamics.initialise(rows, 3);
    for (std::size_t k = 0; k < initial.size(); ++k)
      initial[k] += 0.05 * std::sin(0.9 * static_cast<double>(k));
    m_parameters = on_device<float>(initial, "parameters");
    m_points = {make_vector<float>("tau", chunk), make_matrix<float>("x", n_dims, chunk)};
    m_weight = make_vector<float>("weight", chunk);
    m_zero = make_vector<float>("zero", chunk);
    Kokkos::deep_copy(m_weight, 1.0F);
    m_motion.log_rho = make_vector<float>("log rho", chunk);
    m_motion.velocity = make_matrix<float>("velocity", n_dims, chunk);
    m_drift_bar = make_matrix<float>("drift adjoint", n_dims, chunk);
    m_x_bar = make_matrix<float>("state adjoint", n_dims, chunk);
    m_dynamics.set_gradient_listener(&m_reduction);
  }

  /// @return the gradient; n_begun: buckets whose sum had begun when the passes were done
  std::vector<float> gradient(bool watch, bool has_motion, int& n_begun) {
    if (watch) m_reduction.watch({has_motion});
    const ExecutionSpace space;
    const mpi::Share lanes = m_partition.local_lanes();
    for (std::int64_t lane = lanes.begin; lane < lanes.end; ++lane) {
      const Vector<float>& bar = m_reduction.lane(static_cast<int>(lane - lanes.begin));
      Kokkos::deep_copy(bar, 0.0F);
      const mpi::Share samples = m_partition.samples_of(lane);
      for (std::int64_t first = samples.begin; first < samples.end; first += chunk) {
        place(first);
        m_dynamics.density().log_density_gradient(space, m_parameters, m_points, m_weight, m_motion.log_rho,
                                                  bar);
        if (!has_motion) continue;
        m_dynamics.evaluate(space, m_parameters, m_points, m_motion);
        Kokkos::deep_copy(m_x_bar, 0.0F);
        m_dynamics.adjoint(space, m_parameters, m_points, m_motion, {m_drift_bar, m_zero},
                           flux::StateKind::sampled, bar, m_x_bar);
      }
    }
    n_begun = m_reduction.n_begun();
    (void)m_reduction.sum(std::vector<double>(static_cast<std::size_t>(lanes.size()), 0.0), 1);
    const auto host = test::on_host(m_reduction.lane(0));
    return std::vector<float>(host.data(), host.data() + host.extent(0));
  }

 private:
  void place(std::int64_t first) {
    const auto tau = Kokkos::create_mirror_view(m_points.tau);
    const auto x = Kokkos::create_mirror_view(m_points.x);
    const auto bar = Kokkos::create_mirror_view(m_drift_bar);
    for (int s = 0; s < chunk; ++s) {
      const auto sample = static_cast<double>(first + s);
      tau(s) = static_cast<float>(0.5 + 0.5 * std::sin(1.1 * sample));
      for (int i = 0; i < n_dims; ++i) {
        x(i, s) = static_cast<float>(1.2 * std::sin(0.7 * sample + i));
        bar(i, s) = static_cast<float>(std::cos(0.3 * sample - i));
      }
    }
    Kokkos::deep_copy(m_points.tau, tau);
    Kokkos::deep_copy(m_points.x, x);
    Kokkos::deep_copy(m_drift_bar, bar);
  }

  flux::Dynamics<float> m_dynamics;
  parallel::BatchPartition m_partition;
  parallel::GradientReduction<float> m_reduction;
  Vector<float> m_parameters, m_weight, m_zero;
  density::Points<float> m_points;
  flux::DynamicsViews<float> m_motion;
  Matrix<float> m_drift_bar, m_x_bar;
};

class Overlap : public testing::TestWithParam<Case> {};

TEST_P(Overlap, BeginsDuringTheBackwardPassAndKeepsTheBits) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  Model model(GetParam(), comm);
  for (const bool has_motion : {false, true}) {
    int n_begun = 0;
    const std::vector<float> expected = model.gradient(false, has_motion, n_begun);
    EXPECT_EQ(n_begun, 0);
    float largest = 0;
    for (const float entry : expected) largest = std::max(largest, std::abs(entry));
    EXPECT_GT(largest, 0);
    for (int step = 0; step < 3; ++step) {
      EXPECT_EQ(model.gradient(true, has_motion, n_begun), expected) << step;
      if (step == 0 || comm.size() == 1)
        EXPECT_EQ(n_begun, 0) << step;
      else
        EXPECT_GE(n_begun, 1) << step;
    }
  }
}

using density::Family;
using density::MixtureWeights;
using flux::DivergenceFree;
using flux::Kind;
INSTANTIATE_TEST_SUITE_P(Models, Overlap,
                         testing::Values(Case{Family::autoregressive, MixtureWeights::time_dependent,
                                              Kind::triangular, DivergenceFree::none},
                                         Case{Family::autoregressive, MixtureWeights::time_constant,
                                              Kind::triangular, DivergenceFree::density_weighted},
                                         Case{Family::autoregressive, MixtureWeights::time_dependent,
                                              Kind::sigmoid, DivergenceFree::antisymmetric},
                                         Case{Family::factorised, MixtureWeights::time_constant,
                                              Kind::triangular, DivergenceFree::none},
                                         Case{Family::factorised, MixtureWeights::time_dependent,
                                              Kind::triangular, DivergenceFree::density_weighted}));

}  // namespace
}  // namespace rhoflux
