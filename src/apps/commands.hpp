#pragma once

#include <string>
#include <vector>

#include "arguments.hpp"
#include "context.hpp"

/// The commands of the program. Each has a function that makes its table of options, and one that does the
/// work with the options given and returns the exit code. Every command is collective.
namespace rhoflux::apps {

Arguments train_arguments();
Arguments evaluate_arguments();
Arguments sample_arguments();
Arguments query_arguments();
Arguments transport_arguments();
Arguments field_arguments();
Arguments verify_arguments();
Arguments import_arguments();
Arguments generate_arguments();
Arguments fate_arguments();
Arguments compare_arguments();
Arguments combine_arguments();
Arguments annotate_arguments();
Arguments info_arguments();
Arguments suggest_arguments();

int command_train(const Context& context, const Arguments& arguments);
int command_evaluate(const Context& context, const Arguments& arguments);
int command_sample(const Context& context, const Arguments& arguments);
int command_query(const Context& context, const Arguments& arguments);
int command_transport(const Context& context, const Arguments& arguments);
int command_field(const Context& context, const Arguments& arguments);
int command_verify(const Context& context, const Arguments& arguments);
int command_import(const Context& context, const Arguments& arguments);
int command_generate(const Context& context, const Arguments& arguments);
int command_fate(const Context& context, const Arguments& arguments);
int command_compare(const Context& context, const Arguments& arguments);
int command_combine(const Context& context, const Arguments& arguments);
int command_annotate(const Context& context, const Arguments& arguments);
int command_info(const Context& context, const Arguments& arguments);
int command_suggest(const Context& context, const Arguments& arguments);

struct Command {
  const char* name;
  const char* summary;
  Arguments (*make_arguments)();
  int (*run)(const Context&, const Arguments&);
};

/// All of them, in the order in which usage texts name them.
const std::vector<Command>& commands();

/// Null if there is none of that name.
const Command* find_command(const std::string& name);

/// What `rhoflux --help` prints.
std::string program_usage();

}  // namespace rhoflux::apps
