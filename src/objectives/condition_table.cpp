#include "rhoflux/objectives/condition_table.hpp"

#include <stdexcept>

#include "rhoflux/device/loops.hpp"

namespace rhoflux::objectives {

template <class Scalar>
ConditionTable<Scalar> ConditionTable<Scalar>::make(int n_conditions, const std::vector<double>& choices,
                                                    const std::vector<double>& weight) {
  if (weight.empty() || choices.size() != weight.size() * static_cast<std::size_t>(n_conditions))
    throw std::logic_error("condition table: the choices do not fit their weights");
  const int n = static_cast<int>(weight.size());
  ConditionTable table = {make_matrix<Scalar>("choices of conditions", n_conditions, n),
                          make_vector<double>("sums of weights", n)};
  const auto values = Kokkos::create_mirror_view(table.values);
  const auto cumulative = Kokkos::create_mirror_view(table.cumulative);
  double total = 0, sum = 0;
  for (const double w : weight) total += w;
  for (int c = 0; c < n; ++c) {
    sum += weight[static_cast<std::size_t>(c)];
    cumulative(c) = c + 1 == n ? 1.0 : sum / total;
    for (int k = 0; k < n_conditions; ++k)
      values(k, c) = static_cast<Scalar>(choices[static_cast<std::size_t>(c * n_conditions + k)]);
  }
  Kokkos::deep_copy(table.values, values);
  Kokkos::deep_copy(table.cumulative, cumulative);
  return table;
}

template <class Scalar>
void draw_conditions(const ExecutionSpace& space, const RandomStream& random,
                     const ConditionTable<Scalar>& table, const ConditionDraw& draw,
                     const Matrix<Scalar>& conditions) {
  constexpr double golden = 0.6180339887498949;
  constexpr std::uint32_t slot = 0xfffff0;  // of no other number of a sample
  const Matrix<Scalar> to = conditions, values = table.values;
  const Vector<double> cumulative = table.cumulative;
  const int n_choices = static_cast<int>(cumulative.extent(0)), n_conditions = static_cast<int>(to.extent(0));
  const std::int64_t first_sample = draw.first_sample;
  const int group = draw.group;
  const bool is_stratified = draw.is_stratified;
  for_each(
      space, "conditions of the samples", static_cast<int>(to.extent(1)), KOKKOS_LAMBDA(int s) {
        const std::int64_t k = (first_sample + s) / group;
        const double start = random.uniforms(is_stratified ? 0u : static_cast<std::uint64_t>(k), slot).first;
        const double turns = is_stratified ? start + static_cast<double>(k) * golden : start;
        const double level = turns - static_cast<double>(static_cast<std::int64_t>(turns));
        int low = 0, high = n_choices - 1;  // the first choice whose sum is above the level
        while (low < high) {
          const int middle = (low + high) / 2;
          if (cumulative(middle) > level)
            high = middle;
          else
            low = middle + 1;
        }
        for (int c = 0; c < n_conditions; ++c) to(c, s) = values(c, low);
      });
}

template struct ConditionTable<float>;
template struct ConditionTable<double>;
template void draw_conditions<float>(const ExecutionSpace&, const RandomStream&, const ConditionTable<float>&,
                                     const ConditionDraw&, const Matrix<float>&);
template void draw_conditions<double>(const ExecutionSpace&, const RandomStream&,
                                      const ConditionTable<double>&, const ConditionDraw&,
                                      const Matrix<double>&);

}  // namespace rhoflux::objectives
