#include "rhoflux/inference/verification.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <sstream>

#include "rhoflux/core/random.hpp"
#include "rhoflux/metrics/residual.hpp"

namespace rhoflux::inference {
namespace {

constexpr double residual_bound = 1e-5;
constexpr double mass_bound = 1e-6;
constexpr double far_bound = 1e-6;
constexpr double ks_significance = 1e-4;  ///< of all tests together
constexpr int n_mass_times = 3;
constexpr double far_scale = 50;  ///< standard deviations

std::string formatted(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

/// Times and states in model units, states (n, n_dims) in C order.
struct Sample {
  std::vector<double> tau, x;
};

/// The model in model units.
class UnitModel {
 public:
  explicit UnitModel(const Inference& inference) : m_inference(inference) {}
  std::size_t dims() const { return static_cast<std::size_t>(m_inference.n_dims()); }

  Sample draw(const std::vector<double>& tau, std::uint64_t seed, std::uint64_t stream) const {
    std::vector<std::int64_t> index(tau.size());
    std::iota(index.begin(), index.end(), 0);
    Sample sample = {tau, m_inference.sample(times(tau), index, seed, stream)};
    for (std::size_t k = 0; k < sample.x.size(); ++k)
      sample.x[k] = (sample.x[k] - units().mean[k % dims()]) / units().scale[k % dims()];
    return sample;
  }
  std::vector<double> log_density(const Sample& at) const {
    return m_inference.standardised_log_density(times(at.tau), states(at.x));
  }
  /// Of the first n_leading coordinates.
  std::vector<double> log_density(const Sample& at, int n_leading) const {
    return m_inference.standardised_log_density(times(at.tau), states(at.x), n_leading);
  }
  std::vector<double> conditional_cdf(const Sample& at) const {
    return m_inference.conditional_cdf(times(at.tau), states(at.x));
  }
  Inference::DynamicsValues motion(const Sample& at, const flux::Volatility& noise) const {
    Inference::DynamicsValues values = m_inference.motion(times(at.tau), states(at.x), noise);
    for (double& log_rho : values.log_density) log_rho += units().log_volume();
    for (std::vector<double>* rates : {&values.drift, &values.velocity})
      for (std::size_t k = 0; k < rates->size(); ++k)
        (*rates)[k] *= units().time_span() / units().scale[k % dims()];
    return values;
  }
  std::vector<double> diffusion(const flux::Volatility& noise, double tau) const {
    return m_inference.diffusion(noise, times({tau}).front());
  }

 private:
  const Units& units() const { return m_inference.model().units; }
  std::vector<double> times(std::vector<double> tau) const {
    for (double& t : tau) t = units().t_first + t * units().time_span();
    return tau;
  }
  std::vector<double> states(std::vector<double> x) const {
    for (std::size_t k = 0; k < x.size(); ++k)
      x[k] = units().mean[k % dims()] + units().scale[k % dims()] * x[k];
    return x;
  }
  const Inference& m_inference;
};

/// Computes `width` numbers for each of `count` items in blocks that do not depend on the number of ranks,
/// and gives all of them to every rank.
template <class Compute>
std::vector<double> over_ranks(const mpi::Communicator& comm, std::size_t count, const Compute& compute,
                               std::size_t block = 128) {
  const auto blocks = static_cast<std::int64_t>((count + block - 1) / block);
  const mpi::Share mine = mpi::share_of(blocks, comm.rank(), comm.size());
  std::vector<double> local;
  for (std::int64_t k = mine.begin; k < mine.end; ++k) {
    const std::size_t begin = static_cast<std::size_t>(k) * block;
    const std::vector<double> values = compute(begin, std::min(begin + block, count));
    local.insert(local.end(), values.begin(), values.end());
  }
  return comm.all_gather(local);
}

Sample part_of(const Sample& sample, std::size_t begin, std::size_t end, std::size_t dims) {
  const auto at = [](const std::vector<double>& v, std::size_t k) {
    return v.begin() + static_cast<std::ptrdiff_t>(k);
  };
  return {{at(sample.tau, begin), at(sample.tau, end)},
          {at(sample.x, begin * dims), at(sample.x, end * dims)}};
}

std::vector<double> stratified_times(int count, std::uint64_t seed) {
  const RandomStream random(seed, RandomPurpose::metrics, 0);
  std::vector<double> tau;
  for (int k = 0; k < count; ++k)
    tau.push_back((k + random.uniforms(static_cast<std::uint64_t>(k), 0).first) / count);
  return tau;
}

std::vector<Check> check_equation(const UnitModel& model, const mpi::Communicator& comm,
                                  const VerificationOptions& options) {
  const Sample points = model.draw(stratified_times(options.points, options.seed), options.seed, 1000);
  const metrics::Evaluate evaluate = [&](const std::vector<double>& tau, const std::vector<double>& x,
                                         std::vector<double>& log_rho, std::vector<double>& drift) {
    Inference::DynamicsValues values = model.motion({tau, x}, options.noise);
    log_rho = std::move(values.log_density);
    drift = std::move(values.drift);
  };
  const auto compute = [&](std::size_t begin, std::size_t end) {
    const Sample part = part_of(points, begin, end, model.dims());
    std::vector<double> values;
    for (const metrics::PointResidual& point : metrics::fokker_planck_residuals(
             evaluate, part.tau, part.x, [&](double tau) { return model.diffusion(options.noise, tau); }))
      values.insert(values.end(), {point.rate, point.residual});
    return values;
  };
  const std::vector<double> values = over_ranks(comm, points.tau.size(), compute);
  std::vector<metrics::PointResidual> found;
  for (std::size_t k = 0; k < values.size(); k += 2) found.push_back({values[k], values[k + 1]});
  const metrics::Residual residual = metrics::summarise(found);
  const std::string note = "relative to max |d_t rho|, " + std::to_string(options.points) +
                           " samples, g = " + options.noise.to_string();
  return {{"Fokker-Planck residual, largest", residual.largest, residual_bound,
           residual.largest < residual_bound, note},
          {"Fokker-Planck residual, RMS", residual.rms, residual_bound, residual.rms < residual_bound, note}};
}

/// Gauss-Legendre on [-1, 1]: 4 and 6 points.
constexpr std::array<double, 4> nodes4 = {-0.8611363115940526, -0.3399810435848563, 0.3399810435848563,
                                          0.8611363115940526};
constexpr std::array<double, 4> weights4 = {0.3478548451374538, 0.6521451548625461, 0.6521451548625461,
                                            0.3478548451374538};
constexpr std::array<double, 6> nodes6 = {-0.9324695142031521, -0.6612093864662645, -0.2386191860831969,
                                          0.2386191860831969,  0.6612093864662645,  0.9324695142031521};
constexpr std::array<double, 6> weights6 = {0.1713244923791704, 0.3607615730481386, 0.4679139345726910,
                                            0.4679139345726910, 0.3607615730481386, 0.1713244923791704};

/// An interval of (-1, 1), which x = w y / (1 - y^2) maps to the whole line: the integrand ends at 0 however
/// wide a logistic tail is, since x grows faster towards the ends than the logarithm of dx/dy.
struct Cell {
  double low, high;
};

constexpr double map_width = 2;

double to_line(double y) {
  return map_width * y / ((1 - y) * (1 + y));
}

/// Adds the nodes of a rule on a cell, and their weights with the Jacobian of the map.
template <std::size_t n>
void add_nodes(const Cell& cell, const std::array<double, n>& nodes, const std::array<double, n>& weights,
               std::vector<double>& x, std::vector<double>& weight) {
  for (std::size_t a = 0; a < n; ++a) {
    const double half = 0.5 * (cell.high - cell.low);
    const double y = 0.5 * (cell.high + cell.low) + half * nodes[a];
    x.push_back(to_line(y));
    const double gap = (1 - y) * (1 + y);
    weight.push_back(half * weights[a] * map_width * (1 + y * y) / (gap * gap));
  }
}

/// The conditional density f_i of a coordinate and its distribution function F_i, those before it given.
struct Conditional {
  using Function = std::function<std::vector<double>(const std::vector<double>&)>;
  Function log_density, cdf;
};

/// @param given times and states: of the first counts the time and the i coordinates before
Conditional conditional_of(const UnitModel& model, const Sample& given, std::size_t i) {
  const std::size_t dims = model.dims();
  const auto states_at = [given, dims, i](const std::vector<double>& x_i) {
    Sample states = {std::vector<double>(x_i.size(), given.tau.front()), {}};
    for (const double x : x_i) {
      states.x.insert(states.x.end(), given.x.begin(), given.x.begin() + static_cast<std::ptrdiff_t>(dims));
      states.x[states.x.size() - dims + i] = x;
    }
    return states;
  };
  const int n_given = static_cast<int>(i);
  const double log_given = i == 0 ? 0.0 : model.log_density(given, n_given).front();
  return {[&model, states_at, n_given, log_given](const std::vector<double>& x) {
            std::vector<double> log_f = model.log_density(states_at(x), n_given + 1);
            for (double& value : log_f) value -= log_given;
            return log_f;
          },
          [&model, states_at, dims, i](const std::vector<double>& x) {
            const std::vector<double> levels = model.conditional_cdf(states_at(x));
            std::vector<double> level;
            for (std::size_t k = i; k < levels.size(); k += dims) level.push_back(levels[k]);
            return level;
          }};
}

/// The integral of a conditional density over cells that are halved where a rule of 4 and one of 6 points
/// differ, or where they differ from F_i: between them a component narrower than the nodes are apart can hide
/// from the rules, not from F_i. It only chooses the cells, what is summed is the density.
struct Quadrature {
  double mass = 0, error = 0;
  std::vector<double> x, weight;  ///< nodes of the rule
};
Quadrature integrate(const Conditional& conditional) {
  constexpr double tolerance = 1e-10;  // of a cell
  constexpr int n_start = 64;
  constexpr std::size_t max_cells = 4000;
  constexpr double min_width = 1e-12;  // the last nodes at x of 1e12: what lies beyond is missed
  std::vector<Cell> cells;
  for (int a = 0; a < n_start; ++a) cells.push_back({-1 + 2.0 * a / n_start, -1 + 2.0 * (a + 1) / n_start});
  Quadrature result;
  std::size_t used = 0;
  while (!cells.empty()) {
    used += cells.size();
    std::vector<double> x, weight, faces;
    for (const Cell& cell : cells) {
      add_nodes(cell, nodes4, weights4, x, weight);
      add_nodes(cell, nodes6, weights6, x, weight);
      for (const double y : {cell.low, cell.high}) faces.push_back(std::fabs(y) < 1 ? to_line(y) : 0.0);
    }
    const std::vector<double> log_f = conditional.log_density(x), level = conditional.cdf(faces);
    std::vector<Cell> next;
    for (std::size_t k = 0, at = 0; k < cells.size(); ++k) {
      const Cell& cell = cells[k];
      double coarse = 0, fine = 0;
      for (std::size_t m = 0; m < nodes4.size(); ++m, ++at) coarse += weight[at] * std::exp(log_f[at]);
      const std::size_t begin = at;
      for (std::size_t m = 0; m < nodes6.size(); ++m, ++at) fine += weight[at] * std::exp(log_f[at]);
      const double below = cell.low > -1 ? level[2 * k] : 0.0, above = cell.high < 1 ? level[2 * k + 1] : 1.0;
      const double error = std::fabs(fine - coarse);
      if (std::max(error, std::fabs(fine - (above - below))) < tolerance || used > max_cells ||
          cell.high - cell.low < min_width) {
        result.mass += fine;
        result.error += error;
        for (std::size_t m = begin; m < at; ++m) {
          result.x.push_back(x[m]);
          result.weight.push_back(weight[m]);
        }
      } else {
        const double middle = 0.5 * (cell.low + cell.high);
        next.insert(next.end(), {{cell.low, middle}, {middle, cell.high}});
      }
    }
    cells = std::move(next);
  }
  return result;
}

/// |mass - 1|, infinite where it is not a number.
double deviation(const Quadrature& found) {
  const double difference = std::fabs(found.mass - 1);
  return std::isnan(difference) ? HUGE_VAL : difference;
}

void conclude(Check& check, double error) {
  if (error > mass_bound) {
    check.bound = error;
    check.note += "; structure too fine for the cells allowed, the bound is the error estimate";
  }
  check.passed = check.value <= check.bound;
}

/// Mass at a time of a model in one or two dimensions, in two as int f_1 (int f_2 dx_2) dx_1 with the inner
/// integral at each node of the outer.
Quadrature mass_at(const UnitModel& model, const mpi::Communicator& comm, double tau) {
  const Sample given = {{tau}, std::vector<double>(model.dims(), 0.0)};
  const Conditional first = conditional_of(model, given, 0);
  const Quadrature outer = integrate(first);
  if (model.dims() == 1) return outer;
  Quadrature both = {0, outer.error, {}, {}};
  std::vector<double> x, weight;  // where there is mass to speak of
  const std::vector<double> log_f = first.log_density(outer.x);
  for (std::size_t k = 0; k < outer.x.size(); ++k) {
    const double mass = outer.weight[k] * std::exp(log_f[k]);
    if (mass < 1e-10) {
      both.mass += mass;
      both.error += mass;
      continue;
    }
    x.push_back(outer.x[k]);
    weight.push_back(mass);
  }
  constexpr std::size_t block = 8;
  const auto compute = [&](std::size_t begin, std::size_t end) {
    std::vector<double> values;
    for (std::size_t k = begin; k < end; ++k) {
      Sample at = given;
      at.x[0] = x[k];
      const Quadrature found = integrate(conditional_of(model, at, 1));
      values.insert(values.end(), {found.mass, found.error});
    }
    return values;
  };
  const std::vector<double> inner = over_ranks(comm, x.size(), compute, block);
  for (std::size_t k = 0; k < x.size(); ++k) {
    both.mass += weight[k] * inner[2 * k];
    both.error += weight[k] * inner[2 * k + 1];
  }
  return both;
}

Check mass_by_quadrature(const UnitModel& model, const mpi::Communicator& comm) {
  Check check = {"mass, |int rho - 1|", 0, mass_bound, true, "adaptive quadrature at tau = 0, 1/2, 1"};
  double error = 0;
  for (int k = 0; k < n_mass_times; ++k) {
    const Quadrature found = mass_at(model, comm, static_cast<double>(k) / (n_mass_times - 1));
    check.value = std::max(check.value, deviation(found));
    error = std::max(error, found.error);
  }
  conclude(check, error);
  return check;
}

/// rho = f_1 f_2 .. f_D integrates to one if every f_i does whatever x_1 .. x_{i-1}: their integrals, with
/// f_i the ratio of the marginals of i and i - 1 leading coordinates, at a sample of the model for each of
/// the times.
Check mass_of_conditionals(const UnitModel& model, const mpi::Communicator& comm,
                           const VerificationOptions& options) {
  const std::size_t dims = model.dims();
  std::vector<double> tau;
  for (int k = 0; k < n_mass_times; ++k) tau.push_back(static_cast<double>(k) / (n_mass_times - 1));
  const Sample contexts = model.draw(tau, options.seed, 1004);
  const auto compute = [&](std::size_t begin, std::size_t end) {
    std::vector<double> values;
    for (std::size_t k = begin; k < end; ++k) {
      const std::size_t context = k / dims;
      const Quadrature found =
          integrate(conditional_of(model, part_of(contexts, context, context + 1, dims), k % dims));
      values.insert(values.end(), {deviation(found), found.error});
    }
    return values;
  };
  // A conditional at a time.
  const std::vector<double> values = over_ranks(comm, dims * tau.size(), compute, 1);
  Check check = {"mass of conditionals, |int f_i - 1|", 0, mass_bound, true,
                 "adaptive quadrature at tau = 0, 1/2, 1, the coordinates before drawn from the model"};
  double error = 0;
  for (std::size_t k = 0; k < values.size(); k += 2) {
    check.value = std::max(check.value, values[k]);
    error = std::max(error, values[k + 1]);
  }
  conclude(check, error);
  return check;
}

/// E_q[rho / q] with q a mixture of logistic kernels on samples of the model, a little wider than they are
/// apart; nothing where q is too far from rho, as it is in many dimensions.
std::optional<Check> mass_by_sampling(const UnitModel& model, const mpi::Communicator& comm,
                                      const VerificationOptions& options) {
  constexpr std::size_t n_centres = 2000, n_points = 20000;
  const std::size_t dims = model.dims();
  const double bandwidth = 0.9 * std::pow(n_centres, -1.0 / (static_cast<double>(dims) + 4));
  const Sample centres = model.draw(std::vector<double>(n_centres, 0.5), options.seed, 1001);
  const RandomStream random(options.seed, RandomPurpose::metrics, 1);
  std::vector<double> spread(dims, 0.0);  // of each coordinate, as mean distance from the mean
  for (std::size_t i = 0; i < dims; ++i) {
    double mean = 0;
    for (std::size_t c = 0; c < n_centres; ++c) mean += centres.x[c * dims + i] / n_centres;
    for (std::size_t c = 0; c < n_centres; ++c)
      spread[i] += bandwidth * std::fabs(centres.x[c * dims + i] - mean) / n_centres;
  }
  const auto compute = [&](std::size_t begin, std::size_t end) {
    Sample points;
    for (std::size_t s = begin; s < end; ++s) {
      points.tau.push_back(0.5);
      for (std::size_t i = 0; i < dims; ++i) {
        const double u = random.uniforms(s, static_cast<std::uint32_t>(i)).first;
        points.x.push_back(centres.x[s % n_centres * dims + i] + spread[i] * std::log(u / (1 - u)));
      }
    }
    const std::vector<double> log_rho = model.log_density(points);
    std::vector<double> ratios;
    for (std::size_t s = 0; s < log_rho.size(); ++s) {
      double q = 0;
      for (std::size_t c = 0; c < n_centres; ++c) {
        double kernel = 1;
        for (std::size_t i = 0; i < dims; ++i) {
          const double e = std::exp(-std::fabs(points.x[s * dims + i] - centres.x[c * dims + i]) / spread[i]);
          kernel *= e / (spread[i] * (1 + e) * (1 + e));
        }
        q += kernel / n_centres;
      }
      ratios.push_back(std::exp(log_rho[s] - std::log(q)));
    }
    return ratios;
  };
  const std::vector<double> ratios = over_ranks(comm, n_points, compute);
  double sum = 0, square = 0;
  for (const double ratio : ratios) {
    sum += ratio;
    square += ratio * ratio;
  }
  const double mean = sum / n_points;
  const double standard_error = std::sqrt((square / n_points - mean * mean) / n_points);
  // With few points that count, neither the mean nor its error can be believed: nothing is said then.
  constexpr double min_effective = 100;
  if (!(sum * sum > min_effective * square)) return {};
  return Check{"mass, |int rho - 1|", std::fabs(mean - 1), 5 * standard_error,
               std::fabs(mean - 1) <= 5 * standard_error,
               "importance sampling at tau = 1/2; the bound is 5 standard errors"};
}

/// Mass that crosses the faces x_i = -50 and x_i = 50 in a unit of tau: the flux of the marginal of x_i, the
/// other coordinates integrated out.
Check check_far_flux(const Inference& inference, const mpi::Communicator& comm,
                     const VerificationOptions& options) {
  constexpr std::size_t n_times = 64;
  const Units& units = inference.model().units;
  const std::vector<double> tau = stratified_times(n_times, options.seed);
  const auto n_faces = 2 * static_cast<std::size_t>(inference.n_dims());
  const auto compute = [&](std::size_t begin, std::size_t end) {
    std::vector<double> flux;
    for (std::size_t k = begin; k < end; ++k) {
      const std::size_t i = k / n_times / 2;
      const double side = k / n_times % 2 == 0 ? -far_scale : far_scale;
      const Inference::MarginalValues values = inference.marginal(
          {units.t_first + tau[k % n_times] * units.time_span()}, {units.mean[i] + side * units.scale[i]},
          {{static_cast<int>(i)}, 64, options.seed}, {});
      const double density = values.density.front();
      flux.push_back(density > 0 ? std::fabs(density * values.drift.front()) * units.time_span() : 0.0);
    }
    return flux;
  };
  const std::vector<double> flux = over_ranks(comm, n_faces * n_times, compute);
  double value = 0;
  for (const double crossing : flux) value = std::isfinite(crossing) ? std::max(value, crossing) : HUGE_VAL;
  return {"flux through a far boundary", value, far_bound, value <= far_bound,
          "mass per unit of tau through x_i = mean +- 50 standard deviations"};
}

/// Asymptotic distribution of sqrt(n) D_n: P(K > x) = 2 sum (-1)^{k-1} e^{-2 k^2 x^2}, solved for x at a
/// small p.
double ks_threshold(double p) {
  return std::sqrt(-0.5 * std::log(0.5 * p));
}

Check check_samples(const UnitModel& model, const mpi::Communicator& comm,
                    const VerificationOptions& options) {
  const auto n = static_cast<std::size_t>(options.samples);
  const std::size_t dims = model.dims();
  const Sample sample = model.draw(stratified_times(options.samples, options.seed), options.seed, 1003);
  const std::vector<double> levels = over_ranks(comm, n, [&](std::size_t begin, std::size_t end) {
    return model.conditional_cdf(part_of(sample, begin, end, dims));
  });
  double largest = 0;
  for (std::size_t i = 0; i < dims; ++i) {
    std::vector<double> column(n);
    for (std::size_t s = 0; s < n; ++s) column[s] = levels[s * dims + i];
    std::sort(column.begin(), column.end());
    for (std::size_t s = 0; s < n; ++s) {
      const double step = 1.0 / static_cast<double>(n), below = static_cast<double>(s) * step;
      largest = std::max({largest, column[s] - below, below + step - column[s]});
    }
  }
  const double value = std::sqrt(static_cast<double>(n)) * largest;
  const double bound = ks_threshold(ks_significance / static_cast<double>(dims));
  return {"Kolmogorov-Smirnov of samples", value, bound, value <= bound,
          "sqrt(n) D_n, largest over the coordinates, " + std::to_string(n) + " samples"};
}

}  // namespace

std::vector<Check> verify(const Inference& inference, const mpi::Communicator& comm,
                          const VerificationOptions& options) {
  const UnitModel model(inference);
  std::vector<Check> checks = check_equation(model, comm, options);
  if (inference.n_dims() <= 2) {
    checks.push_back(mass_by_quadrature(model, comm));
  } else {
    checks.push_back(mass_of_conditionals(model, comm, options));
    const std::optional<Check> by_sampling = mass_by_sampling(model, comm, options);
    if (by_sampling) {
      checks.push_back(*by_sampling);
    } else {
      checks.back().note += "; importance sampling of the whole says nothing in so many";
    }
  }
  checks.push_back(check_far_flux(inference, comm, options));
  checks.push_back(check_samples(model, comm, options));
  return checks;
}

std::string to_json(const std::vector<Check>& checks) {
  const auto number = [](double value) {
    return std::isfinite(value) ? formatted("%.12g", value) : std::string("null");
  };
  std::ostringstream json;
  json << "{\"checks\": [";
  for (std::size_t k = 0; k < checks.size(); ++k)
    json << (k == 0 ? "\n  " : ",\n  ") << "{\"name\": \"" << checks[k].name
         << "\", \"value\": " << number(checks[k].value) << ", \"bound\": " << number(checks[k].bound)
         << ", \"passed\": " << (checks[k].passed ? "true" : "false") << ", \"note\": \"" << checks[k].note
         << "\"}";
  json << "\n]}\n";
  return json.str();
}

}  // namespace rhoflux::inference
