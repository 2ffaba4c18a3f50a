// Cost of the parts of the dynamics at one point: density, one tangent pass, drift by each flux, score,
// adjoint, exact samples, all at the default network, measured in turn in the same run. Prints medians over
// rounds of the time of one point, and ratios. See --help.
#include <cmath>
#include <cstdio>

#include "rhoflux/device/backend.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "timing.hpp"

namespace {

using namespace rhoflux;
using namespace benchmarks;

struct Options {
  int n_dims = 5, chunk = default_chunk_size, rounds = 15;
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
      : dynamics({}, config, options.n_dims, {options.chunk}) {
    density::InitialRows rows{options.n_dims, {}};
    for (int k = 0; k < 1000 * options.n_dims; ++k) rows.x.push_back(std::sin(0.37 * k) * 1.5);
    parameters = to_device<Scalar>(dynamics.initialise(rows, 1));
    bar = make_vector<Scalar>("parameters_bar", static_cast<int>(parameters.extent(0)));
  }
  flux::Dynamics<Scalar> dynamics;
  Vector<Scalar> parameters, bar;
};

/// One model for each flux; the triangular one is that of the density.
template <class Scalar>
struct Models {
  explicit Models(const Options& options)
      : triangular(options, {}),
        weighted(options, weighted_config(options.n_dims)),
        sigmoid(options, sigmoid_config()),
        with_tangent(density::make_density<Scalar>({}, options.n_dims, {options.chunk, 1, Passes::forward})) {
  }

  static flux::Config weighted_config(int n_dims) {
    flux::Config config;
    // In one dimension nothing is without divergence.
    if (n_dims > 1) config.divergence_free = flux::DivergenceFree::density_weighted;
    return config;
  }
  static flux::Config sigmoid_config() {
    flux::Config config;
    config.kind = flux::Kind::sigmoid;
    return config;
  }

  Model<Scalar> triangular, weighted, sigmoid;
  /// Density with one direction of tangents; `dynamics` has workspace for it where the flux does.
  std::unique_ptr<density::Density<Scalar>> with_tangent;
};

/// What the parts read, and what they write.
template <class Scalar>
struct Buffers {
  Buffers(const Options& options, int uniforms_per_sample)
      : n_dims(options.n_dims),
        n(options.chunk),
        uniforms(make_matrix<double>("uniforms", uniforms_per_sample, options.chunk)) {
    const auto tau = Kokkos::create_mirror_view(points.tau);
    const auto x = Kokkos::create_mirror_view(points.x);
    const auto random = Kokkos::create_mirror_view(uniforms);
    for (int s = 0; s < n; ++s) {
      tau(s) = static_cast<Scalar>((s + 0.5) / n);
      for (int i = 0; i < n_dims; ++i) x(i, s) = static_cast<Scalar>(1.5 * std::sin(0.61 * s * (i + 1)));
      for (int k = 0; k < uniforms_per_sample; ++k)
        random(k, s) = std::fmod(0.5 + 0.6180339887498949 * (s * uniforms_per_sample + k), 1.0);
    }
    Kokkos::deep_copy(points.tau, tau);
    Kokkos::deep_copy(points.x, x);
    Kokkos::deep_copy(uniforms, random);
    Kokkos::deep_copy(weight, Scalar(1));
    Kokkos::deep_copy(tangent, Scalar(0.5));
    Kokkos::deep_copy(diffusion, Scalar(0.125));
  }

  Vector<Scalar> vector(const char* name) const { return make_vector<Scalar>(name, n); }
  Matrix<Scalar> matrix(const char* name) const { return make_matrix<Scalar>(name, n_dims, n); }

  int n_dims, n;
  density::Points<Scalar> points{vector("tau"), matrix("x")}, samples{points.tau, matrix("samples")};
  Matrix<double> uniforms;
  Vector<Scalar> log_rho = vector("log_rho"), log_rho_dot = vector("log_rho_dot"), weight = vector("weight");
  Matrix<Scalar> tangent = matrix("tangent"), score = matrix("score"), velocity = matrix("velocity"),
                 drift = matrix("drift"), x_bar = matrix("x_bar"), diffusion = matrix("diffusion");
};

template <class Scalar>
std::vector<Part> density_parts(const ExecutionSpace& space, Models<Scalar>& models,
                                const Buffers<Scalar>& of) {
  auto& density = models.triangular.dynamics.density();
  const auto& parameters = models.triangular.parameters;
  const auto& bar = models.triangular.bar;
  auto& with_tangent = *models.with_tangent;
  return {{"log density", [&] { density.log_density(space, parameters, of.points, of.log_rho); }},
          {"log density and one tangent",
           [&] {
             with_tangent.log_density_tangent(space, parameters, of.points, 1, of.weight, of.tangent,
                                              of.log_rho, of.log_rho_dot);
           }},
          {"log density and score",
           [&] {
             density.log_density_score(space, parameters, of.points, of.log_rho, of.log_rho_dot, of.score);
           }},
          {"log density and its gradient",
           [&] { density.log_density_gradient(space, parameters, of.points, of.weight, of.log_rho, bar); }},
          {"exact sample", [&] { density.sample(space, parameters, of.samples, of.uniforms); }}};
}

template <class Scalar>
std::vector<Part> drift_parts(const ExecutionSpace& space, Models<Scalar>& models,
                              const Buffers<Scalar>& of) {
  const flux::DynamicsViews<Scalar> only_velocity{of.log_rho, of.velocity, {}, {}, {}};
  const flux::DynamicsViews<Scalar> with_score{of.log_rho, of.velocity, of.score, of.drift, of.diffusion};
  const auto evaluate = [&](Model<Scalar>& model, const flux::DynamicsViews<Scalar>& views) {
    return
        [&space, &of, &model, views] { model.dynamics.evaluate(space, model.parameters, of.points, views); };
  };
  const auto adjoint = [&](Model<Scalar>& model) {
    return [&space, &of, &model, only_velocity] {
      model.dynamics.evaluate(space, model.parameters, of.points, only_velocity);
      model.dynamics.adjoint(space, model.parameters, of.points, only_velocity, {of.tangent, of.weight},
                             flux::StateKind::fixed, model.bar, of.x_bar);
    };
  };
  return {{"drift, triangular", evaluate(models.triangular, only_velocity)},
          {"drift, sigmoid", evaluate(models.sigmoid, only_velocity)},
          {"drift, density_weighted", evaluate(models.weighted, only_velocity)},
          {"drift of g > 0, triangular", evaluate(models.triangular, with_score)},
          {"drift and its adjoint, triangular", adjoint(models.triangular)},
          {"drift and its adjoint, sigmoid", adjoint(models.sigmoid)},
          {"drift and its adjoint, density_weighted", adjoint(models.weighted)}};
}

/// Medians of the parts, of which the first two are the log density and its tangent.
void print(const std::vector<Part>& parts) {
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

template <class Scalar>
void benchmark(const Options& options) {
  const ExecutionSpace space;
  Models<Scalar> models(options);
  const Buffers<Scalar> buffers(options, models.triangular.dynamics.density().uniforms_per_sample());
  std::vector<Part> parts = density_parts(space, models, buffers);
  for (const Part& part : drift_parts(space, models, buffers)) parts.push_back(part);
  for (int round = 0; round < options.rounds; ++round)
    for (Part& part : parts)
      part.seconds.push_back(1 / rate(SingleProcess(), options.seconds, 1.0 * options.chunk, [&] {
                               part.work();
                               space.fence();
                             }));
  std::printf("D %d  chunk %d  %s  %s\n", options.n_dims, options.chunk,
              options.double_precision ? "double" : "float", blas_name().c_str());
  print(parts);
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
