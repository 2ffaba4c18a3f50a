#include <algorithm>
#include <cmath>

#include "checks.hpp"
#include "conditional_on_line.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/inference/quadrature.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::inference {
namespace {

constexpr double mass_bound = 1e-6;
constexpr int n_times = 3;

double time_of(int k) {
  return static_cast<double>(k) / (n_times - 1);
}

/// Passed where figure and error are within the bound, failed where the figure is further from 0 than its error and the
/// bound explain.
void conclude(Check& check, double error, const VerificationOptions& options) {
  if (!std::isfinite(check.value) || check.value - error > mass_bound)
    check.verdict = Verdict::failed;
  else if (check.value <= mass_bound && error <= mass_bound)
    check.verdict = Verdict::passed;
  else
    check.note += "; known to " + formatted("%.1e", error) +
                  " only: the model has structure finer than the cells; more of them (--mass-cells, now " +
                  std::to_string(options.quadrature.max_cells) +
                  ") would decide, unless it is finer than the digits of numbers: then the conditionals' "
                  "distribution functions do";
}

/// int f_1 (int f_2 dx_2) dx_1 with the inner integral at each node of the outer.
/// @param outer integral of f_1
Quadrature integrate_inner(const VerifiedModel& model, const mpi::Communicator& comm,
                           const QuadratureConfig& config, const States& given, const DensityOnLine& first,
                           const Quadrature& outer) {
  constexpr double negligible = 1e-10;  // mass of a node
  Quadrature both = {0, outer.error, {}, {}};
  std::vector<double> x, weight;  // nodes with mass to speak of
  const std::vector<double> log_f = first.log_density(outer.x);
  for (std::size_t k = 0; k < outer.x.size(); ++k) {
    const double mass = outer.weight[k] * std::exp(log_f[k]);
    if (mass < negligible) {
      both.mass += mass;
      both.error += mass;
      continue;
    }
    x.push_back(outer.x[k]);
    weight.push_back(mass);
  }
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> values;
    for (std::int64_t k = begin; k < end; ++k) {
      States at = given;
      at.x[0] = x[static_cast<std::size_t>(k)];
      const Quadrature found = integrate(conditional_of(model, at, 1), config);
      values.insert(values.end(), {found.mass, found.error});
    }
    return values;
  };
  constexpr std::int64_t nodes_per_block = 8;
  const std::vector<double> inner =
      mpi::over_blocks(comm, {static_cast<std::int64_t>(x.size()), nodes_per_block}, compute);
  for (std::size_t k = 0; k < x.size(); ++k) {
    both.mass += weight[k] * inner[2 * k];
    both.error += weight[k] * inner[2 * k + 1];
  }
  return both;
}

Quadrature mass_at(const VerifiedModel& model, const mpi::Communicator& comm, const QuadratureConfig& config,
                   double tau) {
  const States given = {{tau}, std::vector<double>(static_cast<std::size_t>(model.n_dims()), 0.0)};
  const DensityOnLine first = conditional_of(model, given, 0);
  const Quadrature outer = integrate(first, config);
  return model.n_dims() == 1 ? outer : integrate_inner(model, comm, config, given, first, outer);
}

}  // namespace

Check check_mass_by_quadrature(const VerifiedModel& model, const mpi::Communicator& comm,
                               const VerificationOptions& options) {
  Check check = {"mass, |int rho - 1|", 0, mass_bound, Verdict::not_decided,
                 "adaptive quadrature at tau = 0, 1/2, 1"};
  double error = 0;
  Progress progress = progress_of(options, "mass by quadrature", n_times);
  for (int k = 0; k < n_times; ++k) {
    const Quadrature found = mass_at(model, comm, options.quadrature, time_of(k));
    check.value = std::max(check.value, deviation_from_one(found));
    error = std::max(error, found.error);
    progress.advance(1);
  }
  conclude(check, error, options);
  return check;
}

/// rho = f_1 f_2 .. f_D integrates to one if every f_i does whatever x_1 .. x_{i-1}: their integrals at a
/// sample of the model for each of the times.
Check check_mass_of_conditionals(const VerifiedModel& model, const mpi::Communicator& comm,
                                 const VerificationOptions& options) {
  const auto dims = static_cast<std::size_t>(model.n_dims());
  std::vector<double> tau;
  for (int k = 0; k < n_times; ++k) tau.push_back(time_of(k));
  const States contexts = model.sample(tau, options.seed, stream::conditionals);
  const auto count = static_cast<std::int64_t>(dims * tau.size());
  Progress progress = progress_of(options, "mass of conditionals", count / comm.size());
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> values;
    for (auto k = static_cast<std::size_t>(begin); k < static_cast<std::size_t>(end); ++k) {
      const std::size_t context = k / dims;
      const Quadrature found =
          integrate(conditional_of(model, contexts.part(context, context + 1), k % dims), options.quadrature);
      values.insert(values.end(), {deviation_from_one(found), found.error});
    }
    progress.advance(end - begin);
    return values;
  };
  constexpr std::int64_t conditionals_per_block = 1;
  const std::vector<double> values = mpi::over_blocks(comm, {count, conditionals_per_block}, compute);
  Check check = {"mass of conditionals, |int f_i - 1|", 0, mass_bound, Verdict::not_decided,
                 "adaptive quadrature at tau = 0, 1/2, 1, the coordinates before from model samples"};
  double error = 0;
  for (std::size_t k = 0; k < values.size(); k += 2) {
    check.value = std::max(check.value, values[k]);
    error = std::max(error, values[k + 1]);
  }
  conclude(check, error, options);
  return check;
}

}  // namespace rhoflux::inference
