#include "rhoflux/objectives/expectation_term.hpp"

#include <stdexcept>

namespace rhoflux::objectives {

template <class Scalar>
void ExpectationTerm<Scalar>::add(const ExecutionSpace&, const ModelSamples<Scalar>&, double,
                                  const ModelSamplesBar<Scalar>&, const TermTotals&) const {
  throw std::logic_error("a term without `add` must say evaluates_dynamics");
}

template <class Scalar>
void ExpectationTerm<Scalar>::add_unevaluated(const ExecutionSpace&, const UnevaluatedSamples<Scalar>&,
                                              double, const UnevaluatedSamplesBar<Scalar>&,
                                              const TermTotals&) {
  throw std::logic_error("a term that evaluates_dynamics must have add_unevaluated");
}

template class ExpectationTerm<float>;
template class ExpectationTerm<double>;

}  // namespace rhoflux::objectives
