#pragma once

#include <iostream>
#include <string>

#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::apps {

/// What every command runs with.
struct Context {
  std::string command_line;  ///< all of it, for the provenance of files
  const mpi::Communicator& comm;
  int threads = 1;  ///< of each rank
};

/// Prints on the root only, with a line end.
inline void print(const mpi::Communicator& comm, const std::string& line) {
  if (comm.is_root()) std::cout << line << '\n' << std::flush;
}

}  // namespace rhoflux::apps
