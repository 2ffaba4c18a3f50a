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
void FourierFeatures<Scalar>::forward(const ExecutionSpace& space, const Scalar* values,
                                      const Scalar* tangents, int stride, int n, int n_tangents,
                                      int first_row, const Matrix<Scalar>& features) const {
  const int count = m_config.n_features / 2;
  const int first = first_row + (m_config.include_value ? 1 : 0);
  const Vector<Scalar> turns = m_turns;
  if (m_config.include_value) {
    for_each(
        space, "coordinate value", n, KOKKOS_LAMBDA(int s) {
          features(first_row, s) = values[s * stride];
          for (int j = 1; j <= n_tangents; ++j)
            features(first_row, j * n + s) =
                tangents == nullptr ? Scalar(0) : tangents[((j - 1) * n + s) * stride];
        });
  }
  for_each_entry(
      space, "Fourier features", count, n, KOKKOS_LAMBDA(int k, int s) {
        const Scalar frequency = turns(k);
        Scalar sine, cosine;
        math::sincos_turns(frequency * values[s * stride], sine, cosine);
        features(first + k, s) = sine;
        features(first + count + k, s) = cosine;
        for (int j = 1; j <= n_tangents; ++j) {
          const Scalar dot = tangents == nullptr ? Scalar(0) : tangents[((j - 1) * n + s) * stride];
          const Scalar rate = Scalar(2 * math::pi) * frequency * dot;
          features(first + k, j * n + s) = rate * cosine;
          features(first + count + k, j * n + s) = -rate * sine;
        }
      });
}

template <class Scalar>
void FourierFeatures<Scalar>::tangent(const ExecutionSpace& space, const Scalar* tangents, int stride, int n,
                                      int group, int first_row, const Matrix<Scalar>& features) const {
  const int count = m_config.n_features / 2;
  const bool include_value = m_config.include_value;
  const int first = first_row + (include_value ? 1 : 0);
  const Vector<Scalar> turns = m_turns;
  for_each(
      space, "Fourier features tangent", n, KOKKOS_LAMBDA(int s) {
        const Scalar dot = tangents == nullptr ? Scalar(0) : tangents[s * stride];
        const int column = group * n + s;
        if (include_value) features(first_row, column) = dot;
        for (int k = 0; k < count; ++k) {
          const Scalar rate = Scalar(2 * math::pi) * turns(k) * dot;
          features(first + k, column) = rate * features(first + count + k, s);
          features(first + count + k, column) = -rate * features(first + k, s);
        }
      });
}

template <class Scalar>
void FourierFeatures<Scalar>::adjoint(const ExecutionSpace& space, const Matrix<Scalar>& features,
                                      const Matrix<Scalar>& features_bar, int n, int n_tangents,
                                      int first_row, int stride, Scalar* values_bar,
                                      Scalar* tangents_bar) const {
  const int count = m_config.n_features / 2;
  const int first = first_row + (m_config.include_value ? 1 : 0);
  const bool include_value = m_config.include_value;
  const Vector<Scalar> turns = m_turns;
  for_each(
      space, "Fourier features adjoint", n, KOKKOS_LAMBDA(int s) {
        Scalar value_bar = include_value ? features_bar(first_row, s) : Scalar(0);
        for (int j = 0; j <= n_tangents; ++j) {
          const int column = j * n + s;
          Scalar tangent_bar = include_value ? features_bar(first_row, column) : Scalar(0);
          for (int k = 0; k < count; ++k) {
            const Scalar rate = Scalar(2 * math::pi) * turns(k);
            const Scalar sine_bar = features_bar(first + k, column);
            const Scalar cosine_bar = features_bar(first + count + k, column);
            // The rows of column j > 0 hold the tangents, so the same line gives their second derivatives.
            value_bar += rate * (features(first + count + k, column) * sine_bar -
                                 features(first + k, column) * cosine_bar);
            tangent_bar +=
                rate * (features(first + count + k, s) * sine_bar - features(first + k, s) * cosine_bar);
          }
          if (j > 0 && tangents_bar != nullptr) tangents_bar[((j - 1) * n + s) * stride] += tangent_bar;
        }
        values_bar[s * stride] += value_bar;
      });
}

template class FourierFeatures<float>;
template class FourierFeatures<double>;

}  // namespace rhoflux::network
