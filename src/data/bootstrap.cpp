#include "rhoflux/data/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/core/times.hpp"
#include "rhoflux/data/time_table.hpp"

namespace rhoflux::data {
namespace {

constexpr std::int64_t enough_units = 8;

/// Finds the snapshot with the fewest units among rows that come in the order of time.
class FewestUnits {
 public:
  void add(double t, std::int32_t code) {
    if (t != m_t) finish();
    m_t = t;
    m_codes.insert(code);
  }
  void finish() {
    const auto count = static_cast<std::int64_t>(m_codes.size());
    if (count > 0 && count < m_fewest) {
      m_fewest = count;
      m_t_fewest = m_t;
    }
    m_codes.clear();
  }
  std::int64_t fewest() const { return m_fewest; }
  double t_fewest() const { return m_t_fewest; }

 private:
  std::set<std::int32_t> m_codes;
  double m_t = 0, m_t_fewest = 0;
  std::int64_t m_fewest = std::numeric_limits<std::int64_t>::max();
};

std::size_t categories_of(const Bootstrap& bootstrap, const io::PopulationFile& file) {
  (void)file.label_codes(bootstrap.label, {});  // says which labels there are
  for (const io::LabelColumn& label : file.info().labels)
    if (label.name == bootstrap.label) return label.categories.size();
  return 0;
}

}  // namespace

double BootstrapUnits::scale(std::uint64_t seed, std::uint64_t replicate) const {
  if (mass.empty()) return 1;
  double plain = 0, weighted = 0;
  for (std::size_t unit = 0; unit < mass.size(); ++unit) {
    plain += mass[unit];
    weighted += mass[unit] * replicate_weight(seed, replicate, unit);
  }
  return plain / weighted;
}

BootstrapUnits read_bootstrap_units(const Bootstrap& bootstrap, const io::PopulationFile& file,
                                    const mpi::Communicator& comm) {
  BootstrapUnits units;
  if (bootstrap.kind != Bootstrap::Kind::label) return units;
  const bool are_events = read_time_table(file, comm).is_continuous();
  mpi::on_root(comm, [&] {
    units.mass.assign(categories_of(bootstrap, file), 0.0);
    FewestUnits of_snapshots;
    file.for_each_piece(io::Split::train, [&](const io::PopulationRows& rows) {
      const std::vector<std::int32_t> codes = file.label_codes(bootstrap.label, rows.file_row);
      for (std::size_t row = 0; row < codes.size(); ++row) {
        if (!(rows.weight[row] > 0)) continue;
        units.mass[static_cast<std::size_t>(codes[row])] += rows.weight[row];
        if (!are_events) of_snapshots.add(rows.t[row], codes[row]);
      }
    });
    of_snapshots.finish();
    const std::int64_t in_all =
        std::count_if(units.mass.begin(), units.mass.end(), [](double mass) { return mass > 0; });
    if (in_all < 2)
      fail_input("data.bootstrap = " + bootstrap.to_string() + ": all training rows of " + file.path() +
                 " have the same " + bootstrap.label + "; a bootstrap needs two at least, or must be rows");
    units.fewest = are_events ? in_all : of_snapshots.fewest();
    units.t_fewest = are_events ? 0 : of_snapshots.t_fewest();
  });
  comm.broadcast(units.mass);
  comm.broadcast(&units.fewest, sizeof(units.fewest));
  comm.broadcast(&units.t_fewest, sizeof(units.t_fewest));
  units.are_events = are_events;
  return units;
}

std::string warning_of_few_units(const Bootstrap& bootstrap, const BootstrapUnits& units,
                                 const TimeMeaning& meaning) {
  if (units.mass.empty() || units.fewest >= enough_units) return "";
  const std::string where = units.are_events
                                ? "the training rows"
                                : "the training rows at t = " + time_text(meaning, units.t_fewest);
  const auto n = static_cast<double>(units.fewest);
  const std::string head = "data.bootstrap = " + bootstrap.to_string() + ": " + where + " have ";
  if (units.fewest == 1)
    return head + "one " + bootstrap.label +
           " alone: how far results at that time depend on it the bootstrap cannot see, and standard errors "
           "are too small there";
  return head + std::to_string(units.fewest) + " different " + bootstrap.label +
         "s; of so few, standard errors come out too small, about " +
         formatted("%.2g", std::sqrt((n - 1) / (n + 1))) + " times what they should be";
}

}  // namespace rhoflux::data
