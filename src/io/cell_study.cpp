#include "rhoflux/io/cell_study.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "rhoflux/core/error.hpp"
#include "rhoflux/io/anndata_writer.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "sample_random.hpp"

namespace rhoflux::io {

namespace {

constexpr int n_days = 5, n_donors = 4, n_genes = 40, n_coordinates = 3;
constexpr double g = 0.7, v = 1.5, theta = 1.0, mu = 1.0, start_deviation = 0.3, type_border = 0.8;
enum Type : std::int32_t { type_a, type_b, progenitor };

double normal_cdf(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2.0));
}

Type type_of(double x2) {
  return x2 > type_border ? type_a : x2 < -type_border ? type_b : progenitor;
}

/// Of c = 1, given x_2.
double probability_of_rising(double x2) {
  return 1.0 / (1.0 + std::exp(-2.0 * mu * x2 / (g * g)));
}

/// Of being above `border` after a time tau.
double probability_above(double border, double x2, double tau) {
  if (tau == 0) return x2 > border ? 1.0 : 0.0;
  const double p = probability_of_rising(x2), deviation = g * std::sqrt(tau);
  return p * normal_cdf((x2 + mu * tau - border) / deviation) +
         (1 - p) * normal_cdf((x2 - mu * tau - border) / deviation);
}

/// Columns that are orthonormal, by Gram and Schmidt from Gaussian numbers: (n_genes, n_coordinates).
std::vector<double> orthonormal_loadings(std::uint64_t seed) {
  std::vector<double> loadings(n_genes * n_coordinates);
  for (std::size_t gene = 0; gene < n_genes; ++gene) {
    const SampleRandom random(seed, RandomPurpose::data_generation, (std::uint64_t{1} << 39) + gene);
    for (std::uint32_t k = 0; k < n_coordinates; ++k)
      loadings[gene * n_coordinates + k] = random.normals(k).first;
  }
  for (std::size_t k = 0; k < n_coordinates; ++k) {
    const auto column = [&](std::size_t gene, std::size_t of) -> double& {
      return loadings[gene * n_coordinates + of];
    };
    for (std::size_t before = 0; before < k; ++before) {
      double overlap = 0;
      for (std::size_t gene = 0; gene < n_genes; ++gene) overlap += column(gene, k) * column(gene, before);
      for (std::size_t gene = 0; gene < n_genes; ++gene) column(gene, k) -= overlap * column(gene, before);
    }
    double square = 0;
    for (std::size_t gene = 0; gene < n_genes; ++gene) square += column(gene, k) * column(gene, k);
    for (std::size_t gene = 0; gene < n_genes; ++gene) column(gene, k) /= std::sqrt(square);
  }
  return loadings;
}

void add_genes(CellStudy& study, const SampleRandom& random, const std::array<double, n_coordinates>& x) {
  for (std::size_t gene = 0; gene < n_genes; ++gene) {
    double value = 2.0 + 0.1 * random.normals(16 + static_cast<std::uint32_t>(gene)).first;
    for (std::size_t k = 0; k < n_coordinates; ++k) value += study.loadings[gene * n_coordinates + k] * x[k];
    study.expression.push_back(static_cast<float>(value));
  }
}

void add_cell(CellStudy& study, std::uint64_t seed, std::int64_t i) {
  const SampleRandom random(seed, RandomPurpose::data_generation, static_cast<std::uint64_t>(i));
  const auto [u_day, u_split] = random.uniforms(0);
  const auto [u_rising, u_donor] = random.uniforms(1);
  const auto [z1, z3] = random.normals(2);
  const auto [z_start, z_path] = random.normals(3);
  const double t = std::floor(n_days * u_day), tau = (n_days - 1) - t;
  const double at_start = start_deviation * z_start;
  const double slope = u_rising < probability_of_rising(at_start) ? mu : -mu;
  const double x2 = at_start + slope * t + g * std::sqrt(t) * z_path;
  const double at_end = x2 + slope * tau + g * std::sqrt(tau) * random.normals(4).first;
  const double spread = g / std::sqrt(2.0 * theta);
  const std::array<double, n_coordinates> x = {v * t + spread * z1, x2, spread * z3};
  PopulationData& cells = study.cells;
  cells.t.push_back(t);
  cells.x.insert(cells.x.end(), x.begin(), x.end());
  cells.split.push_back(split_of(u_split, 0.1, 0.1));
  cells.source_row.push_back(i);
  cells.id.push_back("CELL" + std::to_string(100000 + i) + "-1");
  cells.labels[0].code.push_back(static_cast<std::int32_t>(t));
  cells.labels[1].code.push_back(type_of(x2));
  cells.labels[2].code.push_back(static_cast<std::int32_t>(n_donors * u_donor));
  cells.labels[3].code.push_back(type_of(at_end));
  const double a = probability_above(type_border, x2, tau);
  const double b = 1.0 - probability_above(-type_border, x2, tau);
  study.probability.insert(study.probability.end(), {a, b, 1.0 - a - b});
  add_genes(study, random, x);
}

}  // namespace

CellStudy make_cell_study(std::int64_t count, std::uint64_t seed) {
  constexpr std::int64_t most = 1000000;
  if (count < 1 || count > most)
    fail_input("generate: the count is " + std::to_string(count) + "; allowed for cells is 1 to " +
               std::to_string(most));
  CellStudy study;
  PopulationData& cells = study.cells;
  cells.n_dims = n_coordinates;
  cells.dim_names = {"pca1", "pca2", "pca3"};
  cells.time.unit = "d";
  cells.source = "rhoflux generate cells, seed " + std::to_string(seed) +
                 ": dX = u dt + 0.7 dW, u = (1.5 - (x1 - 1.5 t), tanh(x2 / 0.49), -x3)";
  cells.labels = {{"day", {}, {}},
                  {"cell_type", {"A", "B", "progenitor"}, {}},
                  {"donor", {}, {}},
                  {"fate", {"A", "B", "progenitor"}, {}}};
  for (int day = 0; day < n_days; ++day) cells.labels[0].categories.push_back("day" + std::to_string(day));
  for (int donor = 1; donor <= n_donors; ++donor)
    cells.labels[2].categories.push_back("donor" + std::to_string(donor));
  study.loadings = orthonormal_loadings(seed);
  for (int gene = 1; gene <= n_genes; ++gene) study.genes.push_back("Gene" + std::to_string(gene));
  for (std::int64_t i = 0; i < count; ++i) add_cell(study, seed, i);
  return study;
}

void write_cell_study(const std::string& path, const CellStudy& study, bool overwrite) {
  const PopulationData& cells = study.cells;
  const std::int64_t n = cells.n_rows();
  const auto write = [&](const std::string& temporary) {
    AnnDataWriter file(temporary, AnnDataWriter::Start::new_file);
    file.frame("obs", cells.id);
    for (const LabelColumn& label : cells.labels)
      file.categories("obs", label.name, label.code, label.categories);
    std::vector<double> of_a;
    for (std::size_t i = 0; i < study.probability.size(); i += 3) of_a.push_back(study.probability[i]);
    file.numbers("obs", "probability_A", of_a);
    file.frame("var", study.genes);
    file.array("X", study.expression, {n, n_genes});
    for (const char* name : {"obsm", "varm", "layers", "obsp", "varp", "uns"}) file.dictionary(name);
    file.array("obsm/X_pca", cells.x, {n, n_coordinates});
    file.array("varm/PCs", study.loadings, {n_genes, n_coordinates});
    file.text("uns/source", cells.source);
    file.close();
  };
  write_safely(path, overwrite, write, read_back_check);
}

}  // namespace rhoflux::io
