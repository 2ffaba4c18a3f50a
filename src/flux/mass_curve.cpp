#include "rhoflux/flux/mass_curve.hpp"

#include "rhoflux/device/loops.hpp"

namespace rhoflux::flux {
namespace {

constexpr int hidden_width = 16;

/// The interval between two given times in which tau lies, or the one next to it.
template <class Scalar>
struct Knots {
  ConstVector<Scalar> tau, log_mass;

  struct Place {
    Scalar log_mass, rate;  ///< of the interpolation
    Scalar b, b_dot;        ///< of the factor of h
  };
  RHOFLUX_FUNCTION Place at(Scalar time) const {
    const int last = static_cast<int>(tau.extent(0)) - 1;
    int k = 0;
    while (k + 1 < last && tau(k + 1) <= time) ++k;
    const Scalar length = tau(k + 1) - tau(k), s = (time - tau(k)) / length;
    const Scalar rate = (log_mass(k + 1) - log_mass(k)) / length;
    Place place = {log_mass(k) + s * (log_mass(k + 1) - log_mass(k)), rate, Scalar(0), Scalar(0)};
    if (s < Scalar(0) || s > Scalar(1)) return place;
    place.b = Scalar(4) * s * (Scalar(1) - s);
    place.b_dot = Scalar(4) * (Scalar(1) - Scalar(2) * s) / length;
    return place;
  }
};

}  // namespace

template <class Scalar>
MassCurve<Scalar>::MassCurve(const MassKnots& mass, const network::FourierConfig& times, int max_samples,
                             Passes passes, MatrixPrecision precision, network::ParameterLayout& layout) {
  if (mass.t.empty()) return;
  m_tau = on_device<Scalar>(mass.t, "times of the mass");
  m_log_mass = on_device<Scalar>(mass.log_mass, "log mass");
  network::NetworkConfig network;
  network.name = "mass";
  network.time = times;
  network.hidden = {hidden_width};
  network.max_columns = 2 * max_samples;
  network.passes = passes;
  network.precision = precision;
  m_network = std::make_unique<network::MaskedNetwork<Scalar>>(network, layout);
  m_ones = make_vector<Scalar>("rate of time", max_samples);
  Kokkos::deep_copy(m_ones, Scalar(1));
}

template <class Scalar>
void MassCurve<Scalar>::initialise(std::vector<double>& parameters, std::uint64_t seed) const {
  if (!m_network) return;
  m_network->initialise(parameters, seed);
  m_network->clear_outputs(parameters);
}

template <class Scalar>
void MassCurve<Scalar>::set_gradient_listener(GradientListener* listener) {
  if (m_network) m_network->set_gradient_listener(listener);
}

template <class Scalar>
void MassCurve<Scalar>::evaluate(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                 const ConstVector<Scalar>& tau, const Vector<Scalar>& log_mass,
                                 const Vector<Scalar>& growth) {
  const int n = static_cast<int>(tau.extent(0));
  if (!m_network) {
    if (log_mass.extent(0) > 0) Kokkos::deep_copy(space, log_mass, Scalar(0));
    return;
  }
  m_network->begin(space, {n, 1}, tau, m_ones, {});
  m_network->evaluate(space, parameters, 0);
  const Knots<Scalar> knots = {m_tau, m_log_mass};
  const Matrix<Scalar> h = m_network->outputs();
  const bool has_mass = log_mass.extent(0) > 0, has_growth = growth.extent(0) > 0;
  for_each(
      space, "mass", n, KOKKOS_LAMBDA(int s) {
        const typename Knots<Scalar>::Place at = knots.at(tau(s));
        if (has_mass) log_mass(s) = at.log_mass + at.b * h(0, s);
        if (has_growth) growth(s) += at.rate + at.b_dot * h(0, s) + at.b * h(0, n + s);
      });
}

template <class Scalar>
void MassCurve<Scalar>::adjoint(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                const ConstVector<Scalar>& tau, const ConstVector<Scalar>& log_mass_bar,
                                const ConstVector<Scalar>& growth_bar, const Vector<Scalar>& parameters_bar) {
  if (!m_network || parameters_bar.extent(0) == 0) return;
  const int n = static_cast<int>(tau.extent(0));
  const Knots<Scalar> knots = {m_tau, m_log_mass};
  const Matrix<Scalar> h_bar = m_network->outputs_bar();
  const bool has_mass = log_mass_bar.extent(0) > 0, has_growth = growth_bar.extent(0) > 0;
  for_each(
      space, "mass adjoint", n, KOKKOS_LAMBDA(int s) {
        const typename Knots<Scalar>::Place at = knots.at(tau(s));
        const Scalar mass = has_mass ? log_mass_bar(s) : Scalar(0);
        const Scalar growth = has_growth ? growth_bar(s) : Scalar(0);
        h_bar(0, s) = at.b * mass + at.b_dot * growth;
        h_bar(0, n + s) = at.b * growth;
      });
  m_network->adjoint(space, parameters, parameters_bar, {});
}

template class MassCurve<float>;
template class MassCurve<double>;

}  // namespace rhoflux::flux
