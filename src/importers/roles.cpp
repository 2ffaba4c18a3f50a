#include "roles.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <unordered_set>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::importers {

namespace {

class Chooser {
 public:
  Chooser(Table& table, const Options& options)
      : m_table(table),
        m_options(options),
        m_names(table.column_names()),
        m_known(m_names.begin(), m_names.end()) {}

  Roles choose() {
    Roles roles;
    roles.time = require(m_options.time.column);
    choose_coordinates(roles);
    roles.weight = optional(m_options.weight_column, "weight");
    roles.split = optional(m_options.split_column, "split");
    roles.growth = m_options.growth_column.empty() ? "" : require(m_options.growth_column);
    roles.id = m_options.id_column.empty() ? m_table.row_name_column() : require(m_options.id_column);
    for (const std::string& name : m_options.condition_columns) roles.conditions.push_back(require(name));
    for (const std::string& name : m_options.label_columns) roles.labels.push_back(require(name));
    require_single_use(roles);
    if (m_options.label_columns.empty()) add_default_labels(roles);
    if (!m_options.split.by.empty()) {
      roles.split_by = require(m_options.split.by);
      if (std::find(roles.labels.begin(), roles.labels.end(), roles.split_by) == roles.labels.end())
        roles.labels.push_back(roles.split_by);
    }
    require_member_names(roles);
    const Uses uses = count_uses(roles);
    for (const std::string& name : m_names)
      if (uses.count(name) == 0) roles.ignored.push_back(name);
    return roles;
  }

 private:
  bool has(const std::string& name) const { return m_known.count(name) > 0; }

  std::string require(const std::string& name) const {
    if (!has(name))
      fail_input(m_table.header_place() + ": there is no column '" + name + "'; the columns are " + listed());
    return name;
  }

  /// The names of the columns, for messages.
  std::string listed() const {
    constexpr std::ptrdiff_t most = 50;
    if (m_names.empty()) return "none";
    if (static_cast<std::ptrdiff_t>(m_names.size()) <= most) return joined(m_names);
    return joined({m_names.begin(), m_names.begin() + most}) + ", .. (" + std::to_string(m_names.size()) +
           " in all)";
  }

  std::string optional(const std::string& given, const std::string& usual) const {
    if (!given.empty()) return require(given);
    return has(usual) ? usual : "";
  }

  void choose_coordinates(Roles& roles) {
    std::vector<BasisColumn> all;
    roles.basis = m_options.basis;
    if (!m_options.coordinate_columns.empty()) {
      if (!roles.basis.empty())
        fail_input(m_table.header_place() + ": --columns and --basis exclude each other");
      if (!m_options.genes.empty())
        fail_input(m_table.header_place() + ": --columns and --genes exclude each other");
      for (const std::string& name : m_options.coordinate_columns) all.push_back({require(name), name});
    } else {
      if (roles.basis.empty() && !m_options.genes.empty()) roles.basis = "X";
      if (roles.basis.empty() && !has("x1")) roles.basis = m_table.default_basis();
      if (roles.basis.empty())
        for (const std::string& name : numbered_coordinates()) all.push_back({name, name});
      else
        all = m_table.basis(roles.basis, m_options.genes);
    }
    if (m_options.dims.empty()) {
      roles.coordinates = all;
      for (std::size_t k = 0; k < all.size(); ++k) roles.dims.push_back(k + 1);
      return;
    }
    for (const int dim : m_options.dims) {
      if (dim < 1 || dim > static_cast<int>(all.size()))
        fail_input(m_table.header_place() + ": --dims names coordinate " + std::to_string(dim) +
                   "; there are 1 to " + std::to_string(all.size()));
      roles.coordinates.push_back(all[static_cast<std::size_t>(dim - 1)]);
      roles.dims.push_back(static_cast<std::size_t>(dim));
    }
  }

  std::vector<std::string> numbered_coordinates() const {
    std::vector<std::string> names;
    while (has("x" + std::to_string(names.size() + 1)))
      names.push_back("x" + std::to_string(names.size() + 1));
    if (names.empty())
      fail_input(
          m_table.header_place() +
          ": there are no coordinate columns x1, x2, ..; give their names with --columns, or an array with "
          "--basis; the columns are " +
          listed());
    for (const std::string& name : m_names) require_no_gap(name, names.size());
    return names;
  }

  /// x1, x2, x4 is more likely a mistake than two coordinates and a column to be ignored.
  void require_no_gap(const std::string& name, std::size_t n_found) const {
    std::size_t number = 0;
    const char* end = name.data() + name.size();
    if (name.size() < 2 || name[0] != 'x') return;
    const auto [stop, status] = std::from_chars(name.data() + 1, end, number);
    if (status != std::errc() || stop != end || number <= n_found) return;
    fail_input(m_table.header_place() + ": there is a column '" + name + "' but no column 'x" +
               std::to_string(n_found + 1) + "'");
  }

  /// For each column how often it is used.
  using Uses = std::unordered_map<std::string, int>;
  static Uses count_uses(const Roles& roles) {
    Uses uses;
    for (const std::string* role : {&roles.time, &roles.weight, &roles.split, &roles.growth, &roles.id})
      if (!role->empty()) ++uses[*role];
    for (const BasisColumn& coordinate : roles.coordinates) ++uses[coordinate.column];
    for (const std::string& name : roles.labels) ++uses[name];
    for (const std::string& name : roles.conditions) ++uses[name];
    return uses;
  }

  /// The time may be a label too.
  void require_single_use(const Roles& roles) const {
    for (const auto& [name, count] : count_uses(roles)) {
      const bool is_time_and_label = roles.time == name && count == 2 && is_label(roles, name);
      if (count > 1 && !is_time_and_label)
        fail_input(m_table.header_place() + ": the column '" + name +
                   "' was given for two purposes, or twice");
    }
  }

  static bool is_label(const Roles& roles, const std::string& name) {
    return std::find(roles.labels.begin(), roles.labels.end(), name) != roles.labels.end();
  }

  void add_default_labels(Roles& roles) {
    const Uses uses = count_uses(roles);
    for (const std::string& name : m_table.default_labels())
      if (uses.count(name) == 0 && name != m_options.split.by && is_member_name(name))
        roles.labels.push_back(name);
  }

  /// Labels and conditions are members of groups of the population file.
  static bool is_member_name(const std::string& name) {
    return name != "." && name.find('/') == std::string::npos;
  }

  void require_member_names(const Roles& roles) const {
    for (const auto* names : {&roles.labels, &roles.conditions})
      for (const std::string& name : *names)
        if (!is_member_name(name))
          fail_input(m_table.header_place() + ": the column '" + name +
                     "' cannot be kept as a label or condition: names in HDF5 files have no '/' and are not "
                     "'.'; rename it");
  }

  Table& m_table;
  const Options& m_options;
  std::vector<std::string> m_names;
  std::unordered_set<std::string> m_known;
};

}  // namespace

Roles choose_roles(Table& table, const Options& options) {
  return Chooser(table, options).choose();
}

}  // namespace rhoflux::importers
