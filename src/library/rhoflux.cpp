#include "rhoflux/library/rhoflux.h"

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "rhoflux/checkpoint/checkpoint.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/times.hpp"
#include "rhoflux/inference/inference.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/version.hpp"

struct rhoflux_model {
  explicit rhoflux_model(const rhoflux::checkpoint::Checkpoint& checkpoint) : inference(checkpoint) {
    ++n_alive;
  }
  ~rhoflux_model() { --n_alive; }
  rhoflux_model(const rhoflux_model&) = delete;
  rhoflux_model& operator=(const rhoflux_model&) = delete;

  const rhoflux::Units& units() const { return inference.model().units; }

  rhoflux::inference::Inference inference;
  static int n_alive;
};

int rhoflux_model::n_alive = 0;

namespace {

using namespace rhoflux;

/// At the end of the process. A model that is still alive holds memory of Kokkos, which is then left to the system.
void finalize_kokkos() {
  if (rhoflux_model::n_alive == 0 && Kokkos::is_initialized()) Kokkos::finalize();
}

void ensure_kokkos() {
  if (Kokkos::is_initialized()) return;
  std::string program = "rhoflux";
  char* arguments[] = {program.data(), nullptr};
  int count = 1;
  Kokkos::initialize(count, arguments);
  std::atexit(finalize_kokkos);
}

void set_error(char** error, const char* message) {
  if (error == nullptr) return;
  *error = static_cast<char*>(std::malloc(std::strlen(message) + 1));
  if (*error != nullptr) std::strcpy(*error, message);
}

/// Runs `work`, which may throw, behind the C interface.
/// @return 0 or the exit code of the error
int guarded(char** error, const std::function<void()>& work) {
  if (error != nullptr) *error = nullptr;
  try {
    work();
    return 0;
  } catch (const Error& failure) {
    set_error(error, failure.what());
    return static_cast<int>(failure.code());
  } catch (const std::bad_alloc&) {
    set_error(error, out_of_memory_message);
    return static_cast<int>(ExitCode::out_of_memory);
  } catch (const std::exception& failure) {
    set_error(error, failure.what());
  }
  return static_cast<int>(ExitCode::io_failure);
}

void require_in_range(const Units& units, double t) {
  if (units.is_in_time_range(t)) return;
  const std::vector<std::string> texts = distinct_texts({t, units.t_first, units.t_last});
  fail_input("time " + texts[0] + " is outside the model's range, " + texts[1] + " to " + texts[2]);
}

std::size_t checked_size(const char* name, std::int64_t value) {
  if (value < 0) fail_input(std::string(name) + " is " + std::to_string(value) + "; it must be 0 or more");
  return static_cast<std::size_t>(value);
}

struct Points {
  std::vector<double> t, x;
};

/// Copies points and checks that they are in range and finite.
Points checked_points(const rhoflux_model& model, std::int64_t n, const double* t, const double* x) {
  const std::size_t count = checked_size("n", n), dims = static_cast<std::size_t>(model.inference.n_dims());
  Points points{std::vector<double>(t, t + count), std::vector<double>(x, x + count * dims)};
  for (const double time : points.t) require_in_range(model.units(), time);
  for (std::size_t k = 0; k < points.x.size(); ++k)
    if (!std::isfinite(points.x[k])) fail_input("row " + std::to_string(k / dims) + " of x is not finite");
  return points;
}

/// g of a drift. Throws Error (bad input) naming the text and what is wrong with it.
flux::Volatility volatility_or_default(const rhoflux_model& model, const char* text) {
  if (text == nullptr) return model.inference.model().flux.volatility;
  try {
    return flux::Volatility::parse(text);
  } catch (const Error& error) {
    fail_input("volatility " + std::string(text) + ": " + error.what());
  }
}

}  // namespace

const char* rhoflux_version(void) {
  return RHOFLUX_VERSION;
}

rhoflux_model* rhoflux_load(const char* path, char** error) {
  std::unique_ptr<rhoflux_model> model;
  guarded(error, [&] {
    io::silence_hdf5();
    ensure_kokkos();
    model = std::make_unique<rhoflux_model>(checkpoint::read_checkpoint(path));
  });
  return model.release();
}

void rhoflux_free(rhoflux_model* model) {
  delete model;
}

void rhoflux_free_text(char* text) {
  std::free(text);
}

int rhoflux_n_dims(const rhoflux_model* model) {
  return model->inference.n_dims();
}

double rhoflux_t_first(const rhoflux_model* model) {
  return model->units().t_first;
}

double rhoflux_t_last(const rhoflux_model* model) {
  return model->units().t_last;
}

const char* rhoflux_dim_name(const rhoflux_model* model, int i) {
  const std::vector<std::string>& names = model->inference.model().dim_names;
  return i < 0 || i >= static_cast<int>(names.size()) ? nullptr : names[static_cast<std::size_t>(i)].c_str();
}

const char* rhoflux_time_unit(const rhoflux_model* model) {
  return model->inference.model().time_unit.c_str();
}

int rhoflux_set_condition(rhoflux_model* model, const char* condition, char** error) {
  return guarded(error, [&] {
    const ConditionEncoding& encoding = model->inference.conditions();
    if (encoding.is_empty()) fail_input("the model was trained without conditions");
    (void)model->inference.exchange_conditions(encoding.condition_of(parse_condition(condition)));
  });
}

int rhoflux_log_density(rhoflux_model* model, int64_t n, const double* t, const double* x, double* out,
                        char** error) {
  return guarded(error, [&] {
    const Points points = checked_points(*model, n, t, x);
    const double log_volume = model->units().log_volume();
    for (const double value : model->inference.standardised_log_density(points.t, points.x))
      *out++ = value - log_volume;
  });
}

int rhoflux_score(rhoflux_model* model, int64_t n, const double* t, const double* x, double* out,
                  char** error) {
  return guarded(error, [&] {
    const Points points = checked_points(*model, n, t, x);
    const std::vector<double> score = model->inference.derivatives(points.t, points.x).score;
    std::copy(score.begin(), score.end(), out);
  });
}

int rhoflux_drift(rhoflux_model* model, int64_t n, const double* t, const double* x, const char* volatility,
                  double* out, char** error) {
  return guarded(error, [&] {
    const Points points = checked_points(*model, n, t, x);
    const flux::Volatility g = volatility_or_default(*model, volatility);
    const std::vector<double> drift = model->inference.dynamics_at(points.t, points.x, g).drift;
    std::copy(drift.begin(), drift.end(), out);
  });
}

int rhoflux_grows(const rhoflux_model* model) {
  return model->inference.grows() ? 1 : 0;
}

int rhoflux_growth(rhoflux_model* model, int64_t n, const double* t, const double* x, double* out,
                   char** error) {
  return guarded(error, [&] {
    const Points points = checked_points(*model, n, t, x);
    std::vector<double> growth(points.t.size(), 0.0);
    if (model->inference.grows())
      growth = model->inference.dynamics_at(points.t, points.x, flux::Volatility()).growth;
    std::copy(growth.begin(), growth.end(), out);
  });
}

int rhoflux_mass(rhoflux_model* model, int64_t n, const double* t, double* out, char** error) {
  return guarded(error, [&] {
    const std::vector<double> times(t, t + checked_size("n", n));
    for (const double time : times) require_in_range(model->units(), time);
    const std::vector<double> mass = model->inference.mass(times);
    std::copy(mass.begin(), mass.end(), out);
  });
}

int rhoflux_sample(rhoflux_model* model, int64_t n_times, const double* times, int64_t count, uint64_t seed,
                   double* out, char** error) {
  return guarded(error, [&] {
    const std::size_t n_samples = checked_size("count", count), n_blocks = checked_size("n_times", n_times);
    for (std::size_t k = 0; k < n_blocks; ++k) require_in_range(model->units(), times[k]);
    std::vector<std::int64_t> index(n_samples);
    for (std::size_t s = 0; s < n_samples; ++s) index[s] = static_cast<std::int64_t>(s);
    for (std::size_t k = 0; k < n_blocks; ++k) {
      const std::vector<double> x =
          model->inference.sample(std::vector<double>(n_samples, times[k]), index, seed, k);
      out = std::copy(x.begin(), x.end(), out);
    }
  });
}
