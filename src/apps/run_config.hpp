#pragma once

#include "context.hpp"
#include "rhoflux/cli/deck.hpp"
#include "rhoflux/training/trainer.hpp"

namespace rhoflux::apps {

/// The run that a deck describes, from its start.
training::RunConfig run_config_of(const cli::Deck& deck, const Context& context);

}  // namespace rhoflux::apps
