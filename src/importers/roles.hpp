#pragma once

#include <string>
#include <vector>

#include "rhoflux/importers/import.hpp"
#include "table.hpp"

namespace rhoflux::importers {

/// Which columns of a table become what.
struct Roles {
  std::string time;
  std::vector<BasisColumn> coordinates;
  std::string basis;                      ///< empty: columns
  std::vector<std::size_t> dims;          ///< numbers of the coordinates within the basis, from 1
  std::string weight, split, id, growth;  ///< empty: none
  std::vector<std::string> labels;
  std::vector<std::string> conditions;
  std::string split_by;              ///< also among the labels
  std::vector<std::string> ignored;  ///< columns that are not used
};

/// Chooses the columns, by the options or the usual names. Bad input for columns that are missing or used twice.
Roles choose_roles(Table& table, const Options& options);

}  // namespace rhoflux::importers
