#pragma once

#include <string>

namespace rhoflux::apps {

/// The man page rhoflux(1) in roff, made from the tables of commands, options and deck keys. The same bytes
/// from every build of a version.
std::string man_page();

}  // namespace rhoflux::apps
