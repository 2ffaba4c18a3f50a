#include "rhoflux/checkpoint/checkpoint.hpp"

#include <hdf5.h>

#include <map>

#include "rhoflux/core/text.hpp"
#include "support/errors.hpp"
#include "unit/checkpoint/checkpoint_test_support.hpp"

namespace rhoflux::checkpoint {
namespace {

using io::testing::TemporaryFolder;
using test::expect_error;
using testing::example;

/// Every field of a state as a text, by name.
class FieldTexts {
 public:
  std::map<std::string, std::string> texts;

  template <class Enum>
  void choice(const std::string& name, Enum value) {
    texts[name] = enum_to_text(value);
  }
  void count(const std::string& name, std::int64_t value) { texts[name] = std::to_string(value); }
  void seed(const std::string& name, std::uint64_t value) { texts[name] = std::to_string(value); }
  void figure(const std::string& name, double value) { texts[name] = print_number(value); }
  void terms(const std::string& name, const std::vector<TermProgress>& terms) {
    for (const TermProgress& term : terms)
      texts[name] += term.name + " " + print_number(term.sum) + " " + print_number(term.clipped) + "\n";
  }
  void history(const std::string& name, const History& history) {
    texts[name] = joined(history.columns()) + ": " + print_numbers(history.to_numbers());
  }
  void array(const std::string& name, const std::vector<double>& values) {
    texts[name] = print_numbers(values);
  }
  void optional_array(const std::string& name, const std::vector<double>& values) { array(name, values); }
};

std::map<std::string, std::string> texts_of(const TrainingState& state) {
  FieldTexts fields;
  for_each_field(state, fields);
  return fields.texts;
}

void expect_same_model(const ModelDescription& found, const ModelDescription& expected) {
  const density::Config &a = found.config, &b = expected.config;
  EXPECT_EQ(a.family, b.family);
  EXPECT_EQ(a.weights, b.weights);
  EXPECT_EQ(a.n_logistics, b.n_logistics);
  EXPECT_EQ(a.n_products, b.n_products);
  EXPECT_EQ(a.hidden, b.hidden);
  EXPECT_EQ(a.time_features, b.time_features);
  EXPECT_EQ(a.time_frequency_min, b.time_frequency_min);
  EXPECT_EQ(a.time_frequency_max, b.time_frequency_max);
  EXPECT_EQ(a.coordinate_features, b.coordinate_features);
  EXPECT_EQ(a.coordinate_frequency_min, b.coordinate_frequency_min);
  EXPECT_EQ(a.coordinate_frequency_max, b.coordinate_frequency_max);
  EXPECT_EQ(a.n_conditions, b.n_conditions);
  ASSERT_EQ(found.conditions.n_variables(), expected.conditions.n_variables());
  for (std::size_t v = 0; v < found.conditions.n_variables(); ++v) {
    const ConditionVariable &one = found.conditions.variables[v], &other = expected.conditions.variables[v];
    EXPECT_EQ(one.name, other.name);
    EXPECT_EQ(one.categories, other.categories);
    EXPECT_EQ(one.mean, other.mean);
    EXPECT_EQ(one.scale, other.scale);
    EXPECT_EQ(one.least, other.least);
    EXPECT_EQ(one.most, other.most);
  }
  EXPECT_EQ(found.conditions.choices, expected.conditions.choices);
  EXPECT_EQ(found.conditions.weights, expected.conditions.weights);
  EXPECT_EQ(found.flux.kind, expected.flux.kind);
  EXPECT_EQ(found.flux.divergence_free, expected.flux.divergence_free);
  EXPECT_EQ(found.flux.hidden, expected.flux.hidden);
  EXPECT_EQ(found.flux.volatility.to_string(), expected.flux.volatility.to_string());
  EXPECT_EQ(found.units.mean, expected.units.mean);
  EXPECT_EQ(found.units.scale, expected.units.scale);
  EXPECT_EQ(found.units.t_first, expected.units.t_first);
  EXPECT_EQ(found.units.t_last, expected.units.t_last);
  EXPECT_EQ(found.dim_names, expected.dim_names);
  EXPECT_EQ(found.time_unit, expected.time_unit);
  EXPECT_EQ(found.origin.time.unit, expected.time_unit);
  EXPECT_EQ(found.origin.time.origin, expected.origin.time.origin);
  EXPECT_EQ(found.origin.time.labels, expected.origin.time.labels);
  EXPECT_EQ(found.origin.time.label_values, expected.origin.time.label_values);
  EXPECT_EQ(found.origin.import_choices, expected.origin.import_choices);
}

TEST(Checkpoint, DataWithoutLabelsOfTimeComeBack) {
  const TemporaryFolder folder;
  Checkpoint expected = example();
  expected.model.origin = {};
  testing::write(folder.file("a.h5"), expected);
  const DataOrigin found = read_checkpoint(folder.file("a.h5")).model.origin;
  EXPECT_TRUE(found.time.labels.empty() && found.time.label_values.empty() && found.time.origin.empty());
  EXPECT_TRUE(found.import_choices.empty());
}

TEST(Checkpoint, EveryFieldOfTheStateComesBack) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.h5");
  Checkpoint expected = example();
  for (const auto precision : {Precision::double_precision, Precision::single_precision}) {
    expected.state.precision = precision;
    testing::write(path, expected);
    EXPECT_EQ(texts_of(read_checkpoint(path).state), texts_of(expected.state));
  }
  // A field that the example leaves at its default would prove nothing.
  const auto given = texts_of(example().state), defaults = texts_of(TrainingState());
  for (const auto& [name, text] : given) {
    const auto found = defaults.find(name);
    EXPECT_TRUE(found == defaults.end() || found->second != text) << name;
  }
}

TEST(Checkpoint, ModelDeckAndProvenanceComeBack) {
  const TemporaryFolder folder;
  testing::write(folder.file("a.h5"), example());
  const Checkpoint found = read_checkpoint(folder.file("a.h5"));
  expect_same_model(found.model, example().model);
  EXPECT_EQ(found.deck, example().deck);
  EXPECT_EQ(found.provenance, example().provenance);
  EXPECT_EQ(found.earlier_runs, example().earlier_runs);
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"a.h5"});
}

TEST(Checkpoint, EveryChoiceComesBack) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.h5");
  const auto back = [&](const auto& set) {
    Checkpoint checkpoint = example();
    set(checkpoint.model);
    const network::ParameterLayout layout = testing::layout_of(checkpoint);
    for (auto* values : {&checkpoint.state.parameters, &checkpoint.state.averaged,
                         &checkpoint.state.first_moment, &checkpoint.state.second_moment})
      *values = testing::numbered(layout, 0);
    testing::write(path, checkpoint);
    return read_checkpoint(path).model;
  };
  for (const auto& name : EnumText<density::Family>::names)
    EXPECT_EQ(back([&](ModelDescription& model) { model.config.family = name.value; }).config.family,
              name.value);
  for (const auto& name : EnumText<density::MixtureWeights>::names)
    EXPECT_EQ(back([&](ModelDescription& model) { model.config.weights = name.value; }).config.weights,
              name.value);
  for (const auto& name : EnumText<flux::Kind>::names) {
    const auto set = [&](ModelDescription& model) {
      model.config.family = density::Family::autoregressive;  // the other has one flux alone
      model.flux.kind = name.value;
    };
    EXPECT_EQ(back(set).flux.kind, name.value);
  }
  for (const auto& name : EnumText<flux::DivergenceFree>::names)
    EXPECT_EQ(
        back([&](ModelDescription& model) { model.flux.divergence_free = name.value; }).flux.divergence_free,
        name.value);
}

TEST(Checkpoint, WithoutAnAverageTheParametersAreUsed) {
  const TemporaryFolder folder;
  Checkpoint checkpoint = example();
  EXPECT_EQ(&checkpoint.inference_parameters(), &checkpoint.state.averaged);
  checkpoint.state.averaged.clear();
  checkpoint.state.best_validation = std::numeric_limits<double>::infinity();  // before the first validation
  checkpoint.earlier_runs.clear();
  testing::write(folder.file("a.h5"), checkpoint);
  const Checkpoint found = read_checkpoint(folder.file("a.h5"));
  EXPECT_TRUE(found.state.averaged.empty());
  EXPECT_EQ(found.inference_parameters(), checkpoint.state.parameters);
  EXPECT_EQ(found.state.best_validation, std::numeric_limits<double>::infinity());
  EXPECT_EQ(found.earlier_runs, "");
}

TEST(Checkpoint, RunsBeforeHaveALineEach) {
  EXPECT_EQ(runs_before(example()),
            "to step 5: program rhoflux 0\nto step 1234: git abc, program rhoflux 1, ranks 4");
  EXPECT_EQ(runs_before(Checkpoint()), "to step 0:");
}

/// A checkpoint to be spoilt.
class DamagedCheckpoint : public ::testing::Test {
 protected:
  DamagedCheckpoint() { testing::write(m_path, example()); }

  void expect_refused(const std::vector<std::string>& parts) const {
    std::vector<std::string> all = parts;
    all.push_back(m_path);
    expect_error(ExitCode::bad_input, all, [&] { read_checkpoint(m_path); });
  }

  io::Hdf5Handle open() const { return {H5Fopen(m_path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose}; }
  void remove(const char* name) const {
    const io::Hdf5Handle file = open();
    ASSERT_GE(H5Ldelete(file.id(), name, H5P_DEFAULT), 0) << name;
  }
  void set_attribute(const char* object, const char* name, hid_t type, const void* value) const {
    const io::Hdf5Handle file = open();
    ASSERT_GE(H5Adelete_by_name(file.id(), object, name, H5P_DEFAULT), 0) << name;
    const io::Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const io::Hdf5Handle made(
        H5Acreate_by_name(file.id(), object, name, type, space.id(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose);
    ASSERT_GE(H5Awrite(made.id(), type, value), 0) << name;
  }
  void set_text(const char* object, const char* name, const std::string& text) const {
    const io::Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type.id(), text.size());
    set_attribute(object, name, type.id(), text.data());
  }
  void set_count(const char* object, const char* name, std::int64_t value) const {
    set_attribute(object, name, H5T_NATIVE_INT64, &value);
  }
  void set_double(const char* dataset, double value) const {
    const io::Hdf5Handle file = open();
    const io::Hdf5Handle found(H5Dopen2(file.id(), dataset, H5P_DEFAULT), H5Dclose);
    const io::Hdf5Handle space(H5Dget_space(found.id()), H5Sclose);
    const io::Hdf5Handle memory(H5Screate(H5S_SCALAR), H5Sclose);
    const hsize_t first[2] = {0, 0};
    H5Sselect_elements(space.id(), H5S_SELECT_SET, 1, first);
    ASSERT_GE(H5Dwrite(found.id(), H5T_NATIVE_DOUBLE, memory.id(), space.id(), H5P_DEFAULT, &value), 0);
  }

  const TemporaryFolder m_folder;
  const std::string m_path = m_folder.file("run.h5");
};

TEST_F(DamagedCheckpoint, UnknownChoicesAreRefused) {
  struct Choice {
    const char *object, *attribute, *value, *known;
  };
  for (const Choice& choice :
       {Choice{"model", "family", "gaussian", "autoregressive | factorised"},
        Choice{"model", "weights", "constant", "time_dependent | time_constant"},
        Choice{"flux", "kind", "Sigmoid", "triangular | sigmoid"},
        Choice{"flux", "divergence_free", "curl", "none | density_weighted | antisymmetric"},
        Choice{"state", "precision", "half", "single | double"}}) {
    testing::write(m_path, example());
    set_text(choice.object, choice.attribute, choice.value);
    const std::string where = std::string("'") + choice.object + "', attribute '" + choice.attribute + "'";
    expect_refused({where + ": '" + choice.value + "' is not one of the choices", choice.known});
  }
}

TEST_F(DamagedCheckpoint, ConditionsOfNoUseAreRefused) {
  set_double("conditions/weights", -1);
  expect_refused({"'conditions/choices'", "entry 0 is no condition"});
  testing::write(m_path, example());
  set_double("conditions/choices", std::nan(""));
  expect_refused({"'conditions/choices'", "entry 0 is no condition"});
  remove("conditions/1");
  expect_refused({"conditions/choices"});
}

TEST_F(DamagedCheckpoint, AVolatilityThatIsNoneIsRefused) {
  set_text("flux", "noise", "0:x");
  expect_refused({"'flux', attribute 'noise'", "'x' is not a finite decimal number"});
}

TEST_F(DamagedCheckpoint, OtherKindsAndVersionsAreRefused) {
  for (const std::int64_t version : {0, 8, -1}) {
    set_count("/", "format_version", version);
    expect_refused({"format version " + std::to_string(version), "reads versions 1 to 7"});
  }
  set_text("/", "kind", "population");
  expect_refused({"is not a checkpoint of rhoflux"});
}

TEST_F(DamagedCheckpoint, CountsBelowZeroAreRefused) {
  for (const char* name : {"step", "best_step", "validations_since_best", "loss_count", "n_train_rows"}) {
    set_count("state", name, -3);
    expect_refused({"'state'", std::string("'") + name + "'", "found -3", "from 0"});
    set_count("state", name, 3);
  }
  EXPECT_NO_THROW(read_checkpoint(m_path));
}

TEST_F(DamagedCheckpoint, EachMissingPartIsNamed) {
  for (const char* name :
       {"deck", "model/mean", "conditions/choices", "conditions/weights", "state/random_key", "state/figures",
        "state/term_sums", "history", "parameters", "optimiser/first_moment", "optimiser/second_moment"}) {
    testing::write(m_path, example());
    remove(name);
    expect_refused({name});
  }
}

TEST_F(DamagedCheckpoint, ValuesThatAreNotFiniteAreRefused) {
  const std::string block = "/" + testing::layout_of(example()).blocks().front().name;
  for (const char* name :
       {"parameters", "averaged_parameters", "optimiser/first_moment", "optimiser/second_moment"}) {
    testing::write(m_path, example());
    set_double((name + block).c_str(), std::nan(""));
    expect_refused({std::string("'") + name + "'", "not a finite number"});
  }
}

TEST_F(DamagedCheckpoint, AChangedByteIsNoticed) {
  io::testing::corrupt_double(m_path, example().state.parameters.front());
  expect_refused({"parameters/"});
}

TEST_F(DamagedCheckpoint, AShortenedFileIsNoticed) {
  const std::string bytes = io::testing::read_text(m_path);
  for (const std::size_t size : {bytes.size() / 2, std::size_t{100}, std::size_t{0}}) {
    io::testing::write_text(m_path, bytes.substr(0, size));
    expect_refused({});
  }
}

TEST_F(DamagedCheckpoint, AnotherWidthDoesNotFitTheParameters) {
  set_count("model", "components", 3);
  expect_refused({"parameters/", "expected"});
}

/// A checkpoint as old programs wrote it, by names and shapes written out: autoregressive, one coordinate, one
/// hidden layer of 2, two time features, two logistics.
void write_old_checkpoint(const std::string& path, int version) {
  io::Hdf5Writer file(path);
  file.attribute("/", "kind", "rhoflux checkpoint");
  file.attribute("/", "format_version", version);
  file.write_string("deck", "[data]\nfile = old.h5\n");
  file.group("model");
  file.attribute("model", "family", "autoregressive");
  file.attribute("model", "weights", "time_dependent");
  for (const auto& [name, value] : {std::pair("components", 2), std::pair("mixture", 32),
                                    std::pair("time_features", 2), std::pair("coordinate_features", 0)})
    file.attribute("model", name, value);
  file.attribute("model", "hidden", std::vector<double>{2});
  for (const char* feature : {"time", "coordinate"}) {
    file.attribute("model", std::string(feature) + "_frequency_min", 0.5);
    file.attribute("model", std::string(feature) + "_frequency_max", 8.0);
  }
  file.attribute("model", "dim_names", std::vector<std::string>{"x1"});
  file.attribute("model", "time_unit", "day");
  file.attribute("model", "time_range", std::vector<double>{0, 4});
  file.write("model/mean", std::vector<double>{1.5}, {1});
  file.write("model/scale", std::vector<double>{2}, {1});
  if (version >= 2) {
    file.group("flux");
    file.attribute("flux", "kind", "sigmoid");
    file.attribute("flux", "divergence_free", "none");
    file.attribute("flux", "hidden", std::vector<double>{64, 64});
    file.attribute("flux", "noise", "0.5");
  }
  file.group("state");
  file.attribute("state", "precision", "single");
  for (const auto& [name, value] :
       {std::pair("step", 20), std::pair("best_step", 10), std::pair("validations_since_best", 1),
        std::pair("loss_count", 5), std::pair("n_train_rows", 100)})
    file.attribute("state", name, std::int64_t{value});
  file.write("state/random_key", std::vector<std::uint64_t>{7}, {1});
  if (version < 4) {
    file.write("state/figures", std::vector<double>{1.25, 6.5}, {2});  // the second: the sum of the NLL
  } else {
    file.write("state/figures", std::vector<double>{1.25}, {1});
    file.write("state/term_sums", std::vector<double>{6.5, 0.0}, {1, 2});
    file.attribute("state/term_sums", "terms", std::vector<std::string>{"nll"});
  }
  if (version == 3) file.write("state/term_sums", std::vector<double>{0.5}, {1});
  if (version >= 3) {
    file.write("history", std::vector<double>{15, 2, 1, 1e-3, 1.25, 0.5}, {1, 6});
    file.attribute("history", "columns",
                   std::vector<std::string>{"step", "nll", "gradient_norm", "learning_rate", "validation_nll",
                                            "kinetic"});
  } else {
    file.write("history", std::vector<double>{15, 2, 1, 1e-3, 1.25}, {1, 5});
  }
  for (const char* array : {"parameters", "optimiser/first_moment", "optimiser/second_moment"}) {
    const std::string layer = std::string(array) + "/mixtures/layer";
    file.write(layer + "0/degree0/weight", std::vector<float>{1, 2, 3, 4}, {2, 2});
    file.write(layer + "0/degree0/bias", std::vector<float>{5, 6}, {2, 1});
    file.write(layer + "1/degree0/weight", std::vector<float>(12, 0.25f), {6, 2});
    file.write(layer + "1/degree0/bias", std::vector<float>(6, 0.5f), {6, 1});
  }
  file.group("provenance");
  file.attribute("provenance", "program", "rhoflux 0.0.1");
  file.close();
}

TEST(OldCheckpoint, OfEachVersionIsRead) {
  const TemporaryFolder folder;
  for (const int version : {1, 2, 3, 4}) {
    const std::string path = folder.file("v" + std::to_string(version) + ".h5");
    write_old_checkpoint(path, version);
    const Checkpoint found = read_checkpoint(path);
    EXPECT_EQ(found.model.flux.kind, version == 1 ? flux::Kind::triangular : flux::Kind::sigmoid);
    EXPECT_EQ(found.model.flux.volatility.to_string(), version == 1 ? "0" : "0.5");
    EXPECT_EQ(found.model.config.family, density::Family::autoregressive);
    EXPECT_EQ(found.model.units.mean, std::vector<double>{1.5});
    EXPECT_EQ(found.state.step, 20);
    EXPECT_EQ(found.state.seed, 7u);
    EXPECT_EQ(found.state.precision, Precision::single_precision);
    EXPECT_EQ(found.state.best_validation, 1.25);
    EXPECT_EQ(found.state.best_step, 10);
    EXPECT_EQ(found.state.terms.size(), version >= 4 ? 1u : 0u);
    EXPECT_TRUE(found.model.origin.time.labels.empty() && found.model.origin.import_choices.empty());
    ASSERT_EQ(found.state.history.rows().size(), 1u);
    EXPECT_EQ(found.state.history.rows()[0].step, 15);
    EXPECT_EQ(found.state.history.rows()[0].validation_nll, 1.25);
    EXPECT_EQ(found.state.history.rows()[0].more.size(), version >= 3 ? 1u : 0u);
    // Row by row in the file, column by column in memory.
    ASSERT_GE(found.state.parameters.size(), 4u);
    EXPECT_EQ(std::vector<double>(found.state.parameters.begin(), found.state.parameters.begin() + 4),
              (std::vector<double>{1, 3, 2, 4}));
    EXPECT_EQ(found.provenance, (Provenance{{"program", "rhoflux 0.0.1"}}));
  }
}

}  // namespace
}  // namespace rhoflux::checkpoint
