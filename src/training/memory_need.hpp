#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "available_memory.hpp"
#include "rhoflux/data/sources.hpp"
#include "rhoflux/training/trainer.hpp"

namespace rhoflux::training {

/// Bytes that a rank needs at least, by what they are for. All but the copies lie where kernels run.
struct MemoryNeed {
  std::int64_t parameters = 0;  ///< and their average
  std::int64_t optimiser = 0;   ///< both moments
  std::int64_t gradients = 0;   ///< one for each lane of the rank
  std::int64_t workspaces = 0;  ///< whole layers and their adjoint, for each thread
  std::int64_t rows = 0;        ///< of data and given distributions
  std::int64_t copies = 0;      ///< of parameters and moments in double, on the host, for a checkpoint

  std::int64_t n_parameters = 0, n_rows = 0;

  std::int64_t of_kernels() const { return parameters + optimiser + gradients + workspaces + rows; }
  std::int64_t of_host() const;
};

/// Without allocating any of it.
MemoryNeed memory_need(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm);

/// "parameters 1.2 GiB, optimiser .."
std::string sizes_text(const MemoryNeed& need);

/// Throws Error (memory does not suffice) with all sizes where a rank has less than it needs: on a CPU by the limits of
/// available_memory(), shared by the ranks of a machine, on a device by its free memory. Collective.
void require_memory(const MemoryNeed& need, const mpi::Communicator& comm);

/// Throws Error (memory does not suffice) unless `available` suffices.
void require_memory(const MemoryNeed& need, const AvailableMemory& available);

/// Runs `work`; where an allocation fails in it, throws Error (memory does not suffice) with the sizes.
void with_sizes(const MemoryNeed& need, const std::function<void()>& work);

}  // namespace rhoflux::training
