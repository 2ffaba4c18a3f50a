#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/device/accelerator.hpp"
#include "rhoflux/device/blas_environment.hpp"
#include "rhoflux/device/subnormals.hpp"
#include "rhoflux/device/types.hpp"

namespace benchmarks {

/// A process that measures by itself. mpi::Communicator has the same two functions for processes that measure
/// together.
struct SingleProcess {
  void barrier() const {}
  void max(double* /*values*/, int /*count*/) const {}
};

/// Samples per second, each call of `work` handling `samples` of them over all processes. `work` is called
/// once to warm up, and then for about so many seconds.
template <class Processes>
double rate(const Processes& processes, double seconds, double samples, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  processes.barrier();
  const auto start = Clock::now();
  work();
  double once = std::chrono::duration<double>(Clock::now() - start).count();
  processes.max(&once, 1);
  const int calls = std::max(1, static_cast<int>(seconds / once));
  processes.barrier();
  const auto begin = Clock::now();
  for (int k = 0; k < calls; ++k) work();
  processes.barrier();
  return samples * calls / std::chrono::duration<double>(Clock::now() - begin).count();
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Seconds of one call of `work`, which may return before its kernels have run: the median over rounds, each of them
/// calls that follow each other for about so many seconds, with one fence after the last.
inline double seconds_per_call(const rhoflux::ExecutionSpace& space, int rounds, double seconds,
                               const std::function<void()>& work) {
  const auto time = [&](int calls) {
    const auto start = std::chrono::steady_clock::now();
    for (int k = 0; k < calls; ++k) work();
    space.fence();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  time(2);  // to warm up
  const int calls = std::max(1, static_cast<int>(std::min(1e6, seconds / time(1))));
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) times.push_back(time(calls) / calls);
  return median(times);
}

/// The options of a benchmark, `--name VALUE` or `--name=VALUE`; those of type bool take no value, lists have commas.
class OptionTable {
 public:
  using Target = std::variant<int*, double*, bool*, std::string*, std::vector<int>*>;

  explicit OptionTable(std::string summary) : m_summary(std::move(summary)) {}

  /// @param target set by parse(); its value until then is the default
  OptionTable& add(const std::string& name, Target target, const std::string& help) {
    m_options.push_back({name, target, help});
    return *this;
  }

  /// Sets the targets. Throws Error (bad input) on an unknown option or a value that is
  /// not a number where one is due.
  /// @return false where --help is asked for
  bool parse(int argc, char** argv) const {
    for (int k = 1; k < argc; ++k) {
      std::string name = argv[k];
      if (name == "--help" || name == "-h") return false;
      const std::size_t equals = name.find('=');
      const Option& option = find(name.substr(0, equals));
      if (bool* const* flag = std::get_if<bool*>(&option.target)) {
        if (equals != std::string::npos) rhoflux::fail_input("--" + option.name + " takes no value");
        **flag = true;
        continue;
      }
      if (equals == std::string::npos && k + 1 == argc) rhoflux::fail_input(name + " needs a value");
      set_value(option, equals == std::string::npos ? argv[++k] : name.substr(equals + 1));
    }
    return true;
  }

  void print_help(std::ostream& out) const {
    out << m_summary << '\n';
    for (const Option& option : m_options)
      out << "  --" << option.name << std::string(14 - std::min<std::size_t>(12, option.name.size()), ' ')
          << option.help << value_text(option) << '\n';
  }

 private:
  struct Option {
    std::string name;
    Target target;
    std::string help;
  };

  const Option& find(const std::string& argument) const {
    for (const Option& option : m_options)
      if (argument == "--" + option.name) return option;
    rhoflux::fail_input("unknown option " + argument + "; --help names those there are");
  }

  static int whole_number(const std::string& text) {
    return static_cast<int>(
        rhoflux::parse_whole_number(text, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
  }

  static void set_value(const Option& option, const std::string& text) {
    try {
      if (double* const* number = std::get_if<double*>(&option.target)) {
        **number = rhoflux::parse_number(text);
      } else if (std::string* const* word = std::get_if<std::string*>(&option.target)) {
        **word = text;
      } else if (std::vector<int>* const* list = std::get_if<std::vector<int>*>(&option.target)) {
        (*list)->clear();
        for (const std::string& entry : rhoflux::split(text, ',')) (*list)->push_back(whole_number(entry));
      } else {
        **std::get_if<int*>(&option.target) = whole_number(text);
      }
    } catch (const rhoflux::Error& error) {
      rhoflux::fail_input("--" + option.name + ": " + error.what());
    }
  }

  static std::string value_text(const Option& option) {
    if (int* const* whole = std::get_if<int*>(&option.target)) return " (" + std::to_string(**whole) + ")";
    if (double* const* number = std::get_if<double*>(&option.target))
      return " (" + rhoflux::print_number(**number) + ")";
    if (std::string* const* word = std::get_if<std::string*>(&option.target)) return " (" + **word + ")";
    if (std::vector<int>* const* list = std::get_if<std::vector<int>*>(&option.target)) {
      std::vector<std::string> entries;
      for (const int entry : **list) entries.push_back(std::to_string(entry));
      return " (" + rhoflux::joined(entries, ",") + ")";
    }
    return "";
  }

  std::string m_summary;
  std::vector<Option> m_options;
};

/// Reads the command line, prints the help or starts Kokkos and calls `benchmark`. Call
/// rhoflux::ensure_blas_environment first.
/// @return the exit code of the process
inline int run_benchmark(const OptionTable& options, int argc, char** argv,
                         const std::function<void()>& benchmark) {
  try {
    if (!options.parse(argc, argv)) {
      options.print_help(std::cout);
      return 0;
    }
    int no_options = 1;  // Kokkos has no options here
    if (const std::string problem = rhoflux::unusable_accelerator(); !problem.empty())
      rhoflux::fail_input(problem);
    rhoflux::flush_subnormals();
    Kokkos::ScopeGuard kokkos(no_options, argv);
    rhoflux::limit_blas_threads();
    benchmark();
  } catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return 2;
  }
  return 0;
}

}  // namespace benchmarks
