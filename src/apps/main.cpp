#include <mpi.h>

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <new>
#include <thread>
#include <vector>

#include "arguments.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/device/blas_environment.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/mpi/environment.hpp"
#include "rhoflux/training/stop_request.hpp"

namespace {

using namespace rhoflux;

struct Command {
  const char* name;
  const char* summary;
  int (*run)(const apps::Context&);
};

constexpr Command commands[] = {
    {"train", "train a model as an input deck says", apps::command_train},
    {"evaluate", "likelihood and Wasserstein distances of a model on data", apps::command_evaluate},
    {"sample", "exact samples of a model at given times", apps::command_sample},
    {"query", "log density, drift, flux, score and time derivative at given points", apps::command_query},
    {"transport", "move particles along the drift, with or without noise", apps::command_transport},
    {"field", "density and drift on a grid over time", apps::command_field},
    {"verify", "check the Fokker-Planck equation, mass, flux and samples of a model", apps::command_verify},
    {"import", "convert a CSV file to population data", apps::command_import},
    {"generate", "make a synthetic population", apps::command_generate},
    {"info", "say what a file is", apps::command_info},
};

std::string usage() {
  std::string text =
      "Usage: rhoflux COMMAND [arguments]      (rhoflux COMMAND --help says more)\n\nCommands\n";
  for (const Command& command : commands)
    text += "  " + std::string(command.name) + std::string(12 - std::string(command.name).size(), ' ') +
            command.summary + "\n";
  return text +
         "\n  --version   versions of the program and its libraries\n"
         "  --help      this text\n\nRuns alone or under mpirun -n N, with the same result.\n";
}

int run(const apps::Context& context, const std::string& name) {
  if (name == "--help" || name == "-h" || name == "help") {
    apps::print(context.comm, usage());
    return 0;
  }
  if (name == "--version") {
    apps::print(context.comm, apps::version_text());
    return 0;
  }
  for (const Command& command : commands)
    if (name == command.name) return command.run(context);
  fail_input(name.empty() ? "no command given\n" + usage() : "unknown command '" + name + "'\n" + usage());
}

/// True if every rank gets here within two seconds: all failed together and can leave in order.
bool all_ranks_failed(const mpi::Communicator& comm) {
  MPI_Request request = MPI_REQUEST_NULL;
  if (MPI_Ibarrier(comm.handle(), &request) != MPI_SUCCESS) return false;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  int done = 0;
  while (std::chrono::steady_clock::now() < end) {
    if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return false;
    if (done != 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

int fail(const mpi::Communicator& world, ExitCode code, const std::string& message) {
  const bool together = all_ranks_failed(world);
  if (!together || world.is_root()) std::cerr << "rhoflux: error: " << message << std::endl;
  if (!together) MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
  return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
  ensure_blas_environment(argv);
  mpi::prepare_environment();
  io::start_hdf5_without_end();
  // A write beyond a limit of file size fails, with a message, instead of killing.
  std::signal(SIGXFSZ, SIG_IGN);
  // Before MPI, whose start takes a while, so that a stop signal in that time is kept and not deadly.
  const auto is_ours = [](const char* text) { return std::string(text).rfind("--kokkos-", 0) != 0; };
  char** const command = std::find_if(argv + 1, argv + argc, is_ours);
  if (command != argv + argc && std::string(*command) == "train") training::install_stop_signals();
  MPI_Init(&argc, &argv);
  int code = 0;
  {
    // Kokkos sees its own options only: it would answer --help, and take others, by itself.
    std::vector<char*> own, kokkos_options = {argv[0]};
    for (int k = 1; k < argc; ++k) (is_ours(argv[k]) ? own : kokkos_options).push_back(argv[k]);
    int kokkos_count = static_cast<int>(kokkos_options.size());
    kokkos_options.push_back(nullptr);
    Kokkos::ScopeGuard kokkos(kokkos_count, kokkos_options.data());
    limit_blas_threads();
    // Failures are agreed on over a communicator of their own, so that they never meet the work's messages.
    const mpi::Communicator failures(MPI_COMM_WORLD), comm(MPI_COMM_WORLD);
    std::string command_line;
    for (int k = 0; k < argc; ++k) command_line += (k == 0 ? "" : " ") + std::string(argv[k]);
    const std::string name = own.empty() ? "" : own.front();
    const apps::Context context{{own.begin() + (own.empty() ? 0 : 1), own.end()}, command_line, comm};
    try {
      code = run(context, name);
    } catch (const Error& error) {
      code = fail(failures, error.code(), error.what());
    } catch (const std::bad_alloc&) {
      code = fail(failures, ExitCode::io_failure, "there is not enough memory");
    } catch (const std::exception& error) {
      code = fail(failures, ExitCode::io_failure, error.what());
    }
  }
  MPI_Finalize();
  return code;
}
