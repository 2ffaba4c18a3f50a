#include "manual.hpp"

#include "commands.hpp"
#include "rhoflux/cli/deck.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/version.hpp"

namespace rhoflux::apps {
namespace {

/// Text as it is, also where it has characters that mean something to roff.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\(rs";
        break;
      case '-':
        out += "\\-";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '"':
        out += "\\(dq";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// One line of running text; a point in front of it is no request.
std::string line(const std::string& text) {
  return (text.empty() || text.front() != '.' ? "" : "\\&") + escaped(text) + "\n";
}

std::string section(const std::string& title) {
  return ".SH " + escaped(title) + "\n";
}

std::string bold(const std::string& text) {
  return "\\fB" + escaped(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return "\\fI" + escaped(text) + "\\fR";
}

/// A paragraph with a tag; `tag` is roff, `text` is not.
std::string tagged(const std::string& tag, const std::string& text) {
  return ".TP\n" + tag + "\n" + line(text);
}

std::string paragraphs(const std::string& text) {
  std::string out;
  for (const std::string& paragraph : split(text, '\n'))
    out += (out.empty() ? "" : ".PP\n") + line(paragraph);
  return out;
}

std::string choices_of(const ValueForm& form) {
  std::string items;
  for (const NamedValue& value : form.choices)
    if (!value.explanation.empty()) items += tagged(bold(value.text), value.explanation);
  return items.empty() ? "" : ".RS\n" + items + ".RE\n";
}

std::string describe(const Command& command) {
  const Arguments arguments = command.make_arguments();
  std::string out = ".SS \"rhoflux " + escaped(command.name) + "\"\n" + line(arguments.usage()) + ".PP\n" +
                    paragraphs(arguments.description());
  for (const PositionalArgument& argument : arguments.positionals())
    out += tagged(italic(argument.name), argument.explanation) + choices_of(argument.form);
  for (const Option& option : arguments.options()) {
    const std::string value = option.form.name.empty() ? "" : " " + italic(option.form.name);
    const std::string name =
        option.name == "help" ? bold("-h") + ", " + bold("--help") : bold("--" + option.name);
    out += tagged(name + value, full_explanation(option)) + choices_of(option.form);
  }
  if (arguments.has_deck_overrides())
    out += tagged(bold("--") + italic("section.key") + bold("=") + italic("value"),
                  "any key of the deck (see DECK), which wins over the deck's own value");
  return out;
}

std::string deck_keys() {
  std::string out = section("DECK") +
                    line(
                        "A text file of [section] and 'key = value' lines; '#' begins a comment. 'rhoflux "
                        "train --help-deck' prints a deck of all keys with their defaults.");
  std::string name;
  for (const cli::KeyText& key : cli::key_texts()) {
    const std::size_t dot = key.name.find('.');
    if (key.name.substr(0, dot) != name) {
      name = key.name.substr(0, dot);
      out += ".SS \"[" + escaped(name) + "]\"\n";
    }
    const std::string unit = key.unit.empty() ? "" : "; unit: " + key.unit;
    const std::string fallback = key.fallback.empty() ? "" : "; default " + key.fallback;
    out +=
        tagged(bold(key.name.substr(dot + 1)), key.explanation + " (" + key.allowed + unit + fallback + ")");
  }
  return out;
}

struct Entry {
  std::string name, text;
};

std::string entries(const std::string& title, const std::vector<Entry>& list) {
  std::string out = section(title);
  for (const Entry& entry : list) out += tagged(bold(entry.name), entry.text);
  return out;
}

std::string exit_codes() {
  const auto code = [](ExitCode value) { return std::to_string(static_cast<int>(value)); };
  return entries(
      "EXIT STATUS",
      {{code(ExitCode::success), "Done."},
       {code(ExitCode::bad_input),
        "The command line, the deck or an input file is wrong; nothing was started or overwritten."},
       {code(ExitCode::numerical_failure),
        "A number is not finite, the training diverged, or a check of verify fails, which one that is not "
        "decided does not; the last "
        "good checkpoint is kept."},
       {code(ExitCode::io_failure), "A file could not be read or written for a reason outside its content."},
       {code(ExitCode::out_of_memory),
        "Memory does not suffice; train finds that before it writes anything and gives the sizes."},
       {code(ExitCode::rank_lost),
        "A message between ranks fails, or a rank does not answer any more (training.stall_limit): run again "
        "with --restart auto to continue."},
       {code(ExitCode::stopped),
        "Stopped by a signal or a limit of time or steps after a checkpoint: run again with --restart auto "
        "to continue."}});
}

std::string environment() {
  return entries(
      "ENVIRONMENT",
      {{"OMP_NUM_THREADS",
        "Threads of each rank in training, on a CPU; 1 where it is not set. Other commands use ranks alone."},
       {"KOKKOS_TOOLS_LIBS, KOKKOS_NUM_THREADS, ..",
        "Settings of Kokkos, which also takes options of its own that begin with --kokkos-."},
       {"OPENBLAS_NUM_THREADS", "Threads of one matrix product; 1 where it is not set."},
       {"OPENBLAS_CORETYPE",
        "Kernels of OpenBLAS. Where it is not set and OpenBLAS does not know the processor, rhoflux starts "
        "itself once more with the kernels that the processor can run."},
       {"OMPI_MCA_fcoll, OMPI_MCA_opal_signal, OMPI_MCA_ess_singleton_isolated",
        "Settings of Open MPI, which rhoflux sets to values that keep files whole and crashes from hanging, "
        "unless they are set."},
       {"OMPI_MCA_coll_libnbc_iallreduce_algorithm",
        "3 unless it is set: gradients are summed over ranks by recursive halving and doubling."},
       {"OMPI_MCA_pml, OMPI_MCA_btl",
        "ob1 and self where rhoflux is started without mpirun or srun, unless they are set: one process "
        "looks for no network, which halves the time of its start."},
       {"OMPI_ALLOW_RUN_AS_ROOT, OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
        "Both 1: mpirun of Open MPI runs as root, which containers need."},
       {"SLURM_JOB_ID", "Kept in the provenance of what a run writes and in the lock of its directory."}});
}

std::string signals() {
  return entries("SIGNALS",
                 {{"SIGUSR1, SIGTERM",
                   "train writes a checkpoint at the end of the step and exits with 75. Under mpirun send "
                   "SIGUSR1: Open MPI kills the ranks about a second after a SIGTERM."}});
}

std::string files() {
  return entries(
      "FILES", {{"checkpoint.directory/checkpoint_N.h5",
                 "The model and the state of its training after step N (HDF5)."},
                {"checkpoint.directory/best.h5",
                 "The checkpoint with the best validation, or the newest one where there is no validation."},
                {"checkpoint.directory/history.csv", "The figures of the log, step by step."},
                {"checkpoint.directory/.lock", "Held by the run that writes there."},
                {"FILE.xdmf", "Beside the output FILE of field: opens it in ParaView and VisIt."}});
}

std::string examples() {
  const auto shell = [](const char* command) { return line(command) + ".br\n"; };
  return section("EXAMPLES") +
         line("A synthetic population, a model of it on four ranks, and figures of it:") + ".PP\n.RS\n.nf\n" +
         shell("rhoflux generate branching --count 20000 --output branching.h5") +
         shell("rhoflux train --help-deck > deck.cfg") +
         shell("mpirun -n 4 rhoflux train deck.cfg --data.file=branching.h5 --checkpoint.directory=run") +
         shell("rhoflux evaluate run/best.h5 --data branching.h5") +
         shell("rhoflux field run/best.h5 --times 0:4:41 --grid 256,256 --output field.h5") + ".fi\n.RE\n";
}

}  // namespace

std::string man_page() {
  std::string out = ".TH RHOFLUX 1 \"\" \"rhoflux " + escaped(RHOFLUX_VERSION) +
                    "\" \"User Commands\"\n.ad l\n.nh\n" + section("NAME") +
                    "rhoflux \\- density and probability flux of moving populations, learned from samples\n" +
                    section("SYNOPSIS") + bold("rhoflux") + " " + italic("COMMAND") + " [" +
                    italic("arguments") + "]\n.br\n" + bold("mpirun -n") + " " + italic("N") + " " +
                    bold("rhoflux") + " " + italic("COMMAND") + " [" + italic("arguments") + "]\n.br\n" +
                    bold("rhoflux") + " " + italic("COMMAND") + " " + bold("--help") + "\n.br\n" +
                    bold("rhoflux --version") + " | " + bold("--help") + "\n" + section("DESCRIPTION") +
                    line(
                        "Learns the density rho(t, x) of a population and the flux j(t, x) that moves it, "
                        "with d rho / dt + div j = 0, from samples of the population at several times or "
                        "from an objective, and evaluates the model. Every command runs alone or under "
                        "mpirun, with the same result.") +
                    section("COMMANDS");
  for (const Command& command : commands()) out += tagged(bold(command.name), command.summary);
  out += section("OPTIONS BY COMMAND");
  for (const Command& command : commands()) out += describe(command);
  return out + deck_keys() + exit_codes() + signals() + environment() + files() + examples() +
         section("SEE ALSO") + bold("mpirun") + "(1), " + bold("h5dump") + "(1)\n";
}

}  // namespace rhoflux::apps
