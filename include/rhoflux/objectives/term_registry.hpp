#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rhoflux::objectives {

struct Config;
template <class Scalar>
class ExpectationTerm;
template <class Scalar>
struct TermContext;

/// What a term averages, and over which samples.
enum class TermKind {
  data_likelihood,       ///< -log rho_t(x) over the training rows
  initial_likelihood,    ///< -log rho_first(x) over the endpoint distribution at the first time
  terminal_likelihood,   ///< -log rho_last(x) over the endpoint distribution at the last time
  data_rates,            ///< growth rate of the model against that of the training rows
  initial_expectation,   ///< h over the model at the first time
  terminal_expectation,  ///< h over the model at the last time
  integral               ///< h over the model, integrated over time
};

/// True for an average over samples of the model itself.
constexpr bool is_expectation(TermKind kind) {
  return kind == TermKind::initial_expectation || kind == TermKind::terminal_expectation ||
         kind == TermKind::integral;
}

/// Values that the h of a term can have: only a cost that is never negative may saturate (NAME_clip).
enum class Sign { any, never_negative };

/// How `rhoflux evaluate` reports a term: as a cost, by the model and along simulated paths; or not as a
/// term, because it measures how an end fits its distribution, which `evaluate` says in distances.
enum class Report { as_cost, as_fit };

/// Makes the ExpectationTerm of a row in either precision; see make_factory() in expectation_term.hpp.
struct TermFactory {
  std::unique_ptr<ExpectationTerm<float>> (*in_float)(const TermContext<float>&) = nullptr;
  std::unique_ptr<ExpectationTerm<double>> (*in_double)(const TermContext<double>&) = nullptr;

  bool is_given() const { return in_double != nullptr; }
  template <class Scalar>
  std::unique_ptr<ExpectationTerm<Scalar>> make(const TermContext<Scalar>& context) const {
    if constexpr (std::is_same_v<Scalar, float>)
      return in_float(context);
    else
      return in_double(context);
  }
};

/// One term of the objective: all that the rest of the program knows of it.
struct TermRow {
  std::string name;  ///< NAME of the deck keys objective.NAME, NAME_start, NAME_ramp, NAME_clip
  TermKind kind;
  Sign sign;
  std::string unit;         ///< of the weight; empty: none
  std::string explanation;  ///< of the weight, one line of help
  /// Of an expectation. A likelihood at an end may have one too: it makes the expectation at that end which
  /// the term is where no endpoint distribution is given.
  TermFactory factory = {};
  Report report = Report::as_cost;
  /// Model samples that must have the same time, because h looks at pairs of them; null: each has its own.
  int (*samples_per_time)(const Config& config) = nullptr;
};

/// The terms that there are, in the order of their deck keys. Terms of one kind are evaluated and reported in
/// this order.
class TermRegistry {
 public:
  explicit TermRegistry(std::vector<TermRow> rows) : m_rows(std::move(rows)) {}
  /// The terms of the program.
  static const TermRegistry& built_in();
  /// The hook for terms from outside: a copy with one more row, for Config's constructor.
  TermRegistry with(TermRow row) const;

  const std::vector<TermRow>& rows() const { return m_rows; }
  /// Throws std::out_of_range where there is no term of that name, a fault of the program.
  std::size_t index_of(std::string_view name) const;

 private:
  std::vector<TermRow> m_rows;
};

}  // namespace rhoflux::objectives
