#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>

#include "commands.hpp"
#include "common_options.hpp"
#include "model_conditions.hpp"
#include "model_files.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/importers/imported_cells.hpp"
#include "rhoflux/inference/condition_scope.hpp"
#include "rhoflux/io/anndata_writer.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "spread.hpp"

namespace rhoflux::apps {

namespace {

constexpr const char* log_density_column = "rhoflux_log_density";
constexpr const char* growth_column = "rhoflux_growth";
constexpr const char* own_group = "uns/rhoflux";
constexpr const char* spread_ending = "_spread";
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// "X_pca" -> "velocity_pca"; columns of obs: "velocity".
std::string velocity_key(const std::string& basis) {
  if (basis.empty()) return "obsm/velocity";
  return "obsm/velocity_" + (basis.rfind("X_", 0) == 0 ? basis.substr(2) : basis);
}

/// What is added to the file, besides text.
struct Additions {
  std::string velocity;     ///< obsm key
  bool has_spread = false;  ///< by how much the members of an ensemble differ, of each quantity of a cell
  std::string genes;        ///< key of varm whose loadings make layers/velocity; empty: none
  std::vector<double> loadings;  ///< (genes, basis columns)
  std::int64_t n_genes = 0;
  bool has_growth = false;  ///< a growth rate of each cell

  /// Of the columns of obs: the quantities, or their spreads.
  std::vector<std::string> columns(const std::string& ending) const {
    std::vector<std::string> names = {std::string("obs/") + log_density_column + ending};
    if (has_growth) names.push_back(std::string("obs/") + growth_column + ending);
    return names;
  }
  /// Numbers of a cell: log density, velocity and growth rate, and then their spreads.
  std::size_t width(std::size_t n_dims) const {
    return (n_dims + (has_growth ? 2 : 1)) * (has_spread ? 2 : 1);
  }
};

/// Takes what an earlier annotation added out of the file. Bad input for elements of these names that others wrote.
void make_room(io::AnnDataWriter& file, const std::string& input, const Additions& additions) {
  const bool is_own = file.exists("uns") && file.exists(own_group);
  std::vector<std::string> names = {additions.velocity, std::string("obs/") + log_density_column};
  if (additions.has_growth || is_own) names.push_back(std::string("obs/") + growth_column);
  if (additions.has_spread || is_own)
    for (const std::string& name : {names[0], names[1], std::string("obs/") + growth_column})
      names.push_back(name + spread_ending);
  if (!additions.genes.empty()) names.emplace_back("layers/velocity");
  for (const std::string& name : names) {
    const std::string group = name.substr(0, name.find('/'));
    if (!file.exists(group) || !file.exists(name)) continue;
    if (!is_own)
      fail_input(input + ": has '" + name +
                 "' already, which rhoflux did not write; rename or remove it first");
    file.remove(name);
  }
  if (is_own) file.remove(own_group);
}

/// The numbers of each cell: log density, the velocity along the coordinates, and with growth its rate; of an ensemble their
/// spreads, too; NaN where the model does not know the cell's time.
std::vector<double> cell_numbers(const inference::Inference& inference,
                                 const importers::ImportedCells::Cells& cells,
                                 const std::vector<double>& condition, const flux::Volatility& volatility,
                                 const Additions& additions) {
  const auto dims = static_cast<std::size_t>(inference.n_dims());
  const Units& units = inference.model().units;
  const std::size_t n_variables = cells.t.empty() ? 0 : cells.conditions.size() / cells.t.size();
  std::vector<double> t, x, of_cells, numbers;
  for (std::size_t i = 0; i < cells.t.size(); ++i) {
    if (!units.is_in_time_range(cells.t[i])) continue;
    t.push_back(cells.t[i]);
    x.insert(x.end(), cells.x.begin() + static_cast<std::ptrdiff_t>(i * dims),
             cells.x.begin() + static_cast<std::ptrdiff_t>((i + 1) * dims));
    of_cells.insert(of_cells.end(), cells.conditions.begin() + static_cast<std::ptrdiff_t>(i * n_variables),
                    cells.conditions.begin() + static_cast<std::ptrdiff_t>((i + 1) * n_variables));
  }
  const inference::ConditionScope scope(inference, conditions_of(condition, of_cells));
  const inference::Inference::DynamicsValues values = inference.dynamics_at(t, x, volatility);
  inference::Inference::Spread spread;
  if (additions.has_spread) spread = inference.spread_of_members(t, x, volatility);
  std::size_t known = 0;
  const auto add = [&](const std::vector<double>& log_density, const std::vector<double>& drift,
                       const std::vector<double>& growth) {
    numbers.push_back(log_density[known]);
    const auto first = drift.begin() + static_cast<std::ptrdiff_t>(known * dims);
    numbers.insert(numbers.end(), first, first + static_cast<std::ptrdiff_t>(dims));
    if (additions.has_growth) numbers.push_back(growth[known]);
  };
  for (const double time : cells.t) {
    if (!units.is_in_time_range(time)) {
      numbers.insert(numbers.end(), additions.width(dims), nan);
      continue;
    }
    add(values.log_density, values.drift, values.growth);
    if (additions.has_spread) add(spread.log_density, spread.drift, spread.growth);
    ++known;
  }
  return numbers;
}

/// Gene velocities (n, genes) of velocities (n, dims): v . loadings^T over the coordinates of the model.
std::vector<double> gene_velocity(const Additions& additions, const importers::ImportedCells& cells,
                                  const std::vector<double>& velocity) {
  const std::vector<std::int64_t>& dims = cells.dims();
  const auto width = static_cast<std::size_t>(cells.n_basis_columns());
  const auto n_genes = static_cast<std::size_t>(additions.n_genes);
  const std::size_t n = velocity.size() / dims.size();
  std::vector<double> result(n * n_genes, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t gene = 0; gene < n_genes; ++gene)
      for (std::size_t k = 0; k < dims.size(); ++k)
        result[i * n_genes + gene] += velocity[i * dims.size() + k] *
                                      additions.loadings[gene * width + static_cast<std::size_t>(dims[k])];
  return result;
}

/// Writes the numbers of cells first, first + 1, .. on the root.
class CellWriter {
 public:
  CellWriter(io::AnnDataWriter& file, const Additions& additions, const importers::ImportedCells& cells)
      : m_file(file), m_additions(additions), m_cells(cells) {
    file.dictionary("obsm");
    file.create_array(additions.velocity, {cells.n_cells(), cells.n_basis_columns()});
    if (additions.has_spread)
      file.create_array(additions.velocity + spread_ending, {cells.n_cells(), cells.n_basis_columns()});
    if (additions.genes.empty()) return;
    file.dictionary("layers");
    file.create_array("layers/velocity", {cells.n_cells(), additions.n_genes});
  }

  void write(std::int64_t first, const std::vector<double>& numbers) {
    const std::vector<double> velocity = take(numbers, 0, m_of_cells);
    for (const double value : take_column(numbers, 0)) m_n_unknown += std::isnan(value) ? 1 : 0;
    m_file.write_rows(m_additions.velocity, first, in_basis(velocity));
    if (!m_additions.genes.empty())
      m_file.write_rows("layers/velocity", first, gene_velocity(m_additions, m_cells, velocity));
    if (!m_additions.has_spread) return;
    const std::size_t half = m_additions.width(m_cells.dims().size()) / 2;
    m_file.write_rows(m_additions.velocity + spread_ending, first, in_basis(take(numbers, half, m_spreads)));
  }

  void finish() {
    write_columns("", m_of_cells);
    if (m_additions.has_spread) write_columns(spread_ending, m_spreads);
  }
  std::int64_t n_unknown() const { return m_n_unknown; }

 private:
  /// Numbers that become columns of obs.
  struct Columns {
    std::vector<double> log_density, growth;
  };

  /// Number `place` of each cell.
  std::vector<double> take_column(const std::vector<double>& numbers, std::size_t place) const {
    std::vector<double> column;
    for (std::size_t at = place; at < numbers.size(); at += m_additions.width(m_cells.dims().size()))
      column.push_back(numbers[at]);
    return column;
  }
  /// Appends log density and growth rate, which begin at `place` in the numbers of each cell. @return the velocities (n, dims)
  std::vector<double> take(const std::vector<double>& numbers, std::size_t place, Columns& columns) const {
    const std::size_t dims = m_cells.dims().size(), width = m_additions.width(dims);
    std::vector<double> velocity;
    for (std::size_t at = place; at < numbers.size(); at += width) {
      columns.log_density.push_back(numbers[at]);
      const auto first = numbers.begin() + static_cast<std::ptrdiff_t>(at + 1);
      velocity.insert(velocity.end(), first, first + static_cast<std::ptrdiff_t>(dims));
      if (m_additions.has_growth) columns.growth.push_back(numbers[at + 1 + dims]);
    }
    return velocity;
  }
  /// Velocities (n, dims) in the columns of the basis; NaN in those that the model does not have.
  std::vector<double> in_basis(const std::vector<double>& velocity) const {
    const std::vector<std::int64_t>& dims = m_cells.dims();
    const auto columns = static_cast<std::size_t>(m_cells.n_basis_columns());
    std::vector<double> rows(velocity.size() / dims.size() * columns, nan);
    for (std::size_t at = 0; at < velocity.size(); ++at)
      rows[at / dims.size() * columns + static_cast<std::size_t>(dims[at % dims.size()])] = velocity[at];
    return rows;
  }
  void write_columns(const std::string& ending, const Columns& columns) {
    m_file.numbers("obs", log_density_column + ending, columns.log_density);
    if (m_additions.has_growth) m_file.numbers("obs", growth_column + ending, columns.growth);
  }

  io::AnnDataWriter& m_file;
  const Additions& m_additions;
  const importers::ImportedCells& m_cells;
  Columns m_of_cells, m_spreads;
  std::int64_t m_n_unknown = 0;
};

void write_texts(const Context& context, io::AnnDataWriter& file, const checkpoint::Checkpoint& checkpoint,
                 const flux::Volatility& volatility) {
  file.dictionary("uns");
  file.dictionary(own_group);
  file.text(std::string(own_group) + "/deck", checkpoint.deck);
  file.text(std::string(own_group) + "/noise", volatility.to_string());
  file.text(std::string(own_group) + "/time_unit", checkpoint.model.time_unit);
  if (checkpoint.model.config.n_members > 1)
    file.text(std::string(own_group) + "/spread", meaning_of_spread(checkpoint));
  for (const auto& [name, value] : provenance(context)) file.text(std::string(own_group) + "/" + name, value);
}

/// The arrays that were written can be read.
void verify_additions(const std::string& path, const Additions& additions, std::int64_t n_cells) {
  const io::Hdf5Reader file(path);
  std::vector<std::string> names = {additions.velocity}, columns = additions.columns("");
  if (additions.has_spread) {
    names.push_back(additions.velocity + spread_ending);
    for (const std::string& name : additions.columns(spread_ending)) columns.push_back(name);
  }
  for (const std::string& name : columns) (void)file.read<double>(name, {n_cells});
  if (!additions.genes.empty()) names.emplace_back("layers/velocity");
  for (const std::string& name : names) {
    const std::int64_t width = file.shape(name).at(1);
    const std::int64_t piece = std::max<std::int64_t>(1, (1 << 20) / width);
    for (std::int64_t first = 0; first < n_cells; first += piece)
      (void)file.read_slab<double>(name, {first, 0}, {std::min(piece, n_cells - first), width});
  }
}

/// The cells of the input, and what is to be added; the same on every rank. Collective.
std::unique_ptr<importers::ImportedCells> open_cells(const Context& context, const Arguments& arguments,
                                                     const checkpoint::ModelDescription& model,
                                                     const std::vector<double>& condition,
                                                     Additions& additions) {
  const std::string input = arguments.text("INPUT");
  std::unique_ptr<importers::ImportedCells> cells;
  mpi::on_every_rank(context.comm, [&] {
    if (!std::filesystem::exists(input)) fail_input(input + ": no such file");
    cells = std::make_unique<importers::ImportedCells>(
        input, model.origin.import_choices, model.origin.time,
        condition.empty() ? model.conditions : ConditionEncoding());
    if (static_cast<int>(cells->dims().size()) != model.units.n_dims())
      fail_input(input + ": the model has " + counted(model.units.n_dims(), "coordinate") +
                 ", its data had " + std::to_string(cells->dims().size()));
    additions.velocity = velocity_key(cells->basis());
    if (!arguments.has("genes")) return;
    additions.genes = arguments.text("genes");
    additions.loadings = cells->loadings(additions.genes, additions.n_genes);
  });
  return cells;
}

/// A copy of the input that can be changed.
void copy_to_change(const std::string& input, const std::string& copy) {
  std::filesystem::copy_file(input, copy, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::permissions(copy, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
}

/// @param meaning of the spread, where there is one
void print_additions(const Context& context, const std::string& output, const Additions& additions,
                     std::int64_t n_cells, std::int64_t n_unknown, const std::string& meaning) {
  print(context.comm,
        "wrote " + output + ": " + counted(n_cells, "cell") + " with " + additions.velocity +
            (additions.has_growth ? std::string(", obs/") + growth_column : "") + " and obs/" +
            log_density_column +
            (additions.genes.empty() ? "" : ", and layers/velocity by varm/" + additions.genes) +
            (additions.has_spread ? ", and their spreads over the members" : ""));
  if (additions.has_spread) print(context.comm, "spread: " + meaning);
  if (n_unknown > 0)
    print(context.comm, "warning: " + counted(n_unknown, "cell") +
                            " have times outside of the model's range; they get NaN");
}

}  // namespace

Arguments annotate_arguments() {
  Arguments arguments(
      "annotate",
      "Writes an AnnData file anew with what the model says of its cells; all that it has stays. Added are "
      "obsm/velocity_BASIS (drift u of dX = u dt + g dW along the columns of the basis; NaN for those that "
      "are not in "
      "the model), obs/rhoflux_log_density, of a model with growth obs/rhoflux_growth (births minus deaths "
      "per unit of time), and uns/rhoflux (deck, provenance), and with --genes layers/velocity. Of an "
      "ensemble also the standard deviations over its members, obsm/velocity_BASIS_spread, "
      "obs/rhoflux_log_density_spread and obs/rhoflux_growth_spread: standard errors where these learned "
      "from a "
      "bootstrap, as uns/rhoflux/spread says. The model must have been trained on cells imported from "
      "AnnData: which columns, basis and dimensions "
      "those were, it "
      "knows. Cells at times outside of the model's range get NaN.");
  add_checkpoint(arguments);
  arguments.positional("INPUT", file_name(), "the AnnData file (.h5ad)")
      .optional("genes", any_text("NAME"),
                "velocities of genes too, by the loadings of the basis in varm, such as PCs");
  add_condition(arguments, "of each cell, the columns of obs with the names of the conditions");
  add_noise(arguments);
  arguments.required("output", file_name(), "AnnData file (.h5ad) to write");
  add_force(arguments);
  return arguments;
}

int command_annotate(const Context& context, const Arguments& arguments) {
  const OutputFile output = {arguments.text("output"), arguments.has("force")};
  const std::string input = arguments.text("INPUT");
  const checkpoint::Checkpoint checkpoint = load_checkpoint(context, arguments.text("CHECKPOINT"));
  const inference::Inference inference(checkpoint);
  require_motion(checkpoint.model, "annotate");
  const std::vector<double> condition = condition_option(context, arguments, checkpoint.model);
  const flux::Volatility volatility = volatility_option(arguments, checkpoint.model);
  note_input(context, input);
  Additions additions;
  additions.has_growth = inference.grows();
  additions.has_spread = inference.n_members() > 1;
  const auto cells = open_cells(context, arguments, checkpoint.model, condition, additions);
  mpi::on_root(context.comm, [&] {
    require_absent(output);
    io::require_other_file(output.path, input);
  });
  const auto compute = [&](std::int64_t begin, std::int64_t end) {
    if (begin == end) return std::vector<double>();
    return cell_numbers(inference, cells->read(begin, end), condition, volatility, additions);
  };
  const auto fill = [&](CellWriter* writer) {
    in_pieces(context.comm, cells->n_cells(), compute,
              [&](std::int64_t first, const std::vector<double>& numbers) { writer->write(first, numbers); });
  };
  std::int64_t n_unknown = 0;
  const auto write = [&](const std::string& temporary) {
    copy_to_change(input, temporary);
    io::AnnDataWriter file(temporary, io::AnnDataWriter::Start::existing_file);
    make_room(file, input, additions);
    CellWriter writer(file, additions, *cells);
    fill(&writer);
    writer.finish();
    write_texts(context, file, checkpoint, volatility);
    n_unknown = writer.n_unknown();
    file.close();
  };
  const auto verify = [&](const std::string& temporary) {
    verify_additions(temporary, additions, cells->n_cells());
  };
  if (context.comm.is_root())
    io::write_safely(output.path, output.overwrite, write, verify);
  else
    fill(nullptr);
  context.comm.barrier();
  print_additions(context, output.path, additions, cells->n_cells(), n_unknown,
                  additions.has_spread ? meaning_of_spread(checkpoint) : "");
  return 0;
}

}  // namespace rhoflux::apps
