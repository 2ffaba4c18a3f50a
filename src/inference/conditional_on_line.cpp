#include "conditional_on_line.hpp"

namespace rhoflux::inference {

DensityOnLine conditional_of(const VerifiedModel& model, const States& given, std::size_t i) {
  const auto dims = static_cast<std::size_t>(model.n_dims());
  const auto states_at = [given, dims, i](const std::vector<double>& x_i) {
    States states = {std::vector<double>(x_i.size(), given.tau.front()), {}};
    for (const double x : x_i) {
      states.x.insert(states.x.end(), given.x.begin(), given.x.end());
      states.x[states.x.size() - dims + i] = x;
    }
    return states;
  };
  const int n_given = static_cast<int>(i);
  const double log_given = i == 0 ? 0.0 : model.log_density(given, n_given).front();
  return {[&model, states_at, n_given, log_given](const std::vector<double>& x) {
            std::vector<double> log_f = model.log_density(states_at(x), n_given + 1);
            for (double& value : log_f) value -= log_given;
            return log_f;
          },
          [&model, states_at, dims, i](const std::vector<double>& x) {
            const std::vector<double> levels = model.conditional_cdf(states_at(x));
            std::vector<double> level;
            for (std::size_t k = i; k < levels.size(); k += dims) level.push_back(levels[k]);
            return level;
          }};
}

}  // namespace rhoflux::inference
