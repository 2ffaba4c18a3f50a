#pragma once

namespace rhoflux::network {

/// How far an evaluation and its adjoint have come. Each function names a call and throws std::logic_error where
/// it is out of order.
class CallOrder {
 public:
  void begin(bool needs_dense_inputs);
  void feed(int stage);
  void feed_dense();
  void evaluate(int stage);
  void extend() const;
  void adjoint_stage(int stage);
  void input_adjoint(int stage) const;
  int n_evaluated() const { return m_n_evaluated; }

 private:
  bool m_has_dense_inputs = false;
  int m_last_fed = -1;      ///< stage whose input is there
  int m_n_evaluated = 0;    ///< stages evaluated
  int m_last_adjoint = -1;  ///< stage of the last adjoint pass; -1: none since the evaluation
};

}  // namespace rhoflux::network
