#pragma once

#include "rhoflux/density/density.hpp"
#include "rhoflux/density/mixture_network.hpp"

namespace rhoflux::density {

/// rho_t(x) = prod_i f_i(x_i | x_1..x_{i-1}, t), each f_i a mixture of L logistics whose parameters come from
/// a masked network ([HVC] 11, 14-16). Stage i of the network needs x_1..x_i only, so an exact draw,
/// coordinate by coordinate, costs one forward pass in total.
template <class Scalar>
class Autoregressive : public Density<Scalar> {
 public:
  Autoregressive(const Config& config, int n_dims, const Capacity& capacity);

  std::vector<double> initialise(const InitialRows& rows, std::uint64_t seed) const override;
  void log_density(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                   const Points<Scalar>& points, const Vector<Scalar>& log_rho) override;
  void log_density_tangent(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                           const Points<Scalar>& points, int n_tangents, const ConstVector<Scalar>& tau_dot,
                           const ConstMatrix<Scalar>& x_dot, const Vector<Scalar>& log_rho,
                           const Vector<Scalar>& log_rho_dot) override;
  void log_density_gradient(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                            const Points<Scalar>& points, const ConstVector<Scalar>& weight,
                            const Vector<Scalar>& log_rho, const Vector<Scalar>& parameters_bar) override;
  void log_density_score(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                         const Points<Scalar>& points, const Vector<Scalar>& log_rho,
                         const Vector<Scalar>& tau_bar, const Matrix<Scalar>& score) override;
  void log_conditional_cdf(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                           const Points<Scalar>& points, const Matrix<Scalar>& log_below,
                           const Matrix<Scalar>& log_above) override;
  void conditional_reach(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                         const Points<Scalar>& points, Scalar log_mass, const Matrix<Scalar>& low,
                         const Matrix<Scalar>& high) override;
  int uniforms_per_sample() const override { return 2 * this->m_n_dims; }
  void sample(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
              const Points<Scalar>& points, const ConstMatrix<double>& uniforms) override;

  void complete(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                const Points<Scalar>& points, const ConstVector<int>& is_given,
                const ConstMatrix<double>& uniforms, const Vector<Scalar>& log_weight) override;

  /// The network behind the conditionals, for what else is derived from them (the flux): head i is coordinate
  /// i + 1, in stage i.
  MixtureNetwork<Scalar>& network() { return m_network; }
  void set_gradient_listener(GradientListener* listener) override {
    m_network.set_gradient_listener(listener);
  }

  /// Score d log rho / dx (n_dims, n) at the points of the last sweep over the conditionals, tangents or not: one
  /// adjoint pass of the values.
  void score_of_last_sweep(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                           const Points<Scalar>& points, const Matrix<Scalar>& score);

 private:
  int m_n_logistics;
  MixtureNetwork<Scalar> m_network;
  Matrix<Scalar> m_log_f;      ///< (n_dims, samples)
  Matrix<Scalar> m_log_f_dot;  ///< (n_dims, samples * tangents)
  Matrix<Scalar> m_x_bar;      ///< (n_dims, samples): through the mixtures, not the network
};

extern template class Autoregressive<float>;
extern template class Autoregressive<double>;

}  // namespace rhoflux::density
