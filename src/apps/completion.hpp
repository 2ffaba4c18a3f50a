#pragma once

#include <string>

namespace rhoflux::apps {

/// A script that completes command lines of rhoflux in bash, made from the tables of commands, options and
/// deck keys: commands, options, fixed values, names of files, and `--section.key=value` for train.
std::string bash_completion();

}  // namespace rhoflux::apps
