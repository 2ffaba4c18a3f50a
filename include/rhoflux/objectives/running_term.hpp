#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rhoflux/core/types.hpp"
#include "rhoflux/objectives/config.hpp"

namespace rhoflux::objectives {

/// Draws from the model and what it says of them, in the units of the data.
template <class Scalar>
struct Draws {
  Vector<Scalar> t;        ///< (n)
  Matrix<Scalar> x;        ///< (n_dims, n)
  Matrix<Scalar> drift;    ///< (n_dims, n) u
  Vector<Scalar> log_rho;  ///< (n)
  int size() const { return static_cast<int>(t.extent(0)); }
};

/// Adjoints of the same, to which the terms add.
template <class Scalar>
struct DrawsBar {
  Matrix<Scalar> x, drift;
  Vector<Scalar> log_rho;
};

/// One term int E_rho h(t, x, u, log rho) dt.
template <class Scalar>
class RunningTerm {
 public:
  virtual ~RunningTerm() = default;
  virtual std::string name() const = 0;
  /// Adds weight dh to the adjoints. @return the sum of h over the draws
  virtual double add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
                     const DrawsBar<Scalar>& bar) const = 0;
};

/// h = |u|^2.
template <class Scalar>
class Kinetic : public RunningTerm<Scalar> {
 public:
  std::string name() const override { return "kinetic"; }
  double add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
             const DrawsBar<Scalar>& bar) const override;
};

/// h = |u|^2 / (2 sigma^2), [HVC] 34 with no base drift.
template <class Scalar>
class Control : public RunningTerm<Scalar> {
 public:
  explicit Control(double sigma) : m_sigma(sigma) {}
  std::string name() const override { return "control"; }
  double add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
             const DrawsBar<Scalar>& bar) const override;

 private:
  double m_sigma;
};

/// h = log rho, [HVC] 35.
template <class Scalar>
class Entropy : public RunningTerm<Scalar> {
 public:
  std::string name() const override { return "entropy"; }
  double add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
             const DrawsBar<Scalar>& bar) const override;
};

/// h = rho, the mean-field cost of crowding.
template <class Scalar>
class Congestion : public RunningTerm<Scalar> {
 public:
  std::string name() const override { return "congestion"; }
  double add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
             const DrawsBar<Scalar>& bar) const override;
};

/// h = phi(x), a potential; [HVC] 35.
template <class Scalar>
class StateCost : public RunningTerm<Scalar> {
 public:
  explicit StateCost(const Potential& potential);
  std::string name() const override { return "state_cost"; }
  double add(const ExecutionSpace& space, const Draws<Scalar>& draws, double weight,
             const DrawsBar<Scalar>& bar) const override;

 private:
  Potential::Kind m_kind;
  int m_n_parts;
  Vector<double> m_numbers;  ///< part by part
};

/// A term and when it acts.
template <class Scalar>
struct ScheduledTerm {
  Term schedule;
  std::unique_ptr<RunningTerm<Scalar>> term;
};

/// The expectations under the model that the configuration asks for.
template <class Scalar>
std::vector<ScheduledTerm<Scalar>> make_running_terms(const Config& config);

extern template class Kinetic<float>;
extern template class Kinetic<double>;
extern template class Control<float>;
extern template class Control<double>;
extern template class Entropy<float>;
extern template class Entropy<double>;
extern template class Congestion<float>;
extern template class Congestion<double>;
extern template class StateCost<float>;
extern template class StateCost<double>;

}  // namespace rhoflux::objectives
