#include "row_names.hpp"

namespace rhoflux::apps {

void write_row_names(io::Hdf5Writer& output, const io::PopulationFile& population,
                     const std::vector<std::int64_t>& file_rows, const std::string& dimension) {
  const auto n = static_cast<std::int64_t>(file_rows.size());
  output.write("source_row", population.source_rows(file_rows), {n});
  output.set_scale("source_row", 0, dimension);
  if (!population.info().has_id) return;
  output.write_strings("id", population.ids(file_rows));
  output.set_scale("id", 0, dimension);
}

}  // namespace rhoflux::apps
