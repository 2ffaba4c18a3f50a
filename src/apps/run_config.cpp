#include "run_config.hpp"

#include "provenance.hpp"

namespace rhoflux::apps {

training::RunConfig run_config_of(const cli::Deck& deck, const Context& context) {
  training::RunConfig config;
  config.data = deck.data;
  config.model = deck.model;
  config.flux = deck.flux;
  config.objective = deck.objective;
  config.training = deck.training;
  config.checkpoint = deck.checkpoint;
  config.output = deck.output;
  config.deck = cli::to_ini(deck);
  config.provenance = provenance(context);
  config.threads = context.threads;
  return config;
}

}  // namespace rhoflux::apps
