#include "rhoflux/network/features.hpp"

#include <cmath>

#include "rhoflux/device/loops.hpp"

namespace rhoflux::network {

std::vector<double> frequencies_in_turns(const FourierConfig& config) {
  const int count = config.n_features / 2;
  std::vector<double> turns;
  for (int k = 0; k < count; ++k) {
    const double fraction = count == 1 ? 0.0 : static_cast<double>(k) / (count - 1);
    const double angular =
        config.frequency_min * std::pow(config.frequency_max / config.frequency_min, fraction);
    turns.push_back(angular / (2 * math::pi));
  }
  return turns;
}

template <class Scalar>
FourierFeatures<Scalar>::FourierFeatures(const FourierConfig& config)
    : m_config(config), m_turns("frequencies", static_cast<std::size_t>(config.n_features / 2)) {
  const std::vector<double> turns = frequencies_in_turns(config);
  const auto host = Kokkos::create_mirror_view(m_turns);
  for (std::size_t k = 0; k < turns.size(); ++k) host(k) = static_cast<Scalar>(turns[k]);
  Kokkos::deep_copy(m_turns, host);
}

template <class Scalar>
void FourierFeatures<Scalar>::forward(const ExecutionSpace& space, Columns columns,
                                      const ConstStridedVector<Scalar>& values,
                                      const ConstStridedVector<Scalar>& tangents,
                                      const Matrix<Scalar>& features) const {
  const int n = columns.n_samples, n_tangents = columns.n_tangents;
  const int count = m_config.n_features / 2, first = m_config.includes_value() ? 1 : 0;
  const bool has_tangents = tangents.extent(0) > 0;
  const Vector<Scalar> turns = m_turns;
  const Matrix<Scalar> out = features;
  const ConstStridedVector<Scalar> v = values, v_dot = tangents;
  if (m_config.includes_value()) {
    for_each(
        space, "coordinate value", n, KOKKOS_LAMBDA(int s) {
          out(0, s) = v(s);
          for (int j = 1; j <= n_tangents; ++j)
            out(0, j * n + s) = has_tangents ? v_dot((j - 1) * n + s) : Scalar(0);
        });
  }
  for_each_entry(
      space, "Fourier features", count, n, KOKKOS_LAMBDA(int k, int s) {
        const Scalar frequency = turns(k);
        Scalar sine, cosine;
        math::sincos_turns(frequency * v(s), sine, cosine);
        out(first + k, s) = sine;
        out(first + count + k, s) = cosine;
        for (int j = 1; j <= n_tangents; ++j) {
          const Scalar dot = has_tangents ? v_dot((j - 1) * n + s) : Scalar(0);
          const Scalar rate = Scalar(2 * math::pi) * frequency * dot;
          out(first + k, j * n + s) = rate * cosine;
          out(first + count + k, j * n + s) = -rate * sine;
        }
      });
}

template <class Scalar>
void FourierFeatures<Scalar>::tangent(const ExecutionSpace& space, int n_samples, int group,
                                      const ConstStridedVector<Scalar>& tangents,
                                      const Matrix<Scalar>& features) const {
  const int count = m_config.n_features / 2, first = m_config.includes_value() ? 1 : 0;
  const bool include_value = m_config.includes_value(), has_tangents = tangents.extent(0) > 0;
  const Vector<Scalar> turns = m_turns;
  const Matrix<Scalar> out = features;
  const ConstStridedVector<Scalar> v_dot = tangents;
  for_each(
      space, "Fourier features tangent", n_samples, KOKKOS_LAMBDA(int s) {
        const Scalar dot = has_tangents ? v_dot(s) : Scalar(0);
        const int column = group * n_samples + s;
        if (include_value) out(0, column) = dot;
        for (int k = 0; k < count; ++k) {
          const Scalar rate = Scalar(2 * math::pi) * turns(k) * dot;
          out(first + k, column) = rate * out(first + count + k, s);
          out(first + count + k, column) = -rate * out(first + k, s);
        }
      });
}

template <class Scalar>
void FourierFeatures<Scalar>::adjoint(const ExecutionSpace& space, Columns columns,
                                      const ConstMatrix<Scalar>& features,
                                      const ConstMatrix<Scalar>& features_bar,
                                      const StridedVector<Scalar>& values_bar,
                                      const StridedVector<Scalar>& tangents_bar) const {
  const int n = columns.n_samples, n_tangents = columns.n_tangents;
  const int count = m_config.n_features / 2, first = m_config.includes_value() ? 1 : 0;
  const bool include_value = m_config.includes_value(), has_tangents_bar = tangents_bar.extent(0) > 0;
  const Vector<Scalar> turns = m_turns;
  const ConstMatrix<Scalar> value = features, bar = features_bar;
  const StridedVector<Scalar> v_bar = values_bar, v_dot_bar = tangents_bar;
  for_each(
      space, "Fourier features adjoint", n, KOKKOS_LAMBDA(int s) {
        Scalar value_bar = include_value ? bar(0, s) : Scalar(0);
        for (int j = 0; j <= n_tangents; ++j) {
          const int column = j * n + s;
          Scalar tangent_bar = include_value ? bar(0, column) : Scalar(0);
          for (int k = 0; k < count; ++k) {
            const Scalar rate = Scalar(2 * math::pi) * turns(k);
            const Scalar sine_bar = bar(first + k, column);
            const Scalar cosine_bar = bar(first + count + k, column);
            // The rows of column j > 0 hold the tangents, so the same line gives their second derivatives.
            value_bar +=
                rate * (value(first + count + k, column) * sine_bar - value(first + k, column) * cosine_bar);
            tangent_bar += rate * (value(first + count + k, s) * sine_bar - value(first + k, s) * cosine_bar);
          }
          if (j > 0 && has_tangents_bar) v_dot_bar((j - 1) * n + s) += tangent_bar;
        }
        v_bar(s) += value_bar;
      });
}

template class FourierFeatures<float>;
template class FourierFeatures<double>;

}  // namespace rhoflux::network
