#include "rhoflux/density/ensemble.hpp"

#include <utility>

#include "rhoflux/core/log_sum_exp.hpp"
#include "rhoflux/device/loops.hpp"

namespace rhoflux::density {
namespace {

/// log of the mean of e^{log_rho(s, k)} over k, and the members' shares of it.
template <class Scalar>
void log_mean(const ExecutionSpace& space, const Matrix<Scalar>& log_rho_of_members, int n,
              const Vector<Scalar>& log_rho, const Matrix<Scalar>& share) {
  const Matrix<Scalar> of_members = log_rho_of_members, share_of_members = share;
  const Vector<Scalar> result = log_rho;
  const auto n_members = static_cast<int>(of_members.extent(1));
  const Scalar log_count = math::log(static_cast<Scalar>(n_members));
  for_each(
      space, "log of the mean density", n, KOKKOS_LAMBDA(int s) {
        const Scalar log_sum = log_sum_exp_of<Scalar>(n_members, [&](int k) { return of_members(s, k); });
        for (int k = 0; k < n_members; ++k) share_of_members(s, k) = math::exp(of_members(s, k) - log_sum);
        result(s) = log_sum - log_count;
      });
}

template <class Scalar>
void log_mean_cdf(const ExecutionSpace& space, int i, int n, const Matrix<Scalar>& log_rho_of_members,
                  const Matrix<Scalar>& of_members, const Matrix<Scalar>& result) {
  const Matrix<Scalar> log_rho = log_rho_of_members, from = of_members, to = result;
  const auto n_members = static_cast<int>(log_rho.extent(1));
  const int stride = static_cast<int>(from.extent(1)) / n_members;
  for_each(
      space, "conditional distribution function of the mean", n, KOKKOS_LAMBDA(int s) {
        const Scalar whole = log_sum_exp_of<Scalar>(n_members, [&](int k) { return log_rho(s, k); });
        to(i, s) = log_sum_exp_of<Scalar>(
            n_members, [&](int k) { return log_rho(s, k) - whole + from(i, k * stride + s); });
      });
}

template <class Scalar>
void weigh_by_share(const ExecutionSpace& space, const ConstVector<Scalar>& weight,
                    const Matrix<Scalar>& share, int k, int n, const Vector<Scalar>& weighted) {
  const ConstVector<Scalar> from = weight;
  const Matrix<Scalar> factor = share;
  const Vector<Scalar> to = weighted;
  for_each(
      space, "weight of a member", n, KOKKOS_LAMBDA(int s) { to(s) = factor(s, k) * from(s); });
}

/// Row `direction` of n numbers behind each other.
template <class Scalar>
void mean_rates(const ExecutionSpace& space, const Matrix<Scalar>& share, const Matrix<Scalar>& of_members,
                int n, int n_tangents, const Vector<Scalar>& result) {
  const Matrix<Scalar> weight = share, from = of_members;
  const Vector<Scalar> to = result;
  const auto n_members = static_cast<int>(weight.extent(1));
  for_each(
      space, "derivative of the log mean density", n * n_tangents, KOKKOS_LAMBDA(int item) {
        Scalar sum = 0;
        for (int k = 0; k < n_members; ++k) sum += weight(item % n, k) * from(item, k);
        to(item) = sum;
      });
}

/// The least low end and the greatest high end.
template <class Scalar>
void widen(const ExecutionSpace& space, int n_leading, int n, const Matrix<Scalar>& member_low,
           const Matrix<Scalar>& member_high, const Matrix<Scalar>& low, const Matrix<Scalar>& high) {
  const Matrix<Scalar> from_low = member_low, from_high = member_high, to_low = low, to_high = high;
  for_each_entry(
      space, "reach of the members", n_leading, n, KOKKOS_LAMBDA(int i, int s) {
        if (from_low(i, s) < to_low(i, s)) to_low(i, s) = from_low(i, s);
        if (from_high(i, s) > to_high(i, s)) to_high(i, s) = from_high(i, s);
      });
}

/// Copies the states of the samples whose uniform is in the k-th of K equal parts of (0, 1).
template <class Scalar>
void take_chosen(const ExecutionSpace& space, int k, int n_members, const ConstStridedVector<double>& choice,
                 const Matrix<Scalar>& from, const Matrix<Scalar>& to, int n_rows, int n) {
  const ConstStridedVector<double> uniform = choice;
  const Matrix<Scalar> source = from, target = to;
  for_each_entry(
      space, "states of the chosen member", n_rows, n, KOKKOS_LAMBDA(int i, int s) {
        const auto part = static_cast<int>(uniform(s) * n_members);
        if (k == (part < n_members ? part : n_members - 1)) target(i, s) = source(i, s);
      });
}

}  // namespace

template <class Scalar>
Ensemble<Scalar>::Ensemble(const Config& config, int n_dims, const Capacity& capacity,
                           std::vector<std::unique_ptr<Density<Scalar>>> members)
    : Density<Scalar>(config, n_dims, capacity),
      m_members(std::move(members)),
      m_listeners(m_members.size()),
      m_log_rho(make_matrix<Scalar>("log density of members", capacity.samples, n_members())),
      m_share(make_matrix<Scalar>("shares of members", capacity.samples, n_members())),
      m_rate(make_matrix<Scalar>("rates of members", capacity.samples, n_members())),
      m_rates(make_matrix<Scalar>("tangents of members", capacity.samples * capacity.tangents, n_members())),
      m_first(make_matrix<Scalar>("results of members", n_dims, capacity.samples * n_members())),
      m_second(make_matrix<Scalar>("second results of members", n_dims, capacity.samples * n_members())),
      m_weight(make_vector<Scalar>("weights of a member", capacity.samples)) {
  for (int k = 0; k < n_members(); ++k)
    for (const network::ParameterBlock& block : member(k).layout().blocks())
      this->m_layout.add("member" + std::to_string(k + 1) + "/" + block.name, block.rows, block.columns);
}

template <class Scalar>
void Ensemble<Scalar>::restrict_to(int n_leading) {
  this->m_n_leading = n_leading;
  for (const auto& each : m_members) each->restrict_to(n_leading);
}

template <class Scalar>
void Ensemble<Scalar>::set_gradient_listener(GradientListener* listener) {
  for (int k = 0; k < n_members(); ++k) {
    MovedListener& moved = m_listeners[static_cast<std::size_t>(k)];
    moved.listener = listener;
    moved.offset = k * member(k).layout().size();
    member(k).set_gradient_listener(listener == nullptr ? nullptr : &moved);
  }
}

/// Member 1 starts as a model without ensemble does, the others from seeds of their own.
template <class Scalar>
std::vector<double> Ensemble<Scalar>::initialise(const InitialRows& rows, std::uint64_t seed) const {
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15ULL;  // different seeds for every member
  std::vector<double> parameters;
  for (int k = 0; k < n_members(); ++k) {
    const std::vector<double> own = member(k).initialise(rows, seed + odd * static_cast<std::uint64_t>(k));
    parameters.insert(parameters.end(), own.begin(), own.end());
  }
  return parameters;
}

template <class Scalar>
void Ensemble<Scalar>::mix(const ExecutionSpace& space, int n, const Vector<Scalar>& log_rho) {
  log_mean<Scalar>(space, m_log_rho, n, log_rho, m_share);
}

template <class Scalar>
void Ensemble<Scalar>::mean(const ExecutionSpace& space, const Matrix<Scalar>& of_members, int n,
                            const Vector<Scalar>& result) const {
  mean_rates<Scalar>(space, m_share, of_members, n, 1, result);
}

template <class Scalar>
void Ensemble<Scalar>::mean_by_coordinate(const ExecutionSpace& space, const Matrix<Scalar>& of_members,
                                          int n, const Matrix<Scalar>& result) const {
  const Matrix<Scalar> weight = m_share, from = of_members, to = result;
  const int n_members = this->n_members(), stride = this->m_capacity.samples;
  for_each_entry(
      space, "mean over members", this->m_n_leading, n, KOKKOS_LAMBDA(int i, int s) {
        Scalar sum = 0;
        for (int k = 0; k < n_members; ++k) sum += weight(s, k) * from(i, k * stride + s);
        to(i, s) = sum;
      });
}

/// log rho of each member.
template <class Scalar>
void Ensemble<Scalar>::log_densities(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                     const Points<Scalar>& points) {
  for (int k = 0; k < n_members(); ++k)
    member(k).log_density(space, part_of_member(parameters, k), points, log_rho_of_member(k, points.size()));
}

template <class Scalar>
void Ensemble<Scalar>::log_density(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                   const Points<Scalar>& points, const Vector<Scalar>& log_rho) {
  if (is_selected())
    return member(m_selected).log_density(space, part_of_member(parameters, m_selected), points, log_rho);
  log_densities(space, parameters, points);
  mix(space, points.size(), log_rho);
}

template <class Scalar>
void Ensemble<Scalar>::log_density_tangent(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                           const Points<Scalar>& points, int n_tangents,
                                           const ConstVector<Scalar>& tau_dot,
                                           const ConstMatrix<Scalar>& x_dot, const Vector<Scalar>& log_rho,
                                           const Vector<Scalar>& log_rho_dot) {
  if (is_selected())
    return member(m_selected)
        .log_density_tangent(space, part_of_member(parameters, m_selected), points, n_tangents, tau_dot,
                             x_dot, log_rho, log_rho_dot);
  const int n = points.size();
  for (int k = 0; k < n_members(); ++k)
    member(k).log_density_tangent(space, part_of_member(parameters, k), points, n_tangents, tau_dot, x_dot,
                                  log_rho_of_member(k, n),
                                  Kokkos::subview(m_rates, Kokkos::make_pair(0, n * n_tangents), k));
  mix(space, n, log_rho);
  mean_rates<Scalar>(space, m_share, m_rates, n, n_tangents, log_rho_dot);
}

template <class Scalar>
void Ensemble<Scalar>::log_density_gradient(const ExecutionSpace& space,
                                            const ConstVector<Scalar>& parameters,
                                            const Points<Scalar>& points, const ConstVector<Scalar>& weight,
                                            const Vector<Scalar>& log_rho,
                                            const Vector<Scalar>& parameters_bar) {
  if (is_selected())
    return member(m_selected)
        .log_density_gradient(space, part_of_member(parameters, m_selected), points, weight, log_rho,
                              part_of_member(parameters_bar, m_selected));
  const int n = points.size();
  log_densities(space, parameters, points);
  mix(space, n, log_rho);
  for (int k = 0; k < n_members(); ++k) {
    weigh_by_share<Scalar>(space, weight, m_share, k, n, m_weight);
    member(k).log_density_gradient(space, part_of_member(parameters, k), points, m_weight,
                                   log_rho_of_member(k, n), part_of_member(parameters_bar, k));
  }
}

template <class Scalar>
void Ensemble<Scalar>::log_density_score(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                         const Points<Scalar>& points, const Vector<Scalar>& log_rho,
                                         const Vector<Scalar>& tau_bar, const Matrix<Scalar>& score) {
  if (is_selected())
    return member(m_selected)
        .log_density_score(space, part_of_member(parameters, m_selected), points, log_rho, tau_bar, score);
  const int n = points.size();
  for (int k = 0; k < n_members(); ++k)
    member(k).log_density_score(space, part_of_member(parameters, k), points, log_rho_of_member(k, n),
                                Kokkos::subview(m_rate, Kokkos::make_pair(0, n), k),
                                columns_of_member(m_first, k, n));
  mix(space, n, log_rho);
  mean(space, m_rate, n, tau_bar);
  mean_by_coordinate(space, m_first, n, score);
}

template <class Scalar>
void Ensemble<Scalar>::log_conditional_cdf(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                           const Points<Scalar>& points, const Matrix<Scalar>& log_below,
                                           const Matrix<Scalar>& log_above) {
  if (is_selected())
    return member(m_selected)
        .log_conditional_cdf(space, part_of_member(parameters, m_selected), points, log_below, log_above);
  const int n = points.size(), n_leading = this->m_n_leading;
  for (int k = 0; k < n_members(); ++k)
    member(k).log_conditional_cdf(space, part_of_member(parameters, k), points,
                                  columns_of_member(m_first, k, n), columns_of_member(m_second, k, n));
  Kokkos::deep_copy(space, m_log_rho, Scalar(0));  // of no coordinate
  for (int i = 0; i < n_leading; ++i) {
    if (i > 0) {
      for (const auto& each : m_members) each->restrict_to(i);
      log_densities(space, parameters, points);
    }
    log_mean_cdf<Scalar>(space, i, n, m_log_rho, m_first, log_below);
    log_mean_cdf<Scalar>(space, i, n, m_log_rho, m_second, log_above);
  }
  restrict_to(n_leading);
}

template <class Scalar>
void Ensemble<Scalar>::conditional_reach(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                         const Points<Scalar>& points, Scalar log_mass,
                                         const Matrix<Scalar>& low, const Matrix<Scalar>& high) {
  const int n = points.size(), first = is_selected() ? m_selected : 0;
  member(first).conditional_reach(space, part_of_member(parameters, first), points, log_mass, low, high);
  for (int k = 1; k < n_members() && !is_selected(); ++k) {
    const Matrix<Scalar> own_low = columns_of_member(m_first, k, n),
                         own_high = columns_of_member(m_second, k, n);
    member(k).conditional_reach(space, part_of_member(parameters, k), points, log_mass, own_low, own_high);
    widen<Scalar>(space, this->m_n_leading, n, own_low, own_high, low, high);
  }
}

template <class Scalar>
ConstMatrix<double> Ensemble<Scalar>::of_a_member(const ConstMatrix<double>& uniforms) const {
  if (uniforms.extent(0) == 0) return uniforms;
  return Kokkos::subview(uniforms, Kokkos::make_pair(0, uniforms_per_sample() - 1), Kokkos::ALL);
}

template <class Scalar>
template <class FromMember>
void Ensemble<Scalar>::by_chosen_member(const ExecutionSpace& space, const Points<Scalar>& points,
                                        const ConstMatrix<double>& uniforms, const FromMember& from_member) {
  const int n = points.size();
  for (int k = 0; k < n_members(); ++k) {
    Points<Scalar> own = points;
    own.x = columns_of_member(m_first, k, n);
    Kokkos::deep_copy(space, own.x, points.x);
    from_member(k, own);
  }
  const ConstStridedVector<double> choice = row_of(uniforms, uniforms_per_sample() - 1);
  for (int k = 0; k < n_members(); ++k)
    take_chosen<Scalar>(space, k, n_members(), choice, columns_of_member(m_first, k, n), points.x,
                        this->m_n_leading, n);
}

template <class Scalar>
void Ensemble<Scalar>::sample(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                              const Points<Scalar>& points, const ConstMatrix<double>& uniforms) {
  if (is_selected())
    return member(m_selected)
        .sample(space, part_of_member(parameters, m_selected), points, of_a_member(uniforms));
  by_chosen_member(space, points, uniforms, [&](int k, const Points<Scalar>& own) {
    member(k).sample(space, part_of_member(parameters, k), own, of_a_member(uniforms));
  });
}

/// The member is chosen first, each with the probability 1 / K: the mean of its marginal density over the choice is that
/// of the mean.
template <class Scalar>
void Ensemble<Scalar>::complete(const ExecutionSpace& space, const ConstVector<Scalar>& parameters,
                                const Points<Scalar>& points, const ConstVector<int>& is_given,
                                const ConstMatrix<double>& uniforms, const Vector<Scalar>& log_weight) {
  if (is_selected())
    return member(m_selected)
        .complete(space, part_of_member(parameters, m_selected), points, is_given, of_a_member(uniforms),
                  log_weight);
  by_chosen_member(space, points, uniforms, [&](int k, const Points<Scalar>& own) {
    member(k).complete(space, part_of_member(parameters, k), own, is_given, of_a_member(uniforms),
                       log_rho_of_member(k, points.size()));
  });
  const int n = points.size(), n_members = this->n_members();
  const ConstStridedVector<double> choice = row_of(uniforms, uniforms_per_sample() - 1);
  const Matrix<Scalar> weight(log_weight.data(), 1, static_cast<std::size_t>(n));
  for (int k = 0; k < n_members; ++k) {
    const Vector<Scalar> own = log_rho_of_member(k, n);
    const Matrix<Scalar> own_weight(own.data(), 1, static_cast<std::size_t>(n));
    take_chosen<Scalar>(space, k, n_members, choice, own_weight, weight, 1, n);
  }
}

template class Ensemble<float>;
template class Ensemble<double>;

}  // namespace rhoflux::density
