#include "rhoflux/optim/adam.hpp"

#include <cmath>

#include "rhoflux/device/loops.hpp"
#include "rhoflux/device/reductions.hpp"

namespace rhoflux::optim {

namespace {

/// Entries that one work item adds up: on a host blocks of fixed length, so that the order is that of the blocks.
constexpr int norm_block = runs_on_host<ExecutionSpace> ? 1024 : 1;

int n_norm_blocks(int size) {
  return (size + norm_block - 1) / norm_block;
}

/// The squares of one block.
template <class Scalar>
struct SquaresOfBlock {
  Vector<Scalar> gradient;
  int size;
  RHOFLUX_FUNCTION double operator()(int block) const {
    const int begin = block * norm_block;
    const int end = begin + norm_block < size ? begin + norm_block : size;
    double partial = 0;
    RHOFLUX_SIMD_SUM(partial)
    for (int k = begin; k < end; ++k)
      partial += static_cast<double>(gradient(k)) * static_cast<double>(gradient(k));
    return partial;
  }
};

}  // namespace

template <class Scalar>
double norm(const ExecutionSpace& space, const Vector<Scalar>& gradient) {
  const int size = static_cast<int>(gradient.extent(0));
  const SquaresOfBlock<Scalar> squares = {gradient, size};
  double sum = 0;
  sum_over(
      space, "gradient norm", n_norm_blocks(size),
      KOKKOS_LAMBDA(int block, double& total) { total += squares(block); }, sum);
  return std::sqrt(sum);
}

template <class Scalar>
void add_squared_norm(const ExecutionSpace& space, const Vector<Scalar>& gradient, const PairOfSums& to) {
  const int size = static_cast<int>(gradient.extent(0));
  const SquaresOfBlock<Scalar> squares = {gradient, size};
  add_sums(
      space, "gradient norm", n_norm_blocks(size),
      KOKKOS_LAMBDA(int block, double& total, double&) { total += squares(block); }, to);
}

template <class Scalar>
void adam_step(const ExecutionSpace& space, const AdamConfig& config, std::int64_t step, double learning_rate,
               double gradient_scale, const Vector<Scalar>& gradient, const AdamState<Scalar>& state,
               const Vector<Scalar>& parameters) {
  const auto t = static_cast<double>(step);
  const auto beta1 = static_cast<Scalar>(config.beta1), beta2 = static_cast<Scalar>(config.beta2);
  const auto epsilon = static_cast<Scalar>(config.epsilon);
  const auto rate = static_cast<Scalar>(learning_rate / (1.0 - std::pow(config.beta1, t)));
  const auto inverse_bias2 = static_cast<Scalar>(1.0 / (1.0 - std::pow(config.beta2, t)));
  const auto decay = static_cast<Scalar>(learning_rate * config.weight_decay);
  const auto scale = static_cast<Scalar>(gradient_scale);
  const Vector<Scalar> m = state.first_moment, v = state.second_moment;
  constexpr int block = 256;
  const int size = static_cast<int>(parameters.extent(0));
  for_each_entry(
      space, "Adam", block, (size + block - 1) / block, KOKKOS_LAMBDA(int row, int column) {
        const int k = column * block + row;
        if (k >= size) return;
        const Scalar g = scale * gradient(k);
        const Scalar first = beta1 * m(k) + (Scalar(1) - beta1) * g;
        const Scalar second = beta2 * v(k) + (Scalar(1) - beta2) * g * g;
        m(k) = first;
        v(k) = second;
        parameters(k) -=
            rate * first / (math::sqrt(second * inverse_bias2) + epsilon) + decay * parameters(k);
      });
}

template <class Scalar>
void update_average(const ExecutionSpace& space, double decay, const Vector<Scalar>& parameters,
                    const Vector<Scalar>& average) {
  const auto share = static_cast<Scalar>(1.0 - decay);
  for_each(
      space, "parameter average", static_cast<int>(parameters.extent(0)),
      KOKKOS_LAMBDA(int k) { average(k) += share * (parameters(k) - average(k)); });
}

template double norm<float>(const ExecutionSpace&, const Vector<float>&);
template double norm<double>(const ExecutionSpace&, const Vector<double>&);
template void add_squared_norm<float>(const ExecutionSpace&, const Vector<float>&, const PairOfSums&);
template void add_squared_norm<double>(const ExecutionSpace&, const Vector<double>&, const PairOfSums&);
template void adam_step<float>(const ExecutionSpace&, const AdamConfig&, std::int64_t, double, double,
                               const Vector<float>&, const AdamState<float>&, const Vector<float>&);
template void adam_step<double>(const ExecutionSpace&, const AdamConfig&, std::int64_t, double, double,
                                const Vector<double>&, const AdamState<double>&, const Vector<double>&);
template void update_average<float>(const ExecutionSpace&, double, const Vector<float>&,
                                    const Vector<float>&);
template void update_average<double>(const ExecutionSpace&, double, const Vector<double>&,
                                     const Vector<double>&);

}  // namespace rhoflux::optim
