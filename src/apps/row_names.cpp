#include "row_names.hpp"

#include <algorithm>

namespace rhoflux::apps {

void write_row_names(io::Hdf5Writer& output, const io::PopulationFile& population,
                     const std::vector<std::int64_t>& file_rows) {
  const auto n = static_cast<std::int64_t>(file_rows.size());
  output.write("source_row", population.source_rows(file_rows), {n});
  if (!population.info().has_id) return;
  const std::vector<std::string> ids = population.ids(file_rows);
  std::size_t bytes = 1;
  for (const std::string& id : ids) bytes = std::max(bytes, id.size());
  output.create_string_dataset("id", n, bytes);
  output.write_string_rows("id", 0, ids);
}

}  // namespace rhoflux::apps
