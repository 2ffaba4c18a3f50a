#include "labelled_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model_conditions.hpp"
#include "provenance.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/time_names.hpp"

namespace rhoflux::apps {
namespace {

const std::vector<std::string>& categories_of(const io::PopulationFile& file, const std::string& label) {
  for (const io::LabelColumn& column : file.info().labels)
    if (column.name == label) return column.categories;
  (void)file.label_codes(label, {});  // says which labels there are
  fail_input(file.path() + ": there is no label '" + label + "'");
}

/// The distinct time of the rows that is nearest to t, the earlier of two. On every rank.
double nearest_time(const Context& context, const io::PopulationFile& file, double t) {
  double nearest = std::numeric_limits<double>::quiet_NaN();
  mpi::on_root(context.comm, [&] {
    file.for_each_piece(io::Split::all, [&](const io::PopulationRows& rows) {
      for (const double found : rows.t)
        if (!(std::fabs(found - t) >= std::fabs(nearest - t))) nearest = found;
    });
  });
  context.comm.broadcast(&nearest, sizeof(nearest));
  return nearest;
}

}  // namespace

std::unique_ptr<io::PopulationFile> open_labelled(const Context& context, const std::string& path,
                                                  const checkpoint::ModelDescription& model) {
  note_input(context, path);
  auto file = std::make_unique<io::PopulationFile>(path, context.comm, choice_of_coordinates(model));
  const int n_dims = model.units.n_dims();
  if (file->info().n_dims != n_dims)
    fail_input(path + ": /x has " + std::to_string(file->info().n_dims) + " coordinates, the model has " +
               std::to_string(n_dims));
  warn_of_names(context, model, *file);
  return file;
}

Labelled read_labelled(const Context& context, const io::PopulationFile& file, const std::string& label,
                       double to, const inference::TimeMatch& match) {
  Labelled labelled;
  labelled.categories = categories_of(file, label);
  labelled.t = nearest_time(context, file, to);
  inference::Snapshot snapshot;
  mpi::on_root(context.comm,
               [&] { snapshot = inference::find_snapshot(file, io::Split::all, labelled.t, match); });
  context.comm.broadcast(&snapshot, sizeof(snapshot));
  const io::PopulationRows rows =
      file.read_split(io::Split::all, snapshot.begin, snapshot.begin + snapshot.count);
  mpi::on_every_rank(context.comm, [&] { labelled.rows.code = file.label_codes(label, rows.file_row); });
  labelled.rows.x = rows.x;
  labelled.rows.weight = rows.weight;
  if (std::none_of(rows.weight.begin(), rows.weight.end(), [](double w) { return w > 0; }))
    fail_input(file.path() + ": no row at t = " + time_text(file.info().time, labelled.t) +
               ", the time nearest to --to, has a weight above 0");
  return labelled;
}

}  // namespace rhoflux::apps
