#include "rhoflux/suggestion/suggested_deck.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "rhoflux/cli/deck.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/density/config.hpp"

namespace rhoflux::suggestion {
namespace {

/// Two significant digits, without an exponent where there is a short form.
std::string number(double value) {
  const double tens = std::pow(10, std::floor(std::log10(std::abs(value))) - 1);
  return std::abs(value) >= 100 && std::abs(value) < 1e9 ? formatted("%.0f", std::round(value / tens) * tens)
                                                         : formatted("%.2g", value);
}

class Rules {
 public:
  Rules(const Portrait& portrait, const Wishes& wishes)
      : m_data(portrait),
        m_wishes(wishes),
        m_moves(!portrait.is_continuous && portrait.n_times > 1),
        m_is_fine(portrait.n_dims <= 3 && portrait.n_train >= 5000 &&
                  portrait.fineness < (m_moves ? 0.7 : 0.9)),
        m_is_finest(m_is_fine && !m_moves && portrait.n_train >= 20000 && portrait.fineness < 0.7),
        m_is_crowd(m_is_finest && stops_early()) {}

  std::vector<SuggestedKey> run() {
    require_snapshots_for_counts();
    data();
    model();
    if (m_moves && m_data.n_dims > 1 && m_data.n_dims <= 20) divergence_free();
    objective();
    training();
    m_section = "checkpoint";
    add("directory", m_wishes.directory, "checkpoints and history.csv");
    return m_keys;
  }

 private:
  void add(const std::string& name, const std::string& value, const std::string& reason) {
    m_keys.push_back({m_section, name, value, reason});
  }

  bool grows() const { return m_moves && (m_wishes.counts_are_mass || m_data.has_growth); }
  /// Motion is a part of the objective, so that the likelihood alone cannot say when to stop.
  bool stops_early() const { return !m_moves && m_data.n_val > 0; }

  void require_snapshots_for_counts() const {
    if (m_wishes.counts_are_mass && !m_moves)
      fail_input("--counts-are-mass: " + m_data.path +
                 (m_data.is_continuous ? " has events in continuous time" : " has rows of one time alone") +
                 ", not snapshots whose rows could be counted");
    if (m_wishes.counts_are_mass && !m_data.conditions.empty())
      fail_input("--counts-are-mass: " + m_data.path + " has the conditions " + joined(m_data.conditions) +
                 "; the rows of all conditions together are no masses of each. Suggest a deck without this "
                 "option and give data.mass");
  }

  void data() {
    m_section = "data";
    add("file", m_data.path, "the population; a relative path starts where rhoflux is started");
    if (m_data.has_far_rows)
      add("standardise", "robust", "few rows lie far outside; they would stretch the scale of all others");
    if (!m_data.without_train.empty())
      add("hold_out_times", joined(m_data.without_train), "no training rows there: predicted, not learned");
    if (!m_data.conditions.empty())
      add("conditions", joined(m_data.conditions), "covariates of the rows, inputs of the model");
    if (m_wishes.counts_are_mass)
      add("mass", "counts", "the numbers of rows are the sizes of the population (--counts-are-mass)");
  }

  void model() {
    m_section = "model";
    const std::int64_t n = m_data.n_train;
    if (m_is_crowd) return crowd();
    if (m_data.is_continuous && stops_early() && n >= 5000)
      add("ensemble", "4",
          "the mean of four densities, each a little wrong in its own way; 1 takes a quarter of the time");
    else if (m_moves && m_is_fine)
      add("ensemble", "3",
          "the mean of three densities, each a little wrong in its own way; 1 takes a third of the time");
    add("components",
        n < 1000                              ? "8"
        : m_is_fine && !m_moves && n >= 20000 ? "32"
                                              : "16",
        "logistics in each conditional, for " + counted(n, "training row"));
    add("hidden", widths(), "parameters enough for that many rows, and no more");
    time_features();
    coordinate_features();
    if (grows()) {
      add("weights", "time_dependent", "a type that multiplies gains weight ...");
      add("growth", "weights", "... where it is");
    } else if (m_moves) {
      add("weights", "time_constant",
          "mass moves; with weights that change it could fade here and appear there");
    }
  }

  double different_rows() const { return static_cast<double>(m_data.n_train) / m_data.repeats; }

  /// A power of two from an eighth to a quarter of the different rows.
  void crowd() {
    std::int64_t products = 1024;
    while (products < density::max_products && static_cast<double>(8 * products) <= different_rows())
      products *= 2;
    add("family", "factorised",
        "rows are " + number(m_data.fineness) +
            " times as far from their neighbours as if coordinates were independent: fine structure,");
    add("mixture", std::to_string(products),
        "each a place with a width of its own, for about " + number(different_rows()) + " different rows");
    add("components", "1", "logistic for each coordinate of a place");
    add("hidden", "1", "one function of time, ...");
    add("time_features", "2", "... of a sine and a cosine, ...");
    add("time_frequency_min", "0.01",
        "... so slow that the density hardly changes. Where something does change:");
    add("time_frequency_max", "0.01", "hidden = 4, time_frequency_min = 0.5, time_frequency_max = 4");
  }

  std::string widths() const {
    const std::int64_t n = m_data.n_train;
    if (n < 2000) return "32,32";
    if (n < 5000) return "64,64";
    if (n < 20000 || m_data.n_dims == 1) return "128,128";
    return m_data.n_dims <= 3 ? "128,128,128" : "192,192,192";
  }

  /// What a model that may follow the time loses by it where there is nothing to follow: about 100 / n nats an event of n, and
  /// no more than 0.1, for validation ends the run before (docs/results.md).
  double least_information() const { return 0.002 + std::min(0.1, 100 / different_rows()); }
  bool changes_in_time() const {
    return !m_data.is_continuous || m_data.time_information > least_information();
  }

  void time_features() {
    if (!changes_in_time()) {
      add("time_features", "2",
          "when an event happened says little of where (under " + number(least_information()) +
              " nats): one slow function");
      add("time_frequency_max", "0.5",
          "of time. Where something recurs, P periods in the range need 16 features and 6.3 P here");
      return;
    }
    if (m_data.is_continuous) {
      add("time_features", "16", "slow changes over the time range; raise the next key ...");
      add("time_frequency_max", "4", "... where something recurs: P periods in the range need 6.3 P");
      return;
    }
    if (m_data.n_times < 2) {
      add("time_features", "2", "there is one time alone");
      return;
    }
    const auto times = static_cast<double>(m_data.n_times);
    // What fits the snapshots is fast enough; a snapshot that is left out is predicted better by functions that are slower and
    // fit the others nearly as well (docs/results.md, "A day left out").
    const bool predicts = !m_data.without_train.empty();
    const double most =
        std::max(1.0, std::min({(predicts ? 0.5 : 1.2) * times, 3.14159 / m_data.largest_gap, 16.0}));
    add("time_features", m_data.n_times < 4 ? "8" : "16",
        counted(m_data.n_times, "snapshot") + " to learn from ...");
    add("time_frequency_max", number(most),
        predicts
            ? "... by slow functions, for what is left out lies between them"
            : "... and half a period in the longest gap at most: nothing may oscillate between two of them");
  }

  void coordinate_features() {
    if (!m_is_fine) return;
    const std::string how = "rows are " + number(m_data.fineness) +
                            " times as far from their neighbours as if coordinates were independent:";
    add("coordinate_features", m_is_finest ? "128" : "16", how);
    add("coordinate_frequency_max", m_is_finest ? "200" : "8",
        "fine structure, which one coordinate gives the next");
  }

  void divergence_free() {
    m_section = "flux";
    add("divergence_free", "density_weighted",
        "what the densities leave open: the drift need not keep quantiles");
    add("hidden", "64,64", "a smooth field");
  }

  void objective() {
    m_section = "objective";
    add("nll", "1", "likelihood of the rows");
    if (!m_moves) return;
    const double span = m_data.t_last - m_data.t_first;
    add("kinetic", number(0.00025 * span),
        "little: among motions with these densities, one that costs little");
    add("kinetic_metric", "standardised", "every coordinate counts alike");
    add("kinetic_start", "500", "the density comes first");
    add("kinetic_ramp", "500", "steps until it has its whole weight");
    // A clip ten times as high leaves more mass between the clusters (docs/results.md).
    add("kinetic_clip", number(100 / (span * span)),
        "ten deviations in the time range, squared: a rare draw between two clusters does not rule the step");
    if (!grows()) return;
    add("growth", number(0.0005 * span),
        "growth has a cost too, so that the rates are no larger than they must be");
    add("growth_start", "500", "with the kinetic energy");
    add("growth_ramp", "500", "likewise");
    if (m_data.has_growth) add("growth_rates", number(0.1 * span * span), "the rows have known growth rates");
  }

  /// Places find their widths in some hundred steps, and then begin to learn the rows by heart.
  void training_of_crowd() {
    m_section = "training";
    batch(1024);
    add("steps", "10000", "at most; validation ends the run earlier");
    add("learning_rate", "2e-3", "twice the usual: places find their widths in some hundred steps");
    add("schedule", "constant", "validation, not a schedule, says when it ends");
    add("warmup", "50", "steps in which the rate rises from zero");
    noise();
    add("weight_decay", "0", "places are where they are");
    add("average", "0.99",
        "the mean of the parameters over the last hundred steps is better than the last ones");
    add("validate_every", "50", "steps: the best is passed within hundreds");
    add("patience", "8", "ends after 400 steps without a better validation; best.h5 is the best");
  }

  void training() {
    if (m_is_crowd) return training_of_crowd();
    m_section = "training";
    const std::int64_t n = m_data.n_train;
    const bool is_small = n < 5000;
    const std::int64_t rows = n < 1000 ? 256 : is_small ? 512 : 1024;
    batch(rows);
    add("steps", std::to_string(steps()),
        stops_early() ? "at most; validation ends the run earlier"
                      : "each row is seen " +
                            number(static_cast<double>(steps() * rows) / static_cast<double>(n)) + " times");
    const bool is_fast = !stops_early() && m_data.n_dims <= 3;
    add("learning_rate", is_fast ? "2e-3" : "1e-3",
        is_fast ? "twice the usual, which few coordinates and a rate that falls to zero allow"
                : "the usual of Adam");
    add("schedule", stops_early() ? "constant" : "cosine",
        stops_early() ? "validation, not a schedule, says when it ends" : "down to zero at the last step");
    add("warmup", "200", "steps in which the rate rises from zero");
    noise();
    if (m_data.is_continuous)
      add("time_noise", changes_in_time() ? "0.05" : "0.3",
          std::string("of their times, as a share of the time range: ") +
              (changes_in_time() ? "no event is learnt by heart at its time" : "the time hardly counts"));
    add("weight_decay",
        is_small               ? "0.1"
        : m_data.is_continuous ? "0.01"
                               : "0.03",
        "smooth functions of time and place");
    // A small network has found what there is after some hundred steps.
    const bool is_short = is_small && stops_early();
    add("average", is_short ? "0.99" : "0.999",
        "the mean of the parameters over the last " + std::string(is_short ? "hundred" : "thousand") +
            " steps is better than the last ones");
    add("validate_every", is_short ? "50" : "250",
        is_short ? "steps: the best is passed within hundreds" : "steps: a small part of the time");
    if (stops_early())
      add("patience", is_short ? "20" : "8",
          "ends after " + std::string(is_short ? "1000" : "2000") +
              " steps without a better validation; best.h5 is the best");
  }

  void batch(std::int64_t rows) {
    const auto n = static_cast<double>(m_data.n_train);
    add("batch", std::to_string(rows),
        "rows a step; " + number(std::max(1.0, n / static_cast<double>(rows))) +
            " steps see as many rows as there are");
  }

  std::int64_t steps() const {
    if (stops_early()) return m_data.n_train < 5000 ? 5000 : 40000;
    return m_data.n_train < 1000 ? 1500 : m_data.n_train < 5000 ? 2500 : 4000;
  }

  /// By the validation split of five data sets and of 300, 1000 and 3000 rows of each (docs/results.md).
  double share_of_spacing() const {
    const bool is_small = m_data.n_train < 5000;
    if (m_is_crowd) return 1.5;
    if (m_data.n_dims > 3) return is_small ? 0.5 : 0.25;
    if (is_small) return 3;
    return m_moves ? 1 : 4.5;
  }

  /// A multiple of the distance between neighbours of all rows: what is finer is learnt by heart. Among n different rows it is
  /// (n_compared / n)^(1 / D) of that among n_compared, and no rows of a sensible number fill more than six dimensions.
  void noise() {
    const double rows = std::min(1.0, static_cast<double>(m_data.n_compared) / different_rows());
    const double spacing = m_data.neighbour * std::pow(rows, 1.0 / std::min(m_data.n_dims, 6));
    double value = std::clamp(share_of_spacing() * spacing, 0.002, 0.2);
    std::string reason = "of the rows, in standard deviations: neighbours are " + number(spacing) + " apart";
    if (m_data.has_few_values) {
      value = std::max(value, 0.01);
      reason = "values that are there many times would have a likelihood without bound";
    }
    add("noise", number(value), reason);
  }

  const Portrait& m_data;
  const Wishes& m_wishes;
  bool m_moves;
  bool m_is_fine, m_is_finest;  ///< one coordinate tells much of the next, or very much
  /// The rows are learned as a mixture of places, each with a width of its own; validation says when to stop.
  bool m_is_crowd;
  std::string m_section;
  std::vector<SuggestedKey> m_keys;
};

/// What the data are, and what the rows do not say.
std::string heading(const Portrait& data, const Wishes& wishes) {
  std::string text =
      "# A deck that 'rhoflux suggest' made for " + data.path + ": " + counted(data.n_train, "training row") +
      " and " + std::to_string(data.n_val) + " for validation, " + counted(data.n_dims, "coordinate") + ", " +
      (data.is_continuous ? "events in continuous time" : counted(data.n_times, "snapshot")) +
      ".\n# Keys that are left out have the defaults that 'rhoflux train --help-deck' prints.\n";
  if (data.n_val == 0)
    text +=
        "#\n# There are no validation rows: nothing can tell when the model learns its rows by heart.\n"
        "# 'rhoflux import' sets some aside.\n";
  if (data.has_changing_numbers && !wishes.counts_are_mass && !data.is_continuous && data.n_times > 1)
    text +=
        "#\n# The numbers of rows change more than sampling explains. If they are the sizes of a population "
        "that grows\n"
        "# or shrinks, suggest again with --counts-are-mass; if each snapshot is a sample of whatever size, "
        "nothing is\n"
        "# to be done.\n";
  return text;
}

}  // namespace

std::string directory_for(const std::string& data_path) {
  return "output/" + std::filesystem::path(data_path).stem().string();
}

std::vector<SuggestedKey> suggested_keys(const Portrait& portrait, const Wishes& wishes) {
  return Rules(portrait, wishes).run();
}

std::string suggested_deck(const Portrait& portrait, const Wishes& wishes) {
  return deck_of(portrait, wishes, suggested_keys(portrait, wishes));
}

std::string deck_of(const Portrait& portrait, const Wishes& wishes, const std::vector<SuggestedKey>& keys,
                    const std::string& remark) {
  std::string text = heading(portrait, wishes) + remark, section;
  for (const SuggestedKey& key : keys) {
    if (key.section != section) text += "\n[" + key.section + "]\n";
    section = key.section;
    std::string line = key.name + " = " + key.value;
    if (line.size() < 28) line.resize(28, ' ');
    line += " # " + key.reason;
    text += line + "\n";
  }
  const cli::Deck read = cli::parse_deck_text(text, "the suggested deck");
  if (read.data.file != portrait.path || read.checkpoint.directory != wishes.directory)
    fail_input(portrait.path + ": a deck cannot name this file and " + wishes.directory +
               ": a '#' begins a comment there, and blanks at the ends are left out; rename them");
  return text;
}

}  // namespace rhoflux::suggestion
