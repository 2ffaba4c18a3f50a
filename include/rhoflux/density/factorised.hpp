#pragma once

#include "rhoflux/density/density.hpp"
#include "rhoflux/density/mixture_network.hpp"
#include "rhoflux/density/product_weights.hpp"

namespace rhoflux::density {

/// Numbers the factors of the leading coordinates of all products and samples, and their heads.
struct FactorIndex {
  int n_products, n_leading, n_dims;

  /// Factor i of product k at sample s; its head, the row of its mixture, is k n_dims + i.
  struct Factor {
    int s, k, i, head;
  };
  RHOFLUX_FUNCTION int count(int n_samples) const { return n_samples * n_products * n_leading; }
  RHOFLUX_FUNCTION Factor at(int item) const {
    const int i = item % n_leading, k = item / n_leading % n_products;
    return {item / n_leading / n_products, k, i, k * n_dims + i};
  }
};

/// rho_t(x) = sum_k gamma_k prod_i f_i^k(x_i; t), gamma constant in time unless it changes by growth, each f_i^k a mixture
/// of L logistics whose parameters come from a network of time alone ([HVC] 13, 17). Head k D + i of the network is f_i^k.
template <class Scalar>
class Factorised : public Density<Scalar> {
 public:
  Factorised(const Config& config, int n_dims, const Capacity& capacity);

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
  int uniforms_per_sample() const override { return 1 + 2 * this->m_n_dims; }
  void sample(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
              const Points<Scalar>& points, const ConstMatrix<double>& uniforms) override;

  void complete(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                const Points<Scalar>& points, const ConstVector<int>& is_given,
                const ConstMatrix<double>& uniforms, const Vector<Scalar>& log_weight) override;

  /// The network behind the factors, for what else is derived from them (the flux): head k D + i is f_i^k.
  MixtureNetwork<Scalar>& network() { return m_network; }
  void set_gradient_listener(GradientListener* listener) override {
    m_network.set_gradient_listener(listener);
    m_weights.set_gradient_listener(listener);
  }
  int n_products() const { return m_n_products; }
  /// Behind gamma.
  ProductWeights<Scalar>& weights() { return m_weights; }
  /// Both networks at some times.
  void evaluate_networks(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                         const Points<Scalar>& points, int n_tangents,
                         const ConstStridedVector<Scalar>& tau_dot);
  /// log sum_k e^logit_k (1) of weights gamma that are constant.
  ConstVector<Scalar> log_norm(const ExecutionSpace& space, const ConstVector<Scalar>& parameters) const;
  /// log rho (n) from log f_i^k (K D, n); log_share (K, n) receives log(gamma_k prod_i f_i^k / rho).
  void mix(const ExecutionSpace& space, const ConstVector<Scalar>& parameters, int n,
           const ConstMatrix<Scalar>& log_f, const Matrix<Scalar>& log_share,
           const Vector<Scalar>& log_rho) const;

  /// The draws of `sample` from the mixtures of the network's last evaluation at the same times.
  void sample_states(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                     const Points<Scalar>& points, const ConstMatrix<double>& uniforms);

 private:
  void forward(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
               const Points<Scalar>& points);
  FactorIndex index() const { return {m_n_products, this->m_n_leading, this->m_n_dims}; }

  Config m_config;
  int m_n_products;  ///< K
  ProductWeights<Scalar> m_weights;
  MixtureNetwork<Scalar> m_network;
  Matrix<Scalar> m_log_f;      ///< (K D, samples)
  Matrix<Scalar> m_log_share;  ///< (K, samples): log(gamma_k prod_i f_i^k / rho)
  Matrix<Scalar> m_log_f_dot;  ///< (K D, samples * tangents)
  Vector<Scalar> m_log_norm;   ///< (1) log sum_k e^logit_k, where gamma is constant
  Matrix<Scalar> m_x_bar;      ///< (max(K D, 2 K), samples): adjoint of x by head, or scratch
};

extern template class Factorised<float>;
extern template class Factorised<double>;

}  // namespace rhoflux::density
