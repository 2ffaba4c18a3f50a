#pragma once

#include <memory>
#include <vector>

#include "rhoflux/density/density.hpp"

namespace rhoflux::density {

/// The mean of K densities of one shape (model.md section 12),
///   rho = (1 / K) sum_k rho_k,
/// whose every derivative of log rho is the mean of the members' weighted by their shares w_k = rho_k / (K rho). Their
/// parameters stand one behind the other. While a member is selected, every function is about that member alone, with
/// the parameters and gradients of the whole: this is how an ensemble is trained.
template <class Scalar>
class Ensemble : public Density<Scalar> {
 public:
  /// @param members 2 or more, made by the same configuration, dimension and capacity
  Ensemble(const Config& config, int n_dims, const Capacity& capacity,
           std::vector<std::unique_ptr<Density<Scalar>>> members);

  int n_members() const { return static_cast<int>(m_members.size()); }
  /// From now on everything is about member k.
  void select(int k) { m_selected = k; }
  void select_all() { m_selected = -1; }
  /// The member selected, from 0; -1: all.
  int selected() const { return m_selected; }

  void restrict_to(int n_leading) override;
  void set_gradient_listener(GradientListener* listener) override;
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
  /// Of the mean, F_i = sum_k w_k F_i^k with the members' shares of the density of x_1..x_{i-1}: a pass over each
  /// member for each coordinate.
  void log_conditional_cdf(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                           const Points<Scalar>& points, const Matrix<Scalar>& log_below,
                           const Matrix<Scalar>& log_above) override;
  void conditional_reach(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                         const Points<Scalar>& points, Scalar log_mass, const Matrix<Scalar>& low,
                         const Matrix<Scalar>& high) override;
  /// Those of a member, and one that chooses the member.
  int uniforms_per_sample() const override { return m_members.front()->uniforms_per_sample() + 1; }
  void sample(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
              const Points<Scalar>& points, const ConstMatrix<double>& uniforms) override;
  void complete(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                const Points<Scalar>& points, const ConstVector<int>& is_given,
                const ConstMatrix<double>& uniforms, const Vector<Scalar>& log_weight) override;

  /// What belongs to member k of an array as long as the parameters, or longer; empty where it is empty.
  template <class VectorType>
  VectorType part_of_member(const VectorType& whole, int k) const {
    if (whole.extent(0) == 0) return whole;
    const int size = m_members.front()->layout().size();
    return Kokkos::subview(whole, Kokkos::make_pair(k * size, (k + 1) * size));
  }
  /// Some columns for each member, of a matrix with capacity().samples columns for each.
  Matrix<Scalar> columns_of_member(const Matrix<Scalar>& matrix, int k, int n) const {
    const int first = k * this->m_capacity.samples;
    return Kokkos::subview(matrix, Kokkos::ALL, Kokkos::make_pair(first, first + n));
  }
  /// The uniforms without the one that chooses the member; empty where they are empty.
  ConstMatrix<double> of_a_member(const ConstMatrix<double>& uniforms) const;
  /// (n) where the log density of member k belongs before `mix`.
  Vector<Scalar> log_rho_of_member(int k, int n) const {
    return Kokkos::subview(m_log_rho, Kokkos::make_pair(0, n), k);
  }
  /// log rho (n) of the mean, and the shares w_k of the members for `mean` and `mean_by_coordinate`.
  void mix(const ExecutionSpace& space, int n, const Vector<Scalar>& log_rho);
  /// sum_k w_k a_k from one number for each member and sample: (capacity().samples, K) to (n).
  void mean(const ExecutionSpace& space, const Matrix<Scalar>& of_members, int n,
            const Vector<Scalar>& result) const;
  /// The same from the members' columns, (n_dims, K capacity().samples), to (n_dims, n), leading coordinates alone.
  void mean_by_coordinate(const ExecutionSpace& space, const Matrix<Scalar>& of_members, int n,
                          const Matrix<Scalar>& result) const;

 private:
  /// Tells where a member's entries stand in the gradient of the whole.
  struct MovedListener : GradientListener {
    void on_gradient_added(Range entries) override {
      listener->on_gradient_added({entries.begin + offset, entries.end + offset});
    }
    GradientListener* listener = nullptr;
    int offset = 0;
  };

  Density<Scalar>& member(int k) const { return *m_members[static_cast<std::size_t>(k)]; }
  bool is_selected() const { return m_selected >= 0; }
  void log_densities(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                     const Points<Scalar>& points);
  /// What `from_member`(k, its points) leaves in points for the samples whose last uniform chooses member k.
  template <class FromMember>
  void by_chosen_member(const ExecutionSpace& space, const Points<Scalar>& points,
                        const ConstMatrix<double>& uniforms, const FromMember& from_member);

  std::vector<std::unique_ptr<Density<Scalar>>> m_members;
  std::vector<MovedListener> m_listeners;
  int m_selected = -1;
  Matrix<Scalar> m_log_rho;  ///< (samples, K): log rho_k
  Matrix<Scalar> m_share;    ///< (samples, K): w_k = rho_k / sum_j rho_j
  Matrix<Scalar> m_rate;     ///< (samples, K): a derivative of log rho_k
  Matrix<Scalar> m_rates;    ///< (samples * tangents, K): the derivatives of log rho_k along the tangents
  Matrix<Scalar> m_first, m_second;  ///< (n_dims, K samples): results by coordinate
  Vector<Scalar> m_weight;           ///< (samples)
};

extern template class Ensemble<float>;
extern template class Ensemble<double>;

}  // namespace rhoflux::density
