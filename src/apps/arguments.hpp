#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <vector>

#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::apps {

namespace po = boost::program_options;

/// What a command is called with.
struct Context {
  std::vector<std::string> arguments;  ///< after the command's name
  std::string command_line;            ///< all of it, for the provenance of files
  const mpi::Communicator& comm;
};

/// The options of one command: declares, parses, prints the usage text.
class Arguments {
 public:
  /// @param usage e.g. "rhoflux info FILE"
  /// @param positional names of the positional arguments, all required
  Arguments(std::string usage, std::string description, std::vector<std::string> positional);

  po::options_description_easy_init add() { return m_options.add_options(); }

  /// @return false if --help was given, and then the usage text has been printed by the root.
  /// Throws Error (bad input) for unknown options, missing arguments and values of the wrong type.
  bool parse(const Context& context);

  bool has(const std::string& name) const { return m_values.count(name) > 0; }
  template <class T>
  const T& get(const std::string& name) const {
    return m_values[name].as<T>();
  }
  const std::string& text(const std::string& name) const { return get<std::string>(name); }
  /// A whole number of at least 0; Boost would wrap -1 round.
  std::uint64_t count(const std::string& name) const;
  /// As text, failing with a message where the option is missing.
  std::string required(const std::string& name) const;
  std::string help() const;

 private:
  std::string m_usage, m_description;
  std::vector<std::string> m_positional;
  po::options_description m_options;
  po::variables_map m_values;
};

/// Times given as "0,0.5,1" or "first:last:count". Throws Error (bad input).
std::vector<double> parse_times(const std::string& text);

/// Prints on the root only, with a line end.
void print(const mpi::Communicator& comm, const std::string& line);

/// The commands; each returns the exit code.
int command_train(const Context& context);
int command_generate(const Context& context);
int command_import(const Context& context);
int command_evaluate(const Context& context);
int command_sample(const Context& context);
int command_query(const Context& context);
int command_verify(const Context& context);
int command_transport(const Context& context);
int command_field(const Context& context);
int command_info(const Context& context);

}  // namespace rhoflux::apps
