#include "relative_growth.hpp"

#include "rhoflux/device/loops.hpp"

namespace rhoflux::inference {

RelativeGrowth::RelativeGrowth(const Inference& inference, int capacity)
    : m_rate(make_vector<double>("mass rate", capacity)),
      m_time(make_vector<double>("mass time", 1)),
      m_log_mass(make_vector<double>("log mass", 1)) {
  const density::Config& density = inference.model().config;
  m_mass = std::make_unique<flux::MassCurve<double>>(
      inference.model().flux.mass,
      network::FourierConfig{density.time_features, density.time_frequency_min, density.time_frequency_max},
      capacity, Passes::forward, MatrixPrecision::full, m_layout);
  const Vector<double>& all = inference.parameters();
  const int end = static_cast<int>(all.extent(0));
  m_parameters = Kokkos::subview(all, Kokkos::make_pair(end - m_layout.size(), end));
}

void RelativeGrowth::take_off_mass(const ExecutionSpace& space, const ConstVector<double>& tau,
                                   const Vector<double>& growth) {
  const Vector<double> rate =
      Kokkos::subview(m_rate, Kokkos::make_pair(0, static_cast<int>(growth.extent(0))));
  Kokkos::deep_copy(space, rate, 0.0);
  m_mass->evaluate(space, m_parameters, tau, {}, rate);
  const Vector<double> sum = growth;
  for_each(
      space, "relative growth", static_cast<int>(growth.extent(0)),
      KOKKOS_LAMBDA(int s) { sum(s) -= rate(s); });
}

double RelativeGrowth::log_mass(double tau) {
  const ExecutionSpace space;
  Kokkos::deep_copy(m_time, tau);
  m_mass->evaluate(space, m_parameters, m_time, m_log_mass, {});
  space.fence();
  return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), m_log_mass)(0);
}

}  // namespace rhoflux::inference
