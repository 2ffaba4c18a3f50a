#include "memory_need.hpp"

#include <new>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/device/accelerator.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/mpi/blocks.hpp"

namespace rhoflux::training {
namespace {

std::string size_text(std::int64_t bytes) {
  constexpr double mebibyte = 1 << 20, gibibyte = 1 << 30;
  const auto size = static_cast<double>(bytes);
  return size < gibibyte ? formatted("%.3g MiB", size / mebibyte) : formatted("%.4g GiB", size / gibibyte);
}

/// Training rows of a file that the samples of this rank can draw.
std::int64_t rows_drawn(const io::PopulationFile& file, mpi::Share samples, std::int64_t batch) {
  return data::rows_for_samples(samples, batch, file.info().count(io::Split::train)).size();
}

constexpr const char* remedy =
    "; make model.hidden, model.components or training.reproducible_lanes smaller, use fewer ranks or "
    "threads on "
    "a machine, or one with more memory";

/// Processes of this program on the machine of this rank.
int ranks_of_machine(const mpi::Communicator& comm) {
  MPI_Comm machine = MPI_COMM_NULL;
  mpi::check_mpi(MPI_Comm_split_type(comm.handle(), MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine),
                 "MPI_Comm_split_type");
  int size = 1;
  mpi::check_mpi(MPI_Comm_size(machine, &size), "MPI_Comm_size");
  mpi::check_mpi(MPI_Comm_free(&machine), "MPI_Comm_free");
  return size;
}

/// The masses are read with the data; before, two stand for them, for the number of parameters is the same.
flux::Config flux_before_data(const RunConfig& config) {
  flux::Config flux = config.flux;
  if (config.model.grows() && config.data.mass.kind != data::Mass::Kind::none) flux.mass = {{0, 1}, {0, 0}};
  return flux;
}

}  // namespace

std::int64_t MemoryNeed::of_host() const {
  return copies + (runs_on_host<ExecutionSpace> ? of_kernels() : rows);
}

MemoryNeed memory_need(const RunConfig& config, const data::Sources& sources, const mpi::Communicator& comm) {
  const parallel::BatchPartition partition =
      partition_of(config.training, config.objective, config.threads, comm);
  const bool is_single = config.training.precision == Precision::single_precision;
  const std::int64_t scalar = is_single ? sizeof(float) : sizeof(double);
  const bool averages = config.training.average > 0;
  MemoryNeed need;
  need.n_parameters = flux::layout_of(config.model, flux_before_data(config), sources.n_dims).size();
  const std::int64_t array = need.n_parameters * scalar;
  need.parameters = array * (averages ? 2 : 1);
  need.optimiser = 2 * array;
  need.gradients = partition.local_lanes().size() * array;
  const std::int64_t n_workers = std::min<std::int64_t>(config.threads, partition.local_lanes().size());
  need.workspaces = 2 * array * std::max<std::int64_t>(n_workers, 1);
  const auto samples = partition.local_samples();
  for (const io::PopulationFile* file :
       {sources.data.get(), sources.initial.file.get(), sources.terminal.file.get()})
    if (file != nullptr) need.n_rows += rows_drawn(*file, samples, config.training.batch);
  need.n_rows += mpi::share_of(sources.count(io::Split::val), comm.rank(), comm.size()).size();
  need.rows = need.n_rows * (sources.n_dims + config.model.n_conditions + 2) * scalar;
  const std::int64_t n_copied = averages ? 4 : 3;
  need.copies = n_copied * need.n_parameters * static_cast<std::int64_t>(sizeof(double));
  return need;
}

std::string sizes_text(const MemoryNeed& need) {
  return std::to_string(need.n_parameters) + " parameters " + size_text(need.parameters) + ", optimiser " +
         size_text(need.optimiser) + ", gradients " + size_text(need.gradients) + ", workspaces " +
         size_text(need.workspaces) + ", copies for checkpoints " + size_text(need.copies) + ", " +
         std::to_string(need.n_rows) + " rows of this rank " + size_text(need.rows);
}

void require_memory(const MemoryNeed& need, const AvailableMemory& available) {
  if (need.of_host() <= available.bytes) return;
  fail_memory("memory does not suffice: a rank needs at least " + size_text(need.of_host()) + " (" +
              sizes_text(need) + "), and " + size_text(available.bytes) + " are available to it by " +
              available.limit + remedy);
}

void require_memory(const MemoryNeed& need, const mpi::Communicator& comm) {
  const int n_sharing = ranks_of_machine(comm);
  mpi::on_every_rank(comm, [&] {
    AvailableMemory available = available_memory(n_sharing);
    if (n_sharing > 1) available.limit += ", shared by its " + std::to_string(n_sharing) + " ranks";
    require_memory(need, available);
    if (runs_on_host<ExecutionSpace>) return;
    const auto free = static_cast<double>(free_memory());
    if (static_cast<double>(need.of_kernels()) > free)
      fail_memory("memory of the device does not suffice: a rank needs at least " +
                  size_text(need.of_kernels()) + " (" + sizes_text(need) + "), and " +
                  size_text(static_cast<std::int64_t>(free)) + " are free" + remedy);
  });
}

std::string check_memory(const RunConfig& config, const data::Sources& sources,
                         const mpi::Communicator& comm) {
  const MemoryNeed need = memory_need(config, sources, comm);
  require_memory(need, comm);
  return "memory: a rank needs at least " + size_text(need.of_host()) + " (" + sizes_text(need) + ")";
}

void with_sizes(const MemoryNeed& need, const std::function<void()>& work) {
  try {
    work();
  } catch (const std::bad_alloc&) {
    fail_memory("memory does not suffice: an allocation has failed; a rank needs more than " +
                size_text(need.of_host()) + " (" + sizes_text(need) + ")" + remedy);
  }
}

}  // namespace rhoflux::training
