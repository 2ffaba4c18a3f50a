// Evaluates a trained model at points of one's own:
//   evaluate_model CHECKPOINT T X_1 .. X_D [T X_1 .. X_D ..]
// prints, for each point, log rho_t(x) and the drift u_1 .. u_D of dX = u dt + g dW, with the g of the model.
#include <Kokkos_Core.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "rhoflux/checkpoint/checkpoint.hpp"
#include "rhoflux/inference/inference.hpp"

namespace {

void evaluate(const char* path, const std::vector<double>& numbers) {
  const rhoflux::inference::Inference inference(rhoflux::checkpoint::read_checkpoint(path));
  const auto n_dims = static_cast<std::size_t>(inference.n_dims());
  std::vector<double> t, x;  // (n), (n, n_dims)
  for (std::size_t k = 0; k < numbers.size(); ++k) (k % (n_dims + 1) == 0 ? t : x).push_back(numbers[k]);
  if (x.size() != t.size() * n_dims)
    throw std::runtime_error("each point needs its time and all coordinates");

  for (const double time : t)
    if (!inference.model().units.is_in_time_range(time))
      throw std::runtime_error("time " + std::to_string(time) + " is outside the range of the model");

  const auto found = inference.dynamics_at(t, x, inference.model().flux.volatility);
  for (std::size_t row = 0; row < t.size(); ++row) {
    std::printf("%.12g", found.log_density[row]);
    for (std::size_t i = 0; i < n_dims; ++i) std::printf(" %.12g", found.drift[row * n_dims + i]);
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: evaluate_model CHECKPOINT T X_1 .. X_D [T X_1 .. X_D ..]\n");
    return 2;
  }
  std::vector<double> numbers;
  for (int k = 2; k < argc; ++k) {
    char* end = nullptr;
    numbers.push_back(std::strtod(argv[k], &end));
    if (end == argv[k] || *end != '\0') {
      std::fprintf(stderr, "evaluate_model: '%s' is not a number\n", argv[k]);
      return 2;
    }
  }
  int no_options = 1;  // all arguments are ours, none is for Kokkos
  const Kokkos::ScopeGuard kokkos(no_options, argv);
  try {
    evaluate(argv[1], numbers);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "evaluate_model: %s\n", error.what());
    return 2;
  }
  return 0;
}
