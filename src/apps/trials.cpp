#include "trials.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <numeric>

#include "rhoflux/checkpoint/checkpoint_directory.hpp"
#include "rhoflux/cli/deck.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "run_config.hpp"

namespace rhoflux::apps {
namespace {

constexpr double no_result = std::numeric_limits<double>::quiet_NaN();

/// Removes the folder of the checkpoints, however it ends.
class TrialFolder {
 public:
  TrialFolder(const mpi::Communicator& comm, std::string path) : m_comm(comm), m_path(std::move(path)) {
    mpi::on_root(comm, [&] {
      if (std::filesystem::exists(m_path))
        fail_input(
            m_path +
            ": is there, left by a run of 'rhoflux suggest --try' that goes on or was killed; remove it");
    });
  }
  ~TrialFolder() {
    m_comm.barrier();
    std::error_code ignored;
    if (m_comm.is_root()) std::filesystem::remove_all(m_path, ignored);
  }
  TrialFolder(const TrialFolder&) = delete;
  TrialFolder& operator=(const TrialFolder&) = delete;

 private:
  const mpi::Communicator& m_comm;
  std::string m_path;
};

/// The trials, made round by round.
class Trials {
 public:
  Trials(const Context& context, const TrialPlan& plan)
      : m_context(context),
        m_plan(plan),
        m_keys(suggestion::suggested_keys(plan.portrait, plan.wishes)),
        m_alone(MPI_COMM_SELF),
        m_own{context.command_line, m_alone, 1} {
    if (plan.portrait.n_val == 0)
      fail_input("--try: " + plan.portrait.path +
                 " has no validation rows to choose by; 'rhoflux import --val 0.1' sets some aside");
  }

  TrialResult run() {
    training::install_stop_signals();
    const TrialFolder folder(m_context.comm, m_plan.folder);
    const cli::Deck suggested = deck_of({});
    m_steps =
        std::max<std::int64_t>(suggested.training.patience > 0 ? (m_plan.portrait.n_train < 5000 ? 250 : 1000)
                                                               : suggested.training.steps / 4,
                               suggested.training.validate_every);
    std::vector<suggestion::Variation> single = suggestion::variations(m_plan.portrait, m_keys);
    const auto count = static_cast<std::size_t>(m_plan.count);
    const std::size_t n_single = std::min(single.size(), count - count / 4);
    for (std::size_t k = 0; k < n_single; ++k) add(std::move(single[k]));
    m_result.round_steps.push_back(m_steps);
    std::vector<std::size_t> alive = indices(0);
    evaluate(alive);
    if (!m_result.is_stopped) add_combinations(count);
    evaluate(indices(n_single));
    alive = indices(0);
    while (!m_result.is_stopped && (keep_better_half(alive), alive.size() > 1)) {
      m_steps *= 2;
      m_result.round_steps.push_back(m_steps);
      evaluate(alive);
    }
    m_result.best = alive.front();  // of no meaning where it was stopped
    return m_result;
  }

 private:
  void add(suggestion::Variation variation) { m_result.trials.push_back({std::move(variation), {}}); }
  std::vector<std::size_t> indices(std::size_t first) const {
    std::vector<std::size_t> all(m_result.trials.size() - first);
    std::iota(all.begin(), all.end(), first);
    return all;
  }
  double last(std::size_t k) const {
    const std::vector<double>& nll = m_result.trials[k].nll;
    return nll.empty() || std::isnan(nll.back()) ? std::numeric_limits<double>::infinity() : nll.back();
  }
  std::vector<std::size_t> sorted(std::vector<std::size_t> some) const {
    std::stable_sort(some.begin(), some.end(),
                     [this](std::size_t a, std::size_t b) { return last(a) < last(b); });
    return some;
  }

  /// Pairs of variations of one thing, those of the best first, until there are `count` trials.
  void add_combinations(std::size_t count) {
    std::vector<std::size_t> order = sorted(indices(0));
    order.erase(std::remove(order.begin(), order.end(), 0u), order.end());
    std::vector<suggestion::Variation> best;
    for (const std::size_t k : order) best.push_back(m_result.trials[k].variation);
    std::vector<suggestion::Variation> pairs;
    for (std::size_t sum = 1; sum < 2 * best.size(); ++sum)
      for (std::size_t a = 0; 2 * a < sum; ++a)
        if (const std::size_t b = sum - a; b < best.size() && best[a].goes_with(best[b]))
          pairs.push_back(suggestion::combined(best[a], best[b]));
    for (std::size_t k = 0; k < pairs.size() && m_result.trials.size() < count; ++k) add(pairs[k]);
  }

  /// The half with the smaller NLL, in that order. Of one that failed nothing is left.
  void keep_better_half(std::vector<std::size_t>& alive) const {
    alive = sorted(alive);
    const auto failed = [this](std::size_t k) { return std::isinf(last(k)); };
    alive.erase(std::remove_if(alive.begin(), alive.end(), failed), alive.end());
    if (alive.empty()) fail_numerics("--try: no run has a finite validation likelihood");
    alive.resize((alive.size() + 1) / 2);
  }

  cli::Deck deck_of(const suggestion::Variation& variation) const {
    const std::string text = suggestion::deck_of(m_plan.portrait, m_plan.wishes,
                                                 suggestion::with_variation(m_keys, variation, ""));
    return cli::parse_deck_text(text, "the deck of '" + variation.name + "'");
  }

  /// Every size-th of the trials on each rank.
  void evaluate(const std::vector<std::size_t>& which) {
    if (which.empty()) return;  // few trials leave none for combinations
    const mpi::Communicator& comm = m_context.comm;
    std::vector<double> found(which.size(), 0.0);
    mpi::on_every_rank(comm, [&] {
      for (auto k = static_cast<std::size_t>(comm.rank()); k < which.size() && !m_is_stopped;
           k += static_cast<std::size_t>(comm.size()))
        found[k] = nll_of(which[k]);
    });
    comm.sum(found.data(), static_cast<int>(found.size()));
    m_result.is_stopped = comm.any(m_is_stopped);
    for (std::size_t k = 0; k < which.size(); ++k) m_result.trials[which[k]].nll.push_back(found[k]);
    if (m_result.is_stopped) return;
    const std::size_t best = sorted(which).front();
    print(comm, "tried " + counted(which.size(), "deck") + " for " + std::to_string(m_steps) +
                    " steps; the smallest validation nll is " + formatted("%.5f", last(best)) + " (" +
                    m_result.trials[best].variation.name + ")");
  }

  /// Validation NLL of a run of m_steps steps. A constant learning rate goes on where the run of the round before ended; another
  /// schedule is made anew.
  double nll_of(std::size_t trial) {
    cli::Deck deck = deck_of(m_result.trials[trial].variation);
    deck.model.n_members = 1;  // what is good for one density is for an ensemble
    deck.training.steps = m_steps;
    deck.training.patience = 0;
    deck.output.log_every = m_steps;
    deck.checkpoint.every = m_steps;
    deck.checkpoint.directory = m_plan.folder + "/" + std::to_string(trial);
    data::read_tables(deck.objective, m_alone);
    const data::Sources sources = data::open_sources(deck.data, deck.objective, m_alone);
    deck.model.n_conditions = sources.n_condition_rows();
    training::RunConfig config = run_config_of(deck, m_own);
    config.force = true;
    if (deck.training.schedule.kind == optim::Schedule::constant) {
      config.restart = "auto";
      config.force = false;
    }
    try {
      const training::RunEnd end = training::train(config, sources, m_alone, [](const std::string&) {});
      m_is_stopped = m_is_stopped || end == training::RunEnd::stopped;
    } catch (const Error& error) {
      if (error.code() != ExitCode::numerical_failure) throw;
      return no_result;
    }
    if (m_is_stopped) return no_result;
    return checkpoint::read_checkpoint(checkpoint::best_path(deck.checkpoint.directory))
        .state.best_validation;
  }

  const Context& m_context;
  const TrialPlan& m_plan;
  std::vector<suggestion::SuggestedKey> m_keys;
  mpi::Communicator m_alone;
  Context m_own;
  TrialResult m_result;
  std::int64_t m_steps = 0;
  bool m_is_stopped = false;
};

}  // namespace

TrialResult run_trials(const Context& context, const TrialPlan& plan) {
  return Trials(context, plan).run();
}

std::vector<std::string> to_text(const TrialResult& result) {
  std::vector<std::size_t> order(result.trials.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Those that came further first, then by their last figure.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const std::vector<double>&x = result.trials[a].nll, &y = result.trials[b].nll;
    if (x.size() != y.size()) return x.size() > y.size();
    const auto value = [](double nll) {
      return std::isnan(nll) ? std::numeric_limits<double>::infinity() : nll;
    };
    return value(x.back()) < value(y.back());
  });
  std::string head = "validation nll (std.) after";
  for (const std::int64_t steps : result.round_steps) head += formatted("%10.0f", static_cast<double>(steps));
  std::vector<std::string> lines = {head + " steps"};
  for (const std::size_t k : order) {
    const Trial& trial = result.trials[k];
    std::string line = "                           ";
    for (std::size_t round = 0; round < result.round_steps.size(); ++round)
      line += round >= trial.nll.size()      ? "         -"
              : std::isnan(trial.nll[round]) ? "    failed"
                                             : formatted("%10.5f", trial.nll[round]);
    lines.push_back(line + "  " + trial.variation.name);
  }
  return lines;
}

std::string deck_of_best(const TrialPlan& plan, const TrialResult& result) {
  const Trial& best = result.trials[result.best];
  std::string remark = "#\n# --try " + std::to_string(result.trials.size()) + ": ";
  remark += result.best == 0 ? "none of the variations was better on the validation rows.\n"
                             : "best on the validation rows: " + best.variation.name + ".\n";
  for (const std::string& line : to_text(result)) remark += "#   " + line + "\n";
  const std::string why = "tried: validation nll " + formatted("%.4f", best.nll.back()) + " after " +
                          std::to_string(result.round_steps[best.nll.size() - 1]) +
                          " steps; the table says against what";
  return suggestion::deck_of(
      plan.portrait, plan.wishes,
      suggestion::with_variation(suggestion::suggested_keys(plan.portrait, plan.wishes), best.variation, why),
      remark);
}

}  // namespace rhoflux::apps
