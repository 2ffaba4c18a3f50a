#include "rhoflux/checkpoint/checkpoint.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/density/density.hpp"
#include "rhoflux/flux/dynamics.hpp"
#include "rhoflux/io/hdf5_handle.hpp"
#include "rhoflux/io/safe_file.hpp"

namespace rhoflux::checkpoint {
namespace {

constexpr const char* kind = "rhoflux checkpoint";
constexpr std::int64_t largest_step = std::int64_t{1} << 53;  // a double has all whole numbers up to it

template <class T>
std::int64_t signed_size(const std::vector<T>& values) {
  return static_cast<std::int64_t>(values.size());
}

/// A column-major (rows, columns) block of the flat vector, written row by row in C order.
template <class Stored>
void write_blocks(io::Hdf5Writer& file, const std::string& group, const std::vector<double>& flat,
                  const network::ParameterLayout& layout) {
  for (const network::ParameterBlock& block : layout.blocks()) {
    if (block.size() == 0) continue;
    std::vector<Stored> values;
    values.reserve(static_cast<std::size_t>(block.size()));
    for (int row = 0; row < block.rows; ++row)
      for (int column = 0; column < block.columns; ++column)
        values.push_back(
            static_cast<Stored>(flat[static_cast<std::size_t>(block.offset + column * block.rows + row)]));
    file.write(group + "/" + block.name, values, {block.rows, block.columns});
  }
}

std::vector<double> read_blocks(const io::Hdf5Reader& file, const std::string& group,
                                const network::ParameterLayout& layout) {
  for (const network::ParameterBlock& block : layout.blocks())  // before memory is taken for all of them
    if (block.size() != 0) file.require_shape(group + "/" + block.name, {block.rows, block.columns});
  std::vector<double> flat(static_cast<std::size_t>(layout.size()), 0.0);
  for (const network::ParameterBlock& block : layout.blocks()) {
    if (block.size() == 0) continue;
    const auto values = file.read<double>(group + "/" + block.name);
    for (int row = 0; row < block.rows; ++row)
      for (int column = 0; column < block.columns; ++column)
        flat[static_cast<std::size_t>(block.offset + column * block.rows + row)] =
            values[static_cast<std::size_t>(row * block.columns + column)];
  }
  return flat;
}

/// An error of `work` with the place in the file before its message.
template <class Work>
auto located(const std::string& place, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Error(error.code(), place + ": " + error.what());
  }
}

/// The attribute of an object, a whole number from 0 to `most`.
std::int64_t whole_number(const io::Hdf5Reader& file, const std::string& object, const std::string& name,
                          std::int64_t most) {
  const std::int64_t value = file.attribute_int(object, name);
  if (value < 0 || value > most)
    fail_input(file.path() + ", '" + object + "', attribute '" + name + "': found " + std::to_string(value) +
               ", expected a whole number from 0 to " + std::to_string(most));
  return value;
}

std::vector<int> read_widths(const io::Hdf5Reader& file, const std::string& object) {
  std::vector<int> widths;
  for (const double width : file.attribute_doubles(object, "hidden")) {
    if (!(width >= 1 && width <= std::numeric_limits<int>::max() && width == std::floor(width)))
      fail_input(file.path() + ", '" + object + "', attribute 'hidden': " + print_number(width) +
                 " is not a width");
    widths.push_back(static_cast<int>(width));
  }
  return widths;
}

const char* name_of(flux::DivergenceFree part) {
  if (part == flux::DivergenceFree::none) return "none";
  return part == flux::DivergenceFree::density_weighted ? "density_weighted" : "antisymmetric";
}

void write_model(io::Hdf5Writer& file, const ModelDescription& model) {
  file.group("model");
  const density::Config& config = model.config;
  file.attribute("model", "family",
                 config.family == density::Family::factorised ? "factorised" : "autoregressive");
  file.attribute(
      "model", "weights",
      config.weights == density::MixtureWeights::time_constant ? "time_constant" : "time_dependent");
  file.attribute("model", "components", config.components);
  file.attribute("model", "mixture", config.mixture);
  file.attribute("model", "hidden", std::vector<double>(config.hidden.begin(), config.hidden.end()));
  file.attribute("model", "time_features", config.time_features);
  file.attribute("model", "time_frequency_min", config.time_frequency_min);
  file.attribute("model", "time_frequency_max", config.time_frequency_max);
  file.attribute("model", "coordinate_features", config.coordinate_features);
  file.attribute("model", "coordinate_frequency_min", config.coordinate_frequency_min);
  file.attribute("model", "coordinate_frequency_max", config.coordinate_frequency_max);
  file.attribute("model", "dim_names", model.dim_names);
  file.attribute("model", "time_unit", model.time_unit);
  file.attribute("model", "time_range", std::vector<double>{model.units.t_first, model.units.t_last});
  file.group("flux");
  file.attribute("flux", "kind", model.flux.kind == flux::Kind::sigmoid ? "sigmoid" : "triangular");
  file.attribute("flux", "divergence_free", name_of(model.flux.divergence_free));
  file.attribute("flux", "hidden", std::vector<double>(model.flux.hidden.begin(), model.flux.hidden.end()));
  file.attribute("flux", "noise", model.flux.noise.to_string());
  file.write("model/mean", model.units.mean, {model.units.n_dims()});
  file.write("model/scale", model.units.scale, {model.units.n_dims()});
}

flux::Config read_flux(const io::Hdf5Reader& file) {
  flux::Config config;
  if (!file.exists("flux")) return config;
  config.kind =
      file.attribute_string("flux", "kind") == "sigmoid" ? flux::Kind::sigmoid : flux::Kind::triangular;
  for (const auto part : {flux::DivergenceFree::none, flux::DivergenceFree::density_weighted,
                          flux::DivergenceFree::antisymmetric})
    if (file.attribute_string("flux", "divergence_free") == name_of(part)) config.divergence_free = part;
  config.hidden = read_widths(file, "flux");
  const std::string noise = file.attribute_string("flux", "noise");
  config.noise =
      located(file.path() + ", 'flux', attribute 'noise'", [&] { return flux::Volatility::parse(noise); });
  located(file.path(), [&] { config.validate(); });
  return config;
}

void require_usable(const Units& units, const std::string& path) {
  const auto is_finite = [](double value) { return std::isfinite(value); };
  if (!is_finite(units.t_first) || !is_finite(units.t_last) || units.t_last < units.t_first)
    fail_input(path + ", 'model', attribute 'time_range': found " + print_number(units.t_first) + " and " +
               print_number(units.t_last) + ", expected a time and one that is not earlier");
  if (!std::all_of(units.mean.begin(), units.mean.end(), is_finite))
    fail_input(path + ", 'model/mean': has a value that is not a finite number");
  if (!std::all_of(units.scale.begin(), units.scale.end(), [&](double s) { return s > 0 && is_finite(s); }))
    fail_input(path + ", 'model/scale': has a value that is not a finite number above 0");
}

ModelDescription read_model(const io::Hdf5Reader& file) {
  ModelDescription model;
  density::Config& config = model.config;
  const auto integer = [&](const char* name) {
    return static_cast<int>(whole_number(file, "model", name, std::numeric_limits<int>::max()));
  };
  config.family = file.attribute_string("model", "family") == "factorised" ? density::Family::factorised
                                                                           : density::Family::autoregressive;
  config.weights = file.attribute_string("model", "weights") == "time_constant"
                       ? density::MixtureWeights::time_constant
                       : density::MixtureWeights::time_dependent;
  config.components = integer("components");
  config.mixture = integer("mixture");
  config.hidden = read_widths(file, "model");
  config.time_features = integer("time_features");
  config.time_frequency_min = file.attribute_double("model", "time_frequency_min");
  config.time_frequency_max = file.attribute_double("model", "time_frequency_max");
  config.coordinate_features = integer("coordinate_features");
  config.coordinate_frequency_min = file.attribute_double("model", "coordinate_frequency_min");
  config.coordinate_frequency_max = file.attribute_double("model", "coordinate_frequency_max");
  model.dim_names = file.attribute_strings("model", "dim_names");
  model.time_unit = file.attribute_string("model", "time_unit");
  const std::vector<double> range = file.attribute_doubles("model", "time_range");
  if (range.size() != 2) fail_input(file.path() + ": attribute time_range of /model must have 2 numbers");
  model.units.t_first = range[0];
  model.units.t_last = range[1];
  if (model.dim_names.empty()) fail_input(file.path() + ": attribute dim_names of /model has no names");
  model.units.mean = file.read<double>("model/mean", {signed_size(model.dim_names)});
  model.units.scale = file.read<double>("model/scale", {signed_size(model.dim_names)});
  require_usable(model.units, file.path());
  located(file.path(), [&] { config.validate(); });
  model.flux = read_flux(file);
  return model;
}

void write_terms(io::Hdf5Writer& file, const std::vector<Checkpoint::TermProgress>& terms) {
  std::vector<std::string> names;
  std::vector<double> sums;
  for (const Checkpoint::TermProgress& term : terms) {
    names.push_back(term.name);
    sums.insert(sums.end(), {term.sum, term.clipped});
  }
  file.write("state/term_sums", sums, {signed_size(names), 2});
  file.attribute("state/term_sums", "terms", names);
}

History read_history(const io::Hdf5Reader& file) {
  const std::vector<std::string>& fields = History::fields();
  const std::vector<std::string> columns =
      file.has_attribute("history", "columns") ? file.attribute_strings("history", "columns") : fields;
  if (columns.size() < fields.size() || !std::equal(fields.begin(), fields.end(), columns.begin()))
    fail_input(file.path() + ", 'history': its columns do not begin with those of history.csv");
  const std::vector<double> numbers = file.read<double>("history", {-1, signed_size(columns)});
  for (std::size_t k = 0; k < numbers.size(); k += columns.size())
    if (!(numbers[k] >= 0 && numbers[k] <= static_cast<double>(largest_step)))
      fail_input(file.path() + ", 'history': " + print_number(numbers[k]) + " is not a step");
  return History::from_numbers(columns, numbers);
}

std::vector<Checkpoint::TermProgress> read_terms(const io::Hdf5Reader& file) {
  const std::vector<std::string> names = file.attribute_strings("state/term_sums", "terms");
  const auto sums = file.read<double>("state/term_sums", {signed_size(names), 2});
  std::vector<Checkpoint::TermProgress> terms;
  for (std::size_t k = 0; k < names.size(); ++k) terms.push_back({names[k], sums[2 * k], sums[2 * k + 1]});
  return terms;
}

template <class Stored>
void write_arrays(io::Hdf5Writer& file, const Checkpoint& checkpoint,
                  const network::ParameterLayout& layout) {
  write_blocks<Stored>(file, "parameters", checkpoint.parameters, layout);
  write_blocks<Stored>(file, "optimiser/first_moment", checkpoint.first_moment, layout);
  write_blocks<Stored>(file, "optimiser/second_moment", checkpoint.second_moment, layout);
  if (!checkpoint.averaged.empty())
    write_blocks<Stored>(file, "averaged_parameters", checkpoint.averaged, layout);
}

}  // namespace

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint,
                      const network::ParameterLayout& layout) {
  const auto write = [&](const std::string& temporary) {
    io::Hdf5Writer file(temporary);
    file.attribute("/", "kind", kind);
    file.attribute("/", "format_version", checkpoint_format_version);
    file.write_string("deck", checkpoint.deck);
    write_model(file, checkpoint.model);
    file.group("state");
    const bool is_single = checkpoint.precision == Precision::single_precision;
    file.attribute("state", "precision", is_single ? "single" : "double");
    file.attribute("state", "step", checkpoint.step);
    file.attribute("state", "best_step", checkpoint.best_step);
    file.attribute("state", "validations_since_best", checkpoint.validations_since_best);
    file.attribute("state", "loss_count", checkpoint.loss_count);
    file.attribute("state", "n_train_rows", checkpoint.n_train_rows);
    file.write("state/random_key", std::vector<std::uint64_t>{checkpoint.seed}, {1});
    file.write("state/figures", std::vector<double>{checkpoint.best_validation}, {1});
    write_terms(file, checkpoint.terms);
    const std::vector<double> history = checkpoint.history.to_numbers();
    const std::vector<std::string> columns = checkpoint.history.columns();
    file.write("history", history, {signed_size(history) / signed_size(columns), signed_size(columns)});
    file.attribute("history", "columns", columns);
    if (is_single)
      write_arrays<float>(file, checkpoint, layout);
    else
      write_arrays<double>(file, checkpoint, layout);
    file.group("provenance");
    file.attributes("provenance", checkpoint.provenance);
    if (!checkpoint.earlier_runs.empty())
      file.write_string("provenance/earlier_runs", checkpoint.earlier_runs);
    file.close();
  };
  io::write_safely(path, true, write, [](const std::string& temporary) { io::read_back_check(temporary); });
}

Checkpoint read_checkpoint(const std::string& path) {
  const io::Hdf5Reader file(path);
  if (!file.has_attribute("/", "kind") || file.attribute_string("/", "kind") != kind)
    fail_input(path + ": is not a checkpoint of rhoflux (it has no attribute kind = '" + kind + "')");
  const std::int64_t version = file.attribute_int("/", "format_version");
  if (version < 1 || version > checkpoint_format_version)
    fail_input(path + ": has checkpoint format version " + std::to_string(version) +
               "; this program reads versions 1 to " + std::to_string(checkpoint_format_version));
  Checkpoint checkpoint;
  checkpoint.deck = file.read_string("deck");
  checkpoint.model = read_model(file);
  checkpoint.precision = file.attribute_string("state", "precision") == "single"
                             ? Precision::single_precision
                             : Precision::double_precision;
  checkpoint.step = whole_number(file, "state", "step", largest_step);
  checkpoint.best_step = whole_number(file, "state", "best_step", largest_step);
  checkpoint.validations_since_best = whole_number(file, "state", "validations_since_best", largest_step);
  checkpoint.loss_count = whole_number(file, "state", "loss_count", largest_step);
  checkpoint.n_train_rows = whole_number(file, "state", "n_train_rows", largest_step);
  checkpoint.seed = file.read<std::uint64_t>("state/random_key", {1}).front();
  checkpoint.best_validation = file.read<double>("state/figures", {version < 4 ? 2 : 1}).front();
  checkpoint.history = read_history(file);
  if (version >= 4) checkpoint.terms = read_terms(file);
  if (file.exists("provenance")) checkpoint.provenance = file.text_attributes("provenance");
  if (file.exists("provenance/earlier_runs"))
    checkpoint.earlier_runs = file.read_string("provenance/earlier_runs");
  const ModelDescription& model = checkpoint.model;
  const network::ParameterLayout layout =
      located(path, [&] { return flux::layout_of(model.config, model.flux, model.units.n_dims()); });
  checkpoint.parameters = read_blocks(file, "parameters", layout);
  checkpoint.first_moment = read_blocks(file, "optimiser/first_moment", layout);
  checkpoint.second_moment = read_blocks(file, "optimiser/second_moment", layout);
  if (file.exists("averaged_parameters"))
    checkpoint.averaged = read_blocks(file, "averaged_parameters", layout);
  for (const auto* values :
       {&checkpoint.parameters, &checkpoint.averaged, &checkpoint.first_moment, &checkpoint.second_moment})
    for (const double value : *values)
      if (!std::isfinite(value)) fail_input(path + ": a parameter or optimiser value is not a finite number");
  return checkpoint;
}

std::string runs_before(const Checkpoint& start) {
  std::string lines = start.earlier_runs + (start.earlier_runs.empty() ? "" : "\n") + "to step " +
                      std::to_string(start.step) + ":";
  for (const auto& [name, value] : start.provenance)
    for (const char* wanted : {"program", "git", "ranks", "host", "slurm_job_id", "started"})
      if (name == wanted && !value.empty()) lines += " " + name + " " + value + ",";
  if (lines.back() == ',') lines.pop_back();
  return lines;
}

std::string checkpoint_path(const std::string& directory, std::int64_t step) {
  char name[48];
  std::snprintf(name, sizeof(name), "checkpoint_%09lld.h5", static_cast<long long>(step));
  return (std::filesystem::path(directory) / name).string();
}

std::string best_path(const std::string& directory) {
  return (std::filesystem::path(directory) / "best.h5").string();
}

std::vector<std::string> list_checkpoints(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("checkpoint_", 0) == 0 && entry.path().extension() == ".h5")
      paths.push_back(entry.path().string());
  }
  std::sort(paths.rbegin(), paths.rend());
  return paths;
}

void remove_old_checkpoints(const std::string& directory, int keep) {
  const std::vector<std::string> paths = list_checkpoints(directory);
  for (std::size_t k = static_cast<std::size_t>(keep); k < paths.size(); ++k) {
    std::error_code ignored;  // a file that cannot be removed costs space, nothing else
    std::filesystem::remove(paths[k], ignored);
  }
}

std::optional<Checkpoint> read_newest_checkpoint(const std::string& directory,
                                                 const std::function<void(const std::string&)>& warn) {
  for (const std::string& path : list_checkpoints(directory)) {
    try {
      return read_checkpoint(path);
    } catch (const Error& error) {
      warn(std::string("damaged checkpoint passed over: ") + error.what());
    }
  }
  return std::nullopt;
}

}  // namespace rhoflux::checkpoint
