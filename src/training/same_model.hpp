#pragma once

#include <string>
#include <vector>

#include "rhoflux/checkpoint/model_description.hpp"
#include "rhoflux/training/trainer.hpp"

namespace rhoflux::training {

/// The keys in which the model of a deck differs from that of a checkpoint, so that its parameters do not fit or would mean
/// something else: "model.hidden = 8, the checkpoint has 16,16". Empty: it is the same model.
std::vector<std::string> model_differences(const RunConfig& config, const data::Sources& sources,
                                           const checkpoint::ModelDescription& model);

}  // namespace rhoflux::training
