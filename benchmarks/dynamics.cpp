// Cost of the parts of the dynamics at one point: density, one tangent pass, drift by each flux, score,
// adjoint, exact draws, all at the default network, measured in turn in the same run. Prints medians over
// rounds of the time of one point, and ratios. See --help.
#include <cmath>
#include <cstdio>

#include "rhoflux/flux/dynamics.hpp"
#include "timing.hpp"

namespace {

using namespace rhoflux;
using namespace benchmarks;

struct Options {
  int n_dims = 5, chunk = 128, rounds = 15;
  bool double_precision = false;
  double seconds = 0.2;  ///< length of one measurement
};

/// A part of the work, and how long one point took in each round.
struct Part {
  const char* name;
  std::function<void()> work;
  std::vector<double> seconds = {};
};

template <class Scalar>
Vector<Scalar> to_device(const std::vector<double>& values) {
  const auto vector = make_vector<Scalar>("values", static_cast<int>(values.size()));
  const auto host = Kokkos::create_mirror_view(vector);
  for (std::size_t k = 0; k < values.size(); ++k) host(k) = static_cast<Scalar>(values[k]);
  Kokkos::deep_copy(vector, host);
  return vector;
}

template <class Scalar>
struct Model {
  Model(const Options& options, const flux::Config& config)
      : dynamics({}, config, options.n_dims, {options.chunk, true, true}) {
    density::InitialRows rows{options.n_dims, {}};
    for (int k = 0; k < 1000 * options.n_dims; ++k) rows.x.push_back(std::sin(0.37 * k) * 1.5);
    parameters = to_device<Scalar>(dynamics.initialise(rows, 1));
    bar = make_vector<Scalar>("parameters_bar", static_cast<int>(parameters.extent(0)));
  }
  flux::Dynamics<Scalar> dynamics;
  Vector<Scalar> parameters, bar;
};

template <class Scalar>
void benchmark(const Options& options) {
  const ExecutionSpace space;
  const int d = options.n_dims, n = options.chunk;
  flux::Config config;
  Model<Scalar> triangular(options, config);
  // In one dimension nothing is without divergence.
  if (d > 1) config.divergence_free = flux::DivergenceFree::density_weighted;
  Model<Scalar> weighted(options, config);
  config = {};
  config.kind = flux::Kind::sigmoid;
  Model<Scalar> sigmoid(options, config);

  const density::Points<Scalar> points = {make_vector<Scalar>("tau", n), make_matrix<Scalar>("x", d, n)};
  const density::Points<Scalar> drawn = {points.tau, make_matrix<Scalar>("drawn", d, n)};
  const auto tau = Kokkos::create_mirror_view(points.tau);
  const auto x = Kokkos::create_mirror_view(points.x);
  for (int s = 0; s < n; ++s) {
    tau(s) = static_cast<Scalar>((s + 0.5) / n);
    for (int i = 0; i < d; ++i) x(i, s) = static_cast<Scalar>(1.5 * std::sin(0.61 * s * (i + 1)));
  }
  Kokkos::deep_copy(points.tau, tau);
  Kokkos::deep_copy(points.x, x);

  auto& density = triangular.dynamics.density();
  const auto log_rho = make_vector<Scalar>("log_rho", n), log_rho_dot = make_vector<Scalar>("log_rho_dot", n),
             weight = make_vector<Scalar>("weight", n);
  const auto matrix = [&](const char* name) { return make_matrix<Scalar>(name, d, n); };
  const auto tangent = matrix("tangent"), score = matrix("score"), velocity = matrix("velocity"),
             drift = matrix("drift"), x_bar = matrix("x_bar"), diffusion = matrix("diffusion");
  Kokkos::deep_copy(weight, Scalar(1));
  Kokkos::deep_copy(tangent, Scalar(0.5));
  Kokkos::deep_copy(diffusion, Scalar(0.125));
  const auto uniforms = make_matrix<double>("uniforms", density.uniforms_per_sample(), n);
  const auto random = Kokkos::create_mirror_view(uniforms);
  for (int s = 0; s < n; ++s)
    for (int k = 0; k < density.uniforms_per_sample(); ++k)
      random(k, s) = std::fmod(0.5 + 0.6180339887498949 * (s * density.uniforms_per_sample() + k), 1.0);
  Kokkos::deep_copy(uniforms, random);

  // Density with one direction of tangents; `dynamics` has workspace for it where the flux does.
  const auto with_tangent = density::make_density<Scalar>({}, d, {n, 1, false});
  const flux::DynamicsViews<Scalar> only_velocity{log_rho, velocity, {}, {}, {}};
  const flux::DynamicsViews<Scalar> with_score{log_rho, velocity, score, drift, diffusion};
  const auto moves = [&](Model<Scalar>& model, const flux::DynamicsViews<Scalar>& motion) {
    return [&] { model.dynamics.evaluate(space, model.parameters, points, motion); };
  };
  const auto adjoint = [&](Model<Scalar>& model) {
    return [&] {
      model.dynamics.evaluate(space, model.parameters, points, only_velocity);
      model.dynamics.adjoint(space, model.parameters, points, only_velocity, tangent, weight,
                             flux::StateKind::fixed, model.bar, x_bar);
    };
  };
  std::vector<Part> parts = {
      {"log density", [&] { density.log_density(space, triangular.parameters, points, log_rho); }},
      {"log density and one tangent",
       [&] {
         with_tangent->log_density_tangent(space, triangular.parameters, points, 1, weight, tangent, log_rho,
                                           log_rho_dot);
       }},
      {"log density and score",
       [&] { density.log_density_score(space, triangular.parameters, points, log_rho, log_rho_dot, score); }},
      {"log density and its gradient",
       [&] {
         density.log_density_gradient(space, triangular.parameters, points, weight, log_rho, triangular.bar);
       }},
      {"exact draw", [&] { density.sample(space, triangular.parameters, drawn, uniforms); }},
      {"drift, triangular", moves(triangular, only_velocity)},
      {"drift, sigmoid", moves(sigmoid, only_velocity)},
      {"drift, density_weighted", moves(weighted, only_velocity)},
      {"drift of g > 0, triangular", moves(triangular, with_score)},
      {"drift and its adjoint, triangular", adjoint(triangular)},
      {"drift and its adjoint, sigmoid", adjoint(sigmoid)},
      {"drift and its adjoint, density_weighted", adjoint(weighted)}};

  for (int round = 0; round < options.rounds; ++round)
    for (Part& part : parts)
      part.seconds.push_back(1 / rate(SingleProcess(), options.seconds, 1.0 * n, [&] {
                               part.work();
                               space.fence();
                             }));
  std::printf("D %d  chunk %d  %s  %s\n", d, n, options.double_precision ? "double" : "float",
              blas_name().c_str());
  std::printf("%-42s %10s %14s %12s\n", "", "us/point", "/ log density", "/ tangent");
  for (const Part& part : parts) {
    std::vector<double> to_density, to_tangent;
    for (std::size_t k = 0; k < part.seconds.size(); ++k) {
      to_density.push_back(part.seconds[k] / parts[0].seconds[k]);
      to_tangent.push_back(part.seconds[k] / parts[1].seconds[k]);
    }
    std::printf("%-42s %10.2f %14.2f %12.2f\n", part.name, 1e6 * median(part.seconds), median(to_density),
                median(to_tangent));
  }
}

}  // namespace

int main(int argc, char** argv) {
  rhoflux::ensure_blas_environment(argv);
  Options options;
  OptionTable table("dynamics: cost of density, drift, score, samples and adjoints");
  table.add("dims", &options.n_dims, "D")
      .add("chunk", &options.chunk, "points that go through the network together")
      .add("rounds", &options.rounds, "measurements, of which the median is printed")
      .add("double", &options.double_precision, "in double precision");
  return run_benchmark(table, argc, argv, [&] {
    options.double_precision ? benchmark<double>(options) : benchmark<float>(options);
  });
}
