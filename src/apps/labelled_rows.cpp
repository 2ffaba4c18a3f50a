#include "labelled_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
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

/// Sets the number of voters, and warns of labels that few rows have.
void choose_voters(const Context& context, const std::string& label, const TimeMeaning& meaning,
                   Labelled& labelled) {
  constexpr std::int64_t most = 15, enough = (most + 1) / 2;
  std::vector<std::int64_t> count(labelled.categories.size(), 0);
  for (std::size_t row = 0; row < labelled.rows.code.size(); ++row)
    if (labelled.rows.weight[row] > 0) ++count[static_cast<std::size_t>(labelled.rows.code[row])];
  std::int64_t least = enough;
  std::vector<std::string> few, none;
  for (std::size_t code = 0; code < count.size(); ++code) {
    if (count[code] == 0) none.push_back(labelled.categories[code]);
    if (count[code] == 0 || count[code] >= enough) continue;
    few.push_back(labelled.categories[code] + " (" + std::to_string(count[code]) + ")");
    least = std::min(least, count[code]);
  }
  labelled.voters = static_cast<int>(std::min(most, 2 * least - 1));
  const std::string at = " at t = " + time_text(meaning, labelled.t);
  if (!few.empty())
    print(context.comm, "warning: few rows" + at + " have the " + label + " " + joined(few) +
                            "; so that these can be an end, only the " + std::to_string(labelled.voters) +
                            " nearest rows give an end its " + label + ", which is less sure of each");
  if (!none.empty())
    print(context.comm, "warning: no row" + at + " has the " + label + " " + joined(none) +
                            ": no path can end there, whatever became of it");
}

}  // namespace

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
  choose_voters(context, label, file.info().time, labelled);
  return labelled;
}

}  // namespace rhoflux::apps
