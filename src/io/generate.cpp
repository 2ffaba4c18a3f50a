#include "rhoflux/io/generate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "rhoflux/core/error.hpp"
#include "rhoflux/io/population_builder.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "synthetic.hpp"

namespace rhoflux::io {

namespace {

constexpr double two_pi = 6.283185307179586476925;

Sample pinwheel(const SampleRandom& random, int /*n_dims*/) {
  constexpr int n_arms = 10;
  constexpr double duration = 30.0;
  const double t = duration * random.uniforms(slot_time).first;

  std::array<double, n_arms> cumulative{};
  double sum = 0.0;
  for (int k = 0; k < n_arms; ++k) {
    sum += std::exp(3.0 * std::cos(two_pi * (static_cast<double>(k) / n_arms - t / duration)));
    cumulative[static_cast<std::size_t>(k)] = sum;
  }
  const double level = sum * random.uniforms(slot_choice).first;
  const auto arm = std::min<std::ptrdiff_t>(
      n_arms - 1, std::lower_bound(cumulative.begin(), cumulative.end(), level) - cumulative.begin());

  const auto [z1, z2] = random.normals(slot_noise);
  const double a = 1.0 + 0.3 * z1;
  const double b = 0.1 * z2;
  const double angle = two_pi * static_cast<double>(arm) / n_arms + 0.25 * std::exp(a);
  const double c = std::cos(angle);
  const double s = std::sin(angle);
  return {t, {2.0 * (c * a + s * b), 2.0 * (c * b - s * a)}};
}

double smooth_step(double u) {
  u = std::clamp(u, 0.0, 1.0);
  return u * u * (3.0 - 2.0 * u);
}

Sample branching(const SampleRandom& random, int /*n_dims*/) {
  constexpr int n_snapshots = 5;
  const double t = std::floor(n_snapshots * random.uniforms(slot_time).first);
  const auto [u1, u2] = random.uniforms(slot_choice);
  const double s1 = u1 < 0.5 ? -1.0 : 1.0;
  const double s2 = u2 < 0.5 ? -1.0 : 1.0;
  const auto [z1, z2] = random.normals(slot_noise);
  const double height = 1.6 * s1 * smooth_step(t / 2.0) + 0.8 * s2 * smooth_step(t / 2.0 - 1.0);
  return {t, {1.5 * t - 3.0 + 0.25 * z1, height + 0.25 * z2}};
}

Sample gaussian_translation(const SampleRandom& random, int /*n_dims*/) {
  const double t = random.uniforms(slot_time).first;
  const auto [z1, z2] = random.normals(slot_noise);
  const double mean = 2.0 * t - 1.0;
  return {t, {mean + 0.5 * z1, mean + 0.45 * z1 + 0.2 * z2}};
}

Sample gaussian_rotation(const SampleRandom& random, int /*n_dims*/) {
  constexpr double scale = 0.7;
  const double t = random.uniforms(slot_time).first;
  const double c = 0.9 - 1.8 * t;
  const auto [z1, z2] = random.normals(slot_noise);
  return {t, {scale * z1, scale * (c * z1 + std::sqrt(1.0 - c * c) * z2)}};
}

Sample ornstein_uhlenbeck(const SampleRandom& random, int /*n_dims*/) {
  constexpr double theta = 1.0;
  constexpr double g = 0.5;
  constexpr double m0 = 2.0;
  constexpr double s0 = 0.5;
  const double t = random.uniforms(slot_time).first;
  const double decay = std::exp(-theta * t);
  const double variance = s0 * s0 * decay * decay + g * g / (2.0 * theta) * (1.0 - decay * decay);
  return {t, {m0 * decay + std::sqrt(variance) * random.normals(slot_noise).first}};
}

Sample gaussian_mixture(const SampleRandom& random, int n_dims) {
  constexpr int n_modes = 3;
  const double t = random.uniforms(slot_time).first;
  const double mode = std::floor(n_modes * random.uniforms(slot_choice).first);
  Sample sample{t, {}};
  double noise = 0.0;
  for (int i = 0; i < n_dims; ++i) {
    const auto [z1, z2] = random.normals(slot_noise + static_cast<std::uint32_t>(i / 2));
    const double z = i % 2 == 0 ? z1 : z2;
    noise = i == 0 ? z : 0.8 * noise + 0.6 * z;
    sample.x.push_back(0.5 * std::cos(two_pi * (mode / n_modes + t / 4.0) + i) + 0.5 * noise);
  }
  return sample;
}

std::vector<Generator> moving_generators() {
  return {
      {"pinwheel", "2-D, ten curved arms that light up one after the other, t in [0, 30]", 2, false,
       "10 arms, radial 0.3, tangential 0.1, rate 0.25, scale 2, t ~ U(0, 30), arm ~ softmax(3 cos(2 pi "
       "(k/10 "
       "- t/30)))",
       pinwheel},
      {"branching", "2-D, one Gaussian blob that parts into two and then four, snapshots t = 0, 1, 2, 3, 4",
       2, false,
       "x = 1.5 t - 3, y = +-1.6 S(t/2) +- 0.8 S(t/2 - 1), S(u) = 3u^2 - 2u^3, standard deviation 0.25",
       branching},
      {"gaussian_translation",
       "2-D, correlated Gaussian moving along the diagonal, t in [0, 1], kinetic energy 8", 2, false,
       "mean (2t - 1)(1, 1), covariance L L^T with L = [[0.5, 0], [0.45, 0.2]], t ~ U(0, 1)",
       gaussian_translation},
      {"gaussian_rotation",
       "2-D, Gaussian whose correlation turns from 0.9 to -0.9, t in [0, 1], kinetic energy 1.2999", 2, false,
       "x1 = s z1, x2 = s (c z1 + sqrt(1 - c^2) z2), c = 0.9 - 1.8 t, s = 0.7, t ~ U(0, 1)",
       gaussian_rotation},
      {"ou", "1-D, Ornstein-Uhlenbeck process, t in [0, 1]", 1, false,
       "dX = -theta X dt + g dW, theta = 1, g = 0.5, X_0 ~ N(2, 0.5^2), t ~ U(0, 1)", ornstein_uhlenbeck},
      {"gaussian_mixture", "any D (--dims, default 10), three correlated Gaussians that move, t in [0, 1]",
       10, true,
       "mode k of 3 with mean 0.5 cos(2 pi (k/3 + t/4) + i - 1) in coordinate i, standard deviation 0.5, "
       "correlation 0.8^|i - j|, t ~ U(0, 1)",
       gaussian_mixture},
  };
}

const std::vector<Generator>& generators() {
  static const std::vector<Generator> all = [] {
    std::vector<Generator> list = moving_generators();
    for (const auto& more : {growth_generators(), condition_generators()})
      list.insert(list.end(), more.begin(), more.end());
    return list;
  }();
  return all;
}

const Generator& find_generator(const std::string& name) {
  std::string allowed;
  for (const Generator& generator : generators()) {
    if (name == generator.name) return generator;
    allowed += (allowed.empty() ? "" : ", ") + std::string(generator.name);
  }
  fail_input("unknown generator '" + name + "'; allowed are " + allowed);
}

}  // namespace

const std::vector<GeneratorName>& generator_names() {
  static const std::vector<GeneratorName> names = [] {
    std::vector<GeneratorName> list;
    for (const Generator& generator : generators()) list.push_back({generator.name, generator.description});
    return list;
  }();
  return names;
}

namespace {

int checked_dims(const Generator& generator, std::optional<int> n_dims) {
  constexpr int max_dims = 10000;
  const int dims = n_dims.value_or(generator.n_dims);
  if (!generator.any_dims && dims != generator.n_dims)
    fail_input("generate: " + std::string(generator.name) + " has " + std::to_string(generator.n_dims) +
               " coordinates, not " + std::to_string(dims));
  if (dims < 1 || dims > max_dims)
    fail_input("generate: the number of coordinates is " + std::to_string(dims) + "; allowed is 1 to " +
               std::to_string(max_dims));
  return dims;
}

void require_count(std::int64_t count) {
  constexpr std::int64_t most = 1000000000;
  if (count < 1 || count > most)
    fail_input("generate: the count is " + std::to_string(count) + "; allowed is 1 to " +
               std::to_string(most));
}

/// Deals rows out to groups one after the other, such that of the first n rows, whatever n is, each group has its share
/// n size / (sum of sizes) to less than one row (Tijdeman 1980, "The chairman assignment problem").
class GroupSequence {
 public:
  explicit GroupSequence(std::vector<RowGroup> groups)
      : m_groups(std::move(groups)), m_rows(m_groups.size()) {
    for (const RowGroup& group : m_groups) m_total += group.size;
  }

  struct Place {
    const RowGroup& group;
    std::int64_t row;  ///< within the group
  };
  /// Of the groups that are behind by `least` rows or more, the one that first would be a row behind.
  Place next() {
    ++m_n;
    const double least = 1.0 / (2.0 * static_cast<double>(m_groups.size()) - 2.0);
    std::size_t chosen = 0;
    double earliest = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < m_groups.size(); ++k) {
      const double share = m_groups[k].size / m_total;
      const double behind = share * static_cast<double>(m_n) - static_cast<double>(m_rows[k]);
      const double time_left = (1.0 - least - behind) / share;
      if (behind < least || time_left >= earliest) continue;
      earliest = time_left;
      chosen = k;
    }
    return {m_groups[chosen], m_rows[chosen]++};
  }

 private:
  std::vector<RowGroup> m_groups;
  std::vector<std::int64_t> m_rows;  ///< that each group has
  double m_total = 0.0;
  std::int64_t m_n = 0;
};

/// The samples of a population in their order.
class SampleSequence {
 public:
  SampleSequence(const Generator& generator, int dims, std::uint64_t seed)
      : m_generator(generator),
        m_dims(dims),
        m_seed(seed),
        m_groups(generator.groups ? generator.groups() : std::vector<RowGroup>()) {}

  PopulationData next(std::int64_t count) {
    PopulationData data = no_rows();
    data.t.reserve(static_cast<std::size_t>(count));
    data.x.reserve(static_cast<std::size_t>(count * m_dims));
    data.split.reserve(static_cast<std::size_t>(count));
    for (const std::int64_t end = m_row + count; m_row < end; ++m_row) add_row(data);
    return data;
  }

 private:
  PopulationData no_rows() const {
    PopulationData data;
    data.n_dims = m_dims;
    data.source = "rhoflux generate " + std::string(m_generator.name) + ", seed " + std::to_string(m_seed) +
                  ": " + m_generator.parameters;
    data.conditions = m_generator.conditions;
    if (!m_generator.types.empty())
      data.labels.push_back({"type", {m_generator.types.begin(), m_generator.types.end()}, {}});
    return data;
  }

  void add_row(PopulationData& data) {
    const SampleRandom random(m_seed, RandomPurpose::data_generation, static_cast<std::uint64_t>(m_row));
    Sample sample;
    if (m_generator.groups) {
      const GroupSequence::Place place = m_groups.next();
      sample = m_generator.draw_of_group(random, place.group);
      data.growth.push_back(sample.growth);
      data.split.push_back(split_in_turn(place.row));
      if (!data.labels.empty()) data.labels[0].code.push_back(place.group.type);
    } else {
      sample = m_generator.draw(random, m_dims);
      data.split.push_back(split_of(random.uniforms(slot_time).second, 0.1, 0.1));
    }
    data.t.push_back(sample.t);
    data.x.insert(data.x.end(), sample.x.begin(), sample.x.end());
    for (std::size_t k = 0; k < data.conditions.size(); ++k)
      data.conditions[k].value.push_back(sample.condition[k]);
  }

  /// Of ten rows of a group one of each of val and test, so that the numbers of training rows are in the ratios of
  /// the sizes of the groups.
  static std::int8_t split_in_turn(std::int64_t row) { return row % 10 == 4 ? 1 : row % 10 == 9 ? 2 : 0; }

  const Generator& m_generator;
  int m_dims;
  std::uint64_t m_seed;
  GroupSequence m_groups;
  std::int64_t m_row = 0;
};

}  // namespace

PopulationData generate(const std::string& name, std::int64_t count, std::uint64_t seed,
                        std::optional<int> n_dims) {
  const Generator& generator = find_generator(name);
  const int dims = checked_dims(generator, n_dims);
  require_count(count);
  return SampleSequence(generator, dims, seed).next(count);
}

int generate_file(const std::string& name, std::int64_t count, std::uint64_t seed, std::optional<int> n_dims,
                  const GeneratedFile& file) {
  const Generator& generator = find_generator(name);
  const int dims = checked_dims(generator, n_dims);
  require_count(count);
  require_absent(file.path, file.overwrite);
  const std::int64_t piece = std::clamp<std::int64_t>((1 << 20) / dims, 1, 65536);
  PopulationData header = SampleSequence(generator, dims, seed).next(1);
  header.provenance = file.provenance;
  PopulationBuilder builder(file.path, header);
  SampleSequence samples(generator, dims, seed);
  for (std::int64_t first = 0; first < count; first += piece)
    builder.add(samples.next(std::min(piece, count - first)));
  builder.finish(header, {file.overwrite, true, {}});
  return dims;
}

}  // namespace rhoflux::io
