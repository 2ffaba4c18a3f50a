#include "rhoflux/network/call_order.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace rhoflux::network {
namespace {

[[noreturn]] void out_of_order(const std::string& call, const std::string& rule) {
  throw std::logic_error("masked network: " + call + " out of order: " + rule);
}

}  // namespace

void CallOrder::begin(bool needs_dense_inputs) {
  m_has_dense_inputs = !needs_dense_inputs;
  m_last_fed = 0;
  m_n_evaluated = 0;
  m_last_adjoint = -1;
}

void CallOrder::feed(int stage) {
  if (stage < 1 || stage != m_n_evaluated)
    out_of_order("feed(" + std::to_string(stage) + ")", "stage " +
                                                            std::to_string(std::max(1, m_n_evaluated)) +
                                                            " is next, once those before it are evaluated");
  m_last_fed = stage;
}

void CallOrder::feed_dense() {
  if (m_last_fed != 0 || m_n_evaluated > 0)
    out_of_order("feed_dense", "belongs between begin and evaluate(0)");
  m_has_dense_inputs = true;
}

void CallOrder::evaluate(int stage) {
  if (stage != m_n_evaluated || stage != m_last_fed || !m_has_dense_inputs)
    out_of_order("evaluate(" + std::to_string(stage) + ")",
                 "the input of the stage must have been fed and stages 0 to " + std::to_string(stage - 1) +
                     " evaluated once each");
  ++m_n_evaluated;
  m_last_adjoint = -1;
}

void CallOrder::extend() const {
  if (m_n_evaluated == 0) out_of_order("extend", "a stage must have been evaluated");
}

void CallOrder::adjoint_stage(int stage) {
  const bool starts = stage == m_n_evaluated - 1,
             continues = m_last_adjoint > 0 && stage == m_last_adjoint - 1;
  if (stage < 0 || (!starts && !continues))
    out_of_order("adjoint_stage(" + std::to_string(stage) + ")",
                 "goes from the last evaluated stage down to 0");
  m_last_adjoint = stage;
}

void CallOrder::input_adjoint(int stage) const {
  if (m_last_adjoint < 0 || m_last_adjoint > stage)
    out_of_order("adjoint of the input of stage " + std::to_string(stage),
                 "the adjoint passes down to that stage come first");
}

}  // namespace rhoflux::network
