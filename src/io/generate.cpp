#include "rhoflux/io/generate.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"
#include "rhoflux/io/population_builder.hpp"
#include "rhoflux/io/safe_file.hpp"
#include "sample_random.hpp"

namespace rhoflux::io {

namespace {

constexpr double two_pi = 6.283185307179586476925;

/// Slots of a sample's random numbers; slot 0 holds the time and the split.
constexpr std::uint32_t slot_time = 0;
constexpr std::uint32_t slot_choice = 1;
constexpr std::uint32_t slot_noise = 2;

/// Time and position of one sample.
struct Sample {
  double t = 0.0;
  std::vector<double> x;
};

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

struct Generator {
  const char* name;
  const char* description;
  int n_dims;
  bool any_dims;           ///< n_dims is a default
  const char* parameters;  ///< stored as the source
  Sample (*draw)(const SampleRandom&, int n_dims);
};

const std::array<Generator, 6> generators = {{
    {"pinwheel", "2-D, ten curved arms that light up one after the other, t in [0, 30]", 2, false,
     "10 arms, radial 0.3, tangential 0.1, rate 0.25, scale 2, t ~ U(0, 30), arm ~ softmax(3 cos(2 pi (k/10 "
     "- t/30)))",
     pinwheel},
    {"branching", "2-D, one Gaussian blob that parts into two and then four, snapshots t = 0, 1, 2, 3, 4", 2,
     false, "x = 1.5 t - 3, y = +-1.6 S(t/2) +- 0.8 S(t/2 - 1), S(u) = 3u^2 - 2u^3, standard deviation 0.25",
     branching},
    {"gaussian_translation",
     "2-D, correlated Gaussian moving along the diagonal, t in [0, 1], kinetic energy 8", 2, false,
     "mean (2t - 1)(1, 1), covariance L L^T with L = [[0.5, 0], [0.45, 0.2]], t ~ U(0, 1)",
     gaussian_translation},
    {"gaussian_rotation",
     "2-D, Gaussian whose correlation turns from 0.9 to -0.9, t in [0, 1], kinetic energy 1.2999", 2, false,
     "x1 = s z1, x2 = s (c z1 + sqrt(1 - c^2) z2), c = 0.9 - 1.8 t, s = 0.7, t ~ U(0, 1)", gaussian_rotation},
    {"ou", "1-D, Ornstein-Uhlenbeck process, t in [0, 1]", 1, false,
     "dX = -theta X dt + g dW, theta = 1, g = 0.5, X_0 ~ N(2, 0.5^2), t ~ U(0, 1)", ornstein_uhlenbeck},
    {"gaussian_mixture", "any D (--dims, default 10), three correlated Gaussians that move, t in [0, 1]", 10,
     true,
     "mode k of 3 with mean 0.5 cos(2 pi (k/3 + t/4) + i - 1) in coordinate i, standard deviation 0.5, "
     "correlation 0.8^|i - j|, t ~ U(0, 1)",
     gaussian_mixture},
}};

const Generator& find_generator(const std::string& name) {
  std::string allowed;
  for (const Generator& generator : generators) {
    if (name == generator.name) return generator;
    allowed += (allowed.empty() ? "" : ", ") + std::string(generator.name);
  }
  fail_input("unknown generator '" + name + "'; allowed are " + allowed);
}

}  // namespace

const std::vector<GeneratorName>& generator_names() {
  static const std::vector<GeneratorName> names = [] {
    std::vector<GeneratorName> list;
    for (const Generator& generator : generators) list.push_back({generator.name, generator.description});
    return list;
  }();
  return names;
}

namespace {

int checked_dims(const Generator& generator, std::optional<int> n_dims) {
  constexpr int max_dims = 10000;
  const int dims = n_dims.value_or(generator.n_dims);
  if (!generator.any_dims && dims != generator.n_dims)
    fail_input("generate: " + std::string(generator.name) + " has " +
               counted(generator.n_dims, "coordinate") + ", not " + std::to_string(dims));
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

/// Samples first, first + 1, .. first + count - 1.
PopulationData draw(const Generator& generator, int dims, std::int64_t first, std::int64_t count,
                    std::uint64_t seed) {
  PopulationData data;
  data.n_dims = dims;
  data.source = "rhoflux generate " + std::string(generator.name) + ", seed " + std::to_string(seed) + ": " +
                generator.parameters;
  data.t.reserve(static_cast<std::size_t>(count));
  data.x.reserve(static_cast<std::size_t>(count * data.n_dims));
  data.split.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = first; i < first + count; ++i) {
    const SampleRandom random(seed, RandomPurpose::data_generation, static_cast<std::uint64_t>(i));
    const Sample sample = generator.draw(random, data.n_dims);
    data.t.push_back(sample.t);
    data.x.insert(data.x.end(), sample.x.begin(), sample.x.end());
    data.split.push_back(split_of(random.uniforms(slot_time).second, 0.1, 0.1));
  }
  return data;
}

}  // namespace

PopulationData generate(const std::string& name, std::int64_t count, std::uint64_t seed,
                        std::optional<int> n_dims) {
  const Generator& generator = find_generator(name);
  const int dims = checked_dims(generator, n_dims);
  require_count(count);
  return draw(generator, dims, 0, count, seed);
}

int generate_file(const std::string& name, std::int64_t count, std::uint64_t seed, std::optional<int> n_dims,
                  const GeneratedFile& file) {
  const Generator& generator = find_generator(name);
  const int dims = checked_dims(generator, n_dims);
  require_count(count);
  require_absent(file.path, file.overwrite);
  const std::int64_t piece = std::clamp<std::int64_t>((1 << 20) / dims, 1, 65536);
  PopulationData header = draw(generator, dims, 0, 1, seed);
  header.provenance = file.provenance;
  PopulationBuilder builder(file.path, header);
  for (std::int64_t first = 0; first < count; first += piece)
    builder.add(draw(generator, dims, first, std::min(piece, count - first), seed));
  builder.finish(header, {file.overwrite, true, {}});
  return dims;
}

}  // namespace rhoflux::io
