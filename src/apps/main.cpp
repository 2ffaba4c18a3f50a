#include <mpi.h>

#include <Kokkos_Core.hpp>
#include <chrono>
#include <csignal>
#include <iostream>
#include <new>
#include <thread>
#include <vector>

#include "answers.hpp"
#include "commands.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/device/accelerator.hpp"
#include "rhoflux/device/backend.hpp"
#include "rhoflux/device/blas_environment.hpp"
#include "rhoflux/device/subnormals.hpp"
#include "rhoflux/device/thread_team.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/mpi/environment.hpp"
#include "rhoflux/training/stop_request.hpp"

namespace {

using namespace rhoflux;

/// The arguments of main. Kokkos sees its own options only: it would answer --help, and take others, by itself.
struct CommandLine {
  std::vector<std::string> own;  ///< without the name of the program
  std::vector<char*> kokkos;     ///< with it
  std::string text;              ///< all of it
};

CommandLine read_command_line(int argc, char** argv) {
  CommandLine line;
  for (int k = 0; k < argc; ++k) {
    const std::string argument = argv[k];
    if (k == 0 || argument.rfind("--kokkos-", 0) == 0) line.kokkos.push_back(argv[k]);
    if (k > 0 && argument.rfind("--kokkos-", 0) != 0) line.own.push_back(argument);
    line.text += (k == 0 ? "" : " ") + argument;
  }
  return line;
}

int run(const apps::Context& context, const std::vector<std::string>& own) {
  if (own.empty()) fail_input("no command given\n" + apps::program_usage());
  const apps::Command* command = apps::find_command(own.front());
  if (command == nullptr) fail_input("unknown command '" + own.front() + "'\n" + apps::program_usage());
  apps::Arguments arguments = command->make_arguments();
  const auto warn = [&] {
    if (context.comm.is_root())
      for (const std::string& warning : arguments.warnings())
        std::cerr << "rhoflux: warning: " << warning << std::endl;
  };
  try {
    arguments.parse({own.begin() + 1, own.end()});
  } catch (const Error&) {
    warn();  // the error may name an option by its new name
    throw;
  }
  warn();
  return command->run(context, arguments);
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

/// Between the start and the end of MPI.
int run_with_kokkos(CommandLine line) {
  if (const std::string problem = unusable_accelerator(); !problem.empty())
    return fail(mpi::Communicator(MPI_COMM_WORLD), ExitCode::bad_input, problem);
  flush_subnormals();  // before Kokkos starts threads
  int kokkos_count = static_cast<int>(line.kokkos.size());
  line.kokkos.push_back(nullptr);
  Kokkos::ScopeGuard kokkos(kokkos_count, line.kokkos.data());
  limit_blas_threads();
  // Failures are agreed on over a communicator of their own, so that they never meet the work's messages.
  const mpi::Communicator failures(MPI_COMM_WORLD), comm(MPI_COMM_WORLD);
  try {
    return run({line.text, comm, usable_threads(threads_of_environment())}, line.own);
  } catch (const Error& error) {
    return fail(failures, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(failures, ExitCode::out_of_memory, line.own.front() + ": " + out_of_memory_message);
  } catch (const std::exception& error) {
    return fail(failures, ExitCode::io_failure, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  ensure_blas_environment(argv);
  const CommandLine line = read_command_line(argc, argv);
  if (const auto answer = apps::answer_to(line.own)) {
    if (apps::is_first_process()) std::cout << *answer << std::flush;
    return static_cast<int>(std::cout ? ExitCode::success : ExitCode::io_failure);
  }
  mpi::prepare_environment();
  io::start_hdf5_without_end();
  // A write beyond a limit of file size fails, with a message, instead of killing.
  std::signal(SIGXFSZ, SIG_IGN);
  // Before MPI, whose start takes a while, so that a stop signal in that time is kept and not deadly.
  if (!line.own.empty() && line.own.front() == "train") training::install_stop_signals();
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  const int code = run_with_kokkos(line);
  MPI_Finalize();
  return code;
}
