#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "process.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/importers/import.hpp"
#include "rhoflux/io/population.hpp"
#include "rhoflux/mpi/communicator.hpp"

namespace rhoflux::fuzz {

/// A folder of this process, in memory where the machine has such a folder; removed at the end.
class Folder {
 public:
  Folder() : m_path(file_of_process("import") + ".folder") { std::filesystem::create_directory(m_path); }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
  }
  std::string file(const std::string& name) const { return (m_path / name).string(); }
  std::size_t size() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(m_path)) count += entry.exists() ? 1 : 0;
    return count;
  }

 private:
  std::filesystem::path m_path;
};

inline void stop(const std::string& why) {
  std::fprintf(stderr, "import: %s\n", why.c_str());
  std::abort();
}

/// Imports the file `name` of the folder. Allowed are a population file that reads back in all its parts, and an
/// Error of bad input that names the file (or an option), after which nothing is left.
inline void import_and_check(const Folder& folder, const std::string& name,
                             const importers::Options& options) {
  static const mpi::Communicator comm(MPI_COMM_WORLD);
  const std::string input = folder.file(name), output = folder.file("out.h5");
  const std::size_t n_files = folder.size();
  importers::Summary summary;
  try {
    summary = importers::import_population(input, output, options, false);
  } catch (const Error& error) {
    const std::string message = error.what();
    if (error.code() != ExitCode::bad_input) stop("another error than bad input: " + message);
    if (message.find(input) == std::string::npos && message.find("--") == std::string::npos)
      stop("the message does not name the file: " + message);
    if (folder.size() != n_files) stop("something was left behind after: " + message);
    return;
  }
  if (folder.size() != n_files + 1) stop("something was left behind");
  try {
    const io::PopulationFile population(output, comm);
    const io::PopulationInfo& info = population.info();
    if (info.n_rows != summary.n_rows || info.n_rows < 1) stop("the number of rows differs");
    if (static_cast<std::size_t>(info.n_dims) != summary.dim_names.size()) stop("coordinates are missing");
    const io::PopulationRows rows = population.read_split(io::Split::all, 0, info.n_rows);
    (void)population.source_rows(rows.file_row);
    if (info.has_id) (void)population.ids(rows.file_row);
    for (const io::LabelColumn& label : info.labels) (void)population.label_codes(label.name, rows.file_row);
  } catch (const Error& error) {
    stop("what was imported is not read: " + std::string(error.what()));
  }
  std::filesystem::remove(output);
}

}  // namespace rhoflux::fuzz
