#include "model_conditions.hpp"

#include <cmath>
#include <limits>

#include "rhoflux/core/conditions.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::apps {

void add_condition(Arguments& arguments, const std::string& fallback) {
  ValueForm form = any_text("NAME=VALUE,..");
  form.check = [](const std::string& text) { (void)parse_condition(text); };
  arguments.optional("condition", form, "the values of the conditions of the model, such as dose=0.5,drug=A",
                     fallback);
}

std::vector<double> condition_option(const Context& context, const Arguments& arguments,
                                     const checkpoint::ModelDescription& model) {
  if (!arguments.has("condition")) return {};
  const std::string text = arguments.text("condition");
  if (model.conditions.is_empty())
    fail_input("--condition " + text + ": the model was trained without conditions (data.conditions = none)");
  std::vector<double> condition;
  try {
    condition = model.conditions.condition_of(parse_condition(text));
  } catch (const Error& error) {
    fail_input("--condition " + text + ": " + error.what());
  }
  if (const std::string outside = model.conditions.outside(condition.data()); !outside.empty())
    print(context.comm, "warning: --condition " + text + ": " + outside);
  return condition;
}

std::vector<double> required_condition(const Context& context, const Arguments& arguments,
                                       const checkpoint::ModelDescription& model) {
  std::vector<double> condition = condition_option(context, arguments, model);
  if (condition.empty() && !model.conditions.is_empty())
    fail_input("the option --condition is missing: the model has the conditions " +
               model.conditions.allowed());
  return condition;
}

NameRule coordinate_rule(const checkpoint::ModelDescription& model) {
  return model.origin.coordinates.empty() ? NameRule::preferred : NameRule::preferred_among_more;
}

io::PopulationChoice choice_of_coordinates(const checkpoint::ModelDescription& model) {
  io::PopulationChoice choice;
  choice.coordinates = model.dim_names;
  choice.coordinate_rule = coordinate_rule(model);
  return choice;
}

void warn_of_names(const Context& context, const checkpoint::ModelDescription& model, const std::string& path,
                   const std::vector<std::string>& names) {
  if (names == model.dim_names || names.size() != model.dim_names.size() || are_numbered(names) ||
      are_numbered(model.dim_names))
    return;
  print(context.comm, "warning: " + path + ": its coordinates are called " + joined(names) +
                          ", those of the model " + joined(model.dim_names) +
                          "; they are taken in the order of the file");
}

io::PopulationChoice choice_of_conditions(const checkpoint::ModelDescription& model,
                                          const std::vector<double>& given) {
  io::PopulationChoice choice = choice_of_coordinates(model);
  if (!given.empty()) return choice;
  for (const ConditionVariable& variable : model.conditions.variables) {
    choice.conditions.push_back(variable.name);
    choice.categories.push_back(variable.categories);
  }
  choice.hint = "--condition gives one for all rows";
  return choice;
}

void warn_of_rows(const Context& context, const checkpoint::ModelDescription& model,
                  const io::PopulationFile& file, io::Split split) {
  const std::size_t width = file.conditions().size();
  if (width == 0) return;
  mpi::on_root(context.comm, [&] {
    std::int64_t count = 0;
    std::string first;
    file.for_each_piece(split, [&](const io::PopulationRows& rows) {
      for (std::size_t k = 0; k < rows.conditions.size(); k += width) {
        const std::string outside = model.conditions.outside(&rows.conditions[k]);
        if (outside.empty()) continue;
        if (count++ == 0) first = outside;
      }
    });
    if (count > 0)
      print(context.comm, "warning: " + file.path() + ": " + std::to_string(count) +
                              " rows of the split have conditions that the model was not trained on; " +
                              first);
  });
}

void write_condition(io::Hdf5Writer& file, const checkpoint::ModelDescription& model,
                     const std::vector<double>& given) {
  if (!given.empty()) file.attribute("/", "condition", model.conditions.text_of(given.data()));
}

void write_conditions(io::Hdf5Writer& file, const checkpoint::ModelDescription& model,
                      const std::vector<double>& conditions) {
  const ConditionEncoding& encoding = model.conditions;
  if (encoding.is_empty()) return;
  file.group("condition");
  const std::size_t width = encoding.n_variables(), n = conditions.size() / width;
  for (std::size_t v = 0; v < width; ++v) {
    const ConditionVariable& variable = encoding.variables[v];
    const std::string name = "condition/" + variable.name;
    std::vector<double> column;
    for (std::size_t row = 0; row < n; ++row) column.push_back(conditions[row * width + v]);
    const io::Shape shape = {static_cast<std::int64_t>(n)};
    if (!variable.is_category()) {
      file.write(name, column, shape);
      continue;
    }
    file.write(name, std::vector<std::int32_t>(column.begin(), column.end()), shape);
    file.attribute(name, "categories", variable.categories);
  }
}

PointConditions::PointConditions(const io::Hdf5Reader& file, const checkpoint::ModelDescription& model,
                                 std::int64_t count)
    : m_file(file), m_encoding(model.conditions) {
  for (const ConditionVariable& variable : m_encoding.variables) {
    const std::string name = "condition/" + variable.name;
    if (!file.is_dataset(name))
      fail_input(file.path() + ": there is no dataset '" + name + "'; the model has the conditions " +
                 m_encoding.allowed() + " (--condition gives one for all points)");
    if (file.shape(name) != io::Shape{count})
      fail_input(file.path() + ", '" + name + "': has shape " + io::to_string(file.shape(name)) +
                 "; with this /t it must be " + io::to_string({count}));
    std::vector<double> codes;
    if (variable.is_category()) {
      if (!file.has_attribute(name, "categories"))
        fail_input(file.path() + ", '" + name +
                   "': there is no attribute 'categories' with the names of its codes");
      const std::vector<std::string> categories = file.attribute_strings(name, "categories");
      require_different(file.path() + ", '" + name + "', attribute 'categories'", categories);
      for (const std::string& category : categories) codes.push_back(variable.place_of(category));
    }
    m_codes.push_back(codes);
  }
}

std::vector<double> PointConditions::read(std::int64_t first, std::int64_t n) const {
  const std::size_t width = m_encoding.n_variables();
  std::vector<double> result(static_cast<std::size_t>(n) * width);
  for (std::size_t v = 0; v < width; ++v) {
    const std::string name = "condition/" + m_encoding.variables[v].name;
    const std::vector<double> column = m_file.read_slab<double>(name, {first}, {n});
    for (std::size_t row = 0; row < column.size(); ++row) {
      double value = column[row];
      if (m_encoding.variables[v].is_category())
        value = value >= 0 && value < static_cast<double>(m_codes[v].size())
                    ? m_codes[v][static_cast<std::size_t>(value)]
                    : std::numeric_limits<double>::quiet_NaN();
      if (!std::isfinite(value))
        fail_input(m_file.path() + ", '" + name + "': row " +
                   std::to_string(first + static_cast<std::int64_t>(row)) +
                   " is not allowed; allowed: " + m_encoding.variables[v].allowed());
      result[row * width + v] = value;
    }
  }
  return result;
}

}  // namespace rhoflux::apps
