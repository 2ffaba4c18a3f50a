#include "rhoflux/core/math.hpp"
#include "rhoflux/objectives/running_term.hpp"

namespace rhoflux::objectives {
namespace {

/// One part of a potential at one point: the value, and d value / dx_i = outer * inner_i.
template <class Scalar>
struct PartAt {
  Potential::Kind kind;
  const double* numbers;  ///< centre (D), slope (D), wells (D), level, sharpness
  int n_dims;

  KOKKOS_INLINE_FUNCTION Scalar centre(int i) const { return static_cast<Scalar>(numbers[i]); }
  KOKKOS_INLINE_FUNCTION Scalar slope(int i) const { return static_cast<Scalar>(numbers[n_dims + i]); }
  KOKKOS_INLINE_FUNCTION Scalar well(int i) const { return static_cast<Scalar>(numbers[2 * n_dims + i]); }
  KOKKOS_INLINE_FUNCTION Scalar level() const { return static_cast<Scalar>(numbers[3 * n_dims]); }
  KOKKOS_INLINE_FUNCTION Scalar sharpness() const { return static_cast<Scalar>(numbers[3 * n_dims + 1]); }

  /// @param x coordinate i at x[i]
  KOKKOS_INLINE_FUNCTION Scalar value(const Scalar* x, Scalar& outer) const {
    Scalar sum = 0;
    for (int i = 0; i < n_dims; ++i) {
      const Scalar d = x[i] - centre(i), square = d * d;
      if (kind == Potential::Kind::double_well) {
        const Scalar excess = square - well(i) * well(i);
        sum += slope(i) * excess * excess / Scalar(4);
      } else {
        sum += slope(i) * square;
      }
    }
    if (kind == Potential::Kind::double_well || kind == Potential::Kind::quadratic) {
      outer = 1;
      return kind == Potential::Kind::quadratic ? sum / Scalar(2) : sum;
    }
    if (kind == Potential::Kind::balls) {
      const Scalar distance = math::sqrt(sum), inside = sharpness() * (level() - distance);
      outer = distance > Scalar(0) ? -sharpness() * math::sigmoid(inside) / distance : Scalar(0);
      return -math::log_sigmoid(-inside);
    }
    const Scalar inside = level() - sum;
    outer = Scalar(-2) * math::sigmoid(inside);
    return -math::log_sigmoid(-inside);
  }
  KOKKOS_INLINE_FUNCTION Scalar inner(const Scalar* x, int i) const {
    const Scalar d = x[i] - centre(i);
    return slope(i) * d * (kind == Potential::Kind::double_well ? d * d - well(i) * well(i) : Scalar(1));
  }
};

}  // namespace

template <class Scalar>
StateCost<Scalar>::StateCost(const Potential& potential)
    : m_kind(potential.kind), m_n_parts(static_cast<int>(potential.parts.size())) {
  const int n_dims = potential.n_dims(), stride = 3 * n_dims + 2;
  m_numbers = make_vector<double>("potential", m_n_parts * stride);
  const auto host = Kokkos::create_mirror_view(m_numbers);
  int offset = 0;
  for (const Potential::Part& part : potential.parts) {
    const bool is_circle = m_kind == Potential::Kind::circles;
    for (int i = 0; i < n_dims; ++i) {
      const auto k = static_cast<std::size_t>(i);
      host(offset + i) = part.centre[k];
      host(offset + n_dims + i) = part.slope.empty() ? 1.0 : part.slope[k];
      host(offset + 2 * n_dims + i) = part.wells.empty() ? 0.0 : part.wells[k];
    }
    host(offset + 3 * n_dims) = is_circle ? part.level * part.level : part.level;
    host(offset + 3 * n_dims + 1) = part.sharpness;
    offset += stride;
  }
  Kokkos::deep_copy(m_numbers, host);
}

template <class Scalar>
double StateCost<Scalar>::add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
                              const DrawsBar<Scalar>& bar) const {
  const Matrix<Scalar> x = draws.x, x_bar = bar.x;
  const Vector<double> numbers = m_numbers;
  const Potential::Kind kind = m_kind;
  const int n_dims = static_cast<int>(x.extent(0)), stride = 3 * n_dims + 2, n_parts = m_n_parts;
  const auto scale = static_cast<Scalar>(weight);
  double sum = 0;
  Kokkos::parallel_reduce(
      "state cost", Kokkos::RangePolicy<ExecutionSpace>(space, 0, draws.size()),
      KOKKOS_LAMBDA(int s, double& total) {
        for (int p = 0; p < n_parts; ++p) {
          const PartAt<Scalar> part = {kind, numbers.data() + p * stride, n_dims};
          Scalar outer = 0;
          total += static_cast<double>(part.value(&x(0, s), outer));
          for (int i = 0; i < n_dims; ++i) x_bar(i, s) += scale * outer * part.inner(&x(0, s), i);
        }
      },
      sum);
  return sum;
}

template class StateCost<float>;
template class StateCost<double>;

}  // namespace rhoflux::objectives
