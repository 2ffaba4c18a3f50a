#include <algorithm>
#include <set>

#include "commands.hpp"
#include "common_options.hpp"
#include "health_report.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/time_names.hpp"
#include "rhoflux/importers/import.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::apps {

namespace {

/// Numbers of coordinates, "1:20" or "1,2,5:8".
std::vector<int> parse_dims(const std::string& text) {
  constexpr std::int64_t most = 100000;
  std::vector<int> dims;
  std::set<std::int64_t> seen;
  for (const std::string& piece : split(text, ',')) {
    const std::size_t colon = piece.find(':');
    const std::int64_t first = parse_whole_number(piece.substr(0, colon), 1, most);
    const std::int64_t last =
        colon == std::string::npos ? first : parse_whole_number(piece.substr(colon + 1), 1, most);
    if (last < first) fail_input("'" + piece + "': the last coordinate is before the first");
    for (std::int64_t dim = first; dim <= last; ++dim) {
      if (!seen.insert(dim).second) fail_input("coordinate " + std::to_string(dim) + " is named twice");
      dims.push_back(static_cast<int>(dim));
    }
  }
  return dims;
}

/// "early=0,mid=1.5".
std::map<std::string, double> parse_time_values(const std::string& text) {
  std::map<std::string, double> values;
  for (const std::string& piece : split(text, ',')) {
    const std::size_t equals = piece.rfind('=');
    if (equals == std::string::npos || equals == 0)
      fail_input("'" + piece + "' is not of the form LABEL=TIME");
    const std::string label(trimmed(piece.substr(0, equals)));
    if (!values.emplace(label, parse_number(piece.substr(equals + 1))).second)
      fail_input("the label '" + label + "' is named twice");
  }
  return values;
}

/// "lat,lon"; a name with commas or blanks at its ends in double quotes, as in a table of text.
std::vector<std::string> parse_names(const std::string& text) {
  std::vector<std::string> names(1);
  bool is_quoted = false, was_quoted = false;
  const auto finish = [&] {
    if (!was_quoted) names.back() = trimmed(names.back());
    if (names.back().empty()) fail_input("a name is missing between commas");
    if (std::count(names.begin(), names.end(), names.back()) > 1)
      fail_input("the name '" + names.back() + "' is given twice");
    was_quoted = false;
  };
  for (const char c : text) {
    if (c == '"' && (is_quoted || trimmed(names.back()).empty())) {
      if (!is_quoted) names.back().clear();
      is_quoted = !is_quoted;
      was_quoted = true;
    } else if (c == ',' && !is_quoted) {
      finish();
      names.emplace_back();
    } else if (!was_quoted || is_quoted) {
      names.back() += c;
    } else if (c != ' ') {
      fail_input("text follows the closing quote of '" + names.back() + "'");
    }
  }
  if (is_quoted) fail_input("a quote is not closed in '" + text + "'");
  finish();
  return names;
}

template <class Parse>
ValueForm form(const std::string& name, const std::string& allowed, const Parse& parse) {
  ValueForm result;
  result.name = name;
  result.allowed = allowed;
  result.check = [parse](const std::string& text) { (void)parse(text); };
  return result;
}

ValueForm names() {
  return form("NAME,..", "names with commas in double quotes", parse_names);
}

void add_columns(Arguments& arguments) {
  arguments
      .defaulted("time-column", any_text("NAME"), "t", "the time of each row (--time-key is another name)")
      .alias("time-key", "time-column")
      .optional("columns", names(), "the coordinates", "x1,x2,..., or the basis")
      .optional("basis", any_text("NAME"),
                "the coordinates: a two-dimensional array (.npz), a key of obsm, or X with --genes (.h5ad)",
                "x (.npz); X_pca, or the only one there is (.h5ad)")
      .optional("genes", names(), "genes that become coordinates, with --basis X")
      .optional("dims", form("N,..", "numbers from 1, ranges as 1:20", parse_dims),
                "which of these coordinates are kept", "all")
      .optional("split-column", any_text("NAME"), "train, val, test (or 0, 1, 2) of each row",
                "split, if there")
      .optional("weight-column", any_text("NAME"), "the weight of each row", "weight, if there")
      .optional("id-column", any_text("NAME"), "the name of each row",
                "names before the first column (R), index of obs (.h5ad)")
      .optional("label-columns", names(), "categories of each row that are kept, such as its cell type",
                "all columns of categories (.h5ad), else none")
      .optional("condition-columns", names(), "covariates of each row, numbers or categories")
      .optional("growth-column", any_text("NAME"), "births minus deaths of each row")
      .optional("growth-form",
                choice({{"rate", "per unit of time"},
                        {"factor", "by which the number grows in a unit of time; its logarithm is stored"}}),
                "what the growth column holds", "rate");
}

void add_times(Arguments& arguments) {
  arguments
      .defaulted(
          "time-format",
          choice({{"auto", "numbers, dates, or texts that differ in one number alone, as day0, day3"},
                  {"number", ""},
                  {"datetime", "dates such as 2016-04-14, with or without a time such as T21:26:00Z"}}),
          "auto", "how times are written")
      .optional("time-values", form("LABEL=TIME,..", "", parse_time_values), "the times of labels")
      .optional("time-unit", any_text("TEXT"),
                "unit of time, stored in the file; for dates s, min, h, d or y", "d for dates")
      .optional("time-origin", any_text("DATE"), "the date at t = 0", "the first date of the file");
}

void add_splits(Arguments& arguments) {
  arguments
      .defaulted("val", number("SHARE", 0, 1), "0",
                 "share of rows for validation where there is no split column; drawn within each time")
      .defaulted("test", number("SHARE", 0, 1), "0", "share of rows for testing, likewise")
      .optional("split-by", any_text("NAME"),
                "a column whose categories (donors, batches) each go to one split as a whole");
  add_seed(arguments, "these splits");
}

std::string text_or_empty(const Arguments& arguments, const char* name) {
  return arguments.has(name) ? arguments.text(name) : std::string();
}

std::vector<std::string> names_or_none(const Arguments& arguments, const char* name) {
  return arguments.has(name) ? parse_names(arguments.text(name)) : std::vector<std::string>();
}

importers::TimeOptions time_options(const Arguments& arguments) {
  importers::TimeOptions time;
  time.column = arguments.text("time-column");
  const std::string format = arguments.text("time-format");
  time.format = format == "number"     ? importers::TimeFormat::number
                : format == "datetime" ? importers::TimeFormat::datetime
                                       : importers::TimeFormat::automatic;
  if (arguments.has("time-values")) time.values = parse_time_values(arguments.text("time-values"));
  time.unit = text_or_empty(arguments, "time-unit");
  time.origin = text_or_empty(arguments, "time-origin");
  return time;
}

importers::Delimiter delimiter(const std::string& text) {
  if (text == "comma") return importers::Delimiter::comma;
  if (text == "tab") return importers::Delimiter::tab;
  if (text == "semicolon") return importers::Delimiter::semicolon;
  return text == "space" ? importers::Delimiter::space : importers::Delimiter::automatic;
}

importers::Options import_options(const Arguments& arguments) {
  importers::Options options;
  options.time = time_options(arguments);
  options.coordinate_columns = names_or_none(arguments, "columns");
  options.basis = text_or_empty(arguments, "basis");
  options.genes = names_or_none(arguments, "genes");
  if (arguments.has("dims")) options.dims = parse_dims(arguments.text("dims"));
  options.weight_column = text_or_empty(arguments, "weight-column");
  options.split_column = text_or_empty(arguments, "split-column");
  options.id_column = text_or_empty(arguments, "id-column");
  options.label_columns = names_or_none(arguments, "label-columns");
  options.condition_columns = names_or_none(arguments, "condition-columns");
  options.growth_column = text_or_empty(arguments, "growth-column");
  const std::string growth_form = text_or_empty(arguments, "growth-form");
  if (!growth_form.empty() && options.growth_column.empty())
    fail_input("--growth-form " + growth_form +
               ": says what the column of --growth-column holds, which is not given");
  if (growth_form == "factor") options.growth_form = importers::GrowthForm::factor;
  options.delimiter = delimiter(arguments.text("delimiter"));
  options.split.val_fraction = arguments.number("val");
  options.split.test_fraction = arguments.number("test");
  options.split.seed = arguments.seed();
  options.split.by = text_or_empty(arguments, "split-by");
  options.dequantise = names_or_none(arguments, "dequantise");
  options.source = text_or_empty(arguments, "source");
  return options;
}

void print_summary(const Context& context, const std::string& output, const importers::Summary& summary) {
  const std::vector<std::string> t = time_texts(summary.time, {summary.t_min, summary.t_max});
  std::string line = output + ": " + counted(summary.n_rows, "row") + " (" +
                     std::to_string(summary.split_count[0]) + " train, " +
                     std::to_string(summary.split_count[1]) + " val, " +
                     std::to_string(summary.split_count[2]) + " test) of " +
                     counted(summary.dim_names.size(), "coordinate") + ", t from " + t[0] + " to " + t[1] +
                     (summary.time.unit.empty() ? "" : ", in " + summary.time.unit);
  print(context.comm, line);
  if (summary.split_count[1] == 0 && summary.split_count[2] == 0)
    print(context.comm,
          "  there are no validation and no test rows; --val and --test, with shares such as 0.1, draw some");
  for (const std::string& note : summary.notes) print(context.comm, "  " + note);
  std::vector<std::string> ignored = summary.ignored_columns;
  constexpr std::size_t most = 20;
  const std::string more =
      ignored.size() > most ? ", .. (" + std::to_string(ignored.size()) + " in all)" : "";
  ignored.resize(std::min(ignored.size(), most));
  if (!ignored.empty()) print(context.comm, "  columns left out: " + joined(ignored) + more);
}

}  // namespace

Arguments import_arguments() {
  Arguments arguments(
      "import",
      "Converts a file to a population file: a table of text with a header line (.csv, .tsv, .txt, each also "
      "with "
      ".gz), arrays of NumPy (.npz), or AnnData (.h5ad). Columns: t (time), x1, x2, ... (coordinates), and "
      "optionally split (train, val, test) and weight; others are left out and named.");
  arguments.positional("INPUT", file_name(), "the file to read")
      .required("output", file_name(), "population file (HDF5) to write");
  add_columns(arguments);
  add_times(arguments);
  add_splits(arguments);
  arguments
      .defaulted("delimiter",
                 choice({{"auto", "what parts the header line"},
                         {"comma", ""},
                         {"tab", ""},
                         {"semicolon", ""},
                         {"space", ""}}),
                 "auto", "what stands between the fields of a table of text")
      .optional(
          "dequantise", names(),
          "coordinates of few distinct values (or all) to which uniform noise of their resolution is added")
      .optional("source", any_text("TEXT"), "where the data come from, stored in the file",
                "the name of the input file");
  add_force(arguments);
  return arguments;
}

int command_import(const Context& context, const Arguments& arguments) {
  const std::string input = arguments.text("INPUT"), output = arguments.text("output");
  importers::Options options = import_options(arguments);
  note_input(context, input);
  mpi::on_root(context.comm, [&] {
    io::require_absent(output, arguments.has("force"));
    options.provenance = provenance_of_data(context);
    const importers::Summary summary =
        importers::import_population(input, output, options, arguments.has("force"));
    print_summary(context, output, summary);
  });
  print_health(context, io::PopulationFile(output, context.comm));
  return 0;
}

}  // namespace rhoflux::apps
