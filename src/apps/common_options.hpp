#pragma once

#include "arguments.hpp"

/// Options that several commands have in the same words.
namespace rhoflux::apps {

void add_checkpoint(Arguments& arguments);
void add_output_file(Arguments& arguments);
/// --output FILE.json, optional
void add_json_output(Arguments& arguments);
void add_force(Arguments& arguments);
/// @param of what the random numbers make, e.g. "samples"
void add_seed(Arguments& arguments, const std::string& of);
/// --split
void add_split(Arguments& arguments, const std::string& fallback = "test");
/// --noise, the volatility of the deck where it is absent
void add_noise(Arguments& arguments);
void add_scheme(Arguments& arguments, const std::string& fallback);
/// --transport-points, of the Wasserstein distances
void add_transport_points(Arguments& arguments);

}  // namespace rhoflux::apps
