#include "rhoflux/io/hdf5_handle.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "support/errors.hpp"
#include "unit/io/io_test_support.hpp"

namespace rhoflux::io {
namespace {

using test::expect_error;
using testing::TemporaryFolder;

template <class T>
class Hdf5Numbers : public ::testing::Test {};
using NumberTypes = ::testing::Types<float, double, std::int8_t, std::int64_t, std::uint64_t>;
TYPED_TEST_SUITE(Hdf5Numbers, NumberTypes);

TYPED_TEST(Hdf5Numbers, ComeBackExactlyForAnyRank) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.h5");
  std::vector<TypeParam> values(24);
  std::iota(values.begin(), values.end(), TypeParam{3});
  values[5] = std::numeric_limits<TypeParam>::max();
  values[6] = std::numeric_limits<TypeParam>::lowest();
  const std::vector<Shape> shapes = {{24}, {4, 6}, {2, 3, 4}, {1, 24, 1, 1}};
  {
    Hdf5Writer file(path);
    for (const Shape& shape : shapes)
      file.write("deep/er/rank" + std::to_string(shape.size()), values, shape);
    file.write("scalar", std::vector<TypeParam>{TypeParam{7}}, {});
    file.write("none", std::vector<TypeParam>{}, {0, 3});
    file.close();
  }
  const Hdf5Reader file(path);
  for (const Shape& shape : shapes) {
    const std::string name = "deep/er/rank" + std::to_string(shape.size());
    EXPECT_EQ(file.shape(name), shape);
    EXPECT_EQ(file.read<TypeParam>(name), values);
  }
  EXPECT_EQ(file.read<TypeParam>("scalar"), std::vector<TypeParam>{TypeParam{7}});
  EXPECT_TRUE(file.shape("scalar").empty());
  EXPECT_EQ(file.shape("none"), (Shape{0, 3}));
  EXPECT_TRUE(file.read<TypeParam>("none").empty());
}

TEST(Hdf5Reader, ConvertsNumericTypes) {
  const TemporaryFolder folder;
  Hdf5Writer writer(folder.file("a.h5"));
  writer.write("int", std::vector<std::int8_t>{-1, 2}, {2});
  writer.write("float", std::vector<float>{0.5f, 4.0f}, {2});
  writer.close();
  const Hdf5Reader file(folder.file("a.h5"));
  EXPECT_EQ(file.read<double>("int"), (std::vector<double>{-1.0, 2.0}));
  EXPECT_EQ(file.read<std::int64_t>("float"), (std::vector<std::int64_t>{0, 4}));
}

TEST(Hdf5Writer, SlabsAndRowsFillADatasetMadeBefore) {
  const TemporaryFolder folder;
  DatasetOptions options;
  options.deflate = 4;
  options.chunk = {1, 2, 2};
  Hdf5Writer writer(folder.file("a.h5"));
  writer.create_dataset<double>("x", {3, 4, 2}, options);
  writer.write_slab("x", {1, 1, 0}, {1, 2, 2}, std::vector<double>{1, 2, 3, 4});
  writer.write_rows("x", 2, std::vector<double>{10, 11, 12, 13, 14, 15, 16, 17});
  writer.close();
  const Hdf5Reader file(folder.file("a.h5"));
  const std::vector<double> expected = {0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  1,  2,
                                        3, 4, 0, 0, 10, 11, 12, 13, 14, 15, 16, 17};
  EXPECT_EQ(file.read<double>("x"), expected);
  EXPECT_EQ(file.read_slab<double>("x", {1, 1, 1}, {2, 2, 1}), (std::vector<double>{2, 4, 13, 15}));
  expect_error(ExitCode::bad_input, {"a.h5", "'x'", "(3, 4, 2)"}, [&] {
    file.read_slab<double>("x", {2, 0, 0}, {2, 1, 1});
  });
}

TEST(Hdf5Writer, RefusesValuesThatDoNotFit) {
  const TemporaryFolder folder;
  Hdf5Writer writer(folder.file("a.h5"));
  const std::vector<double> five(5, 1.0);
  expect_error(ExitCode::io_failure, {"a.h5", "'x'", "5 values", "(2, 3)"}, [&] {
    writer.write("x", five, {2, 3});
  });
  writer.create_dataset<double>("y", {4, 2});
  expect_error(ExitCode::io_failure, {"'y'", "5 values"}, [&] { writer.write_rows("y", 0, five); });
  expect_error(ExitCode::io_failure, {"'y'", "(4, 2)"},
               [&] { writer.write_rows("y", 3, std::vector<double>(4, 1.0)); });
  expect_error(ExitCode::io_failure, {"'y'", "HDF5"}, [&] { writer.create_dataset<double>("y", {1}); });
}

TEST(Hdf5Writer, FolderThatIsMissingIsAnIoFailure) {
  const TemporaryFolder folder;
  expect_error(ExitCode::io_failure, {"nowhere", "cannot create", "HDF5"},
               [&] { Hdf5Writer(folder.file("nowhere/a.h5")); });
}

TEST(Hdf5File, TextAndAttributesComeBack) {
  const TemporaryFolder folder;
  const std::string text = "[data]\nfile = \xC3\xA9.h5\n";
  Hdf5Writer writer(folder.file("a.h5"));
  writer.write_string("deck", text);
  writer.write_string("empty", "");
  writer.group("parameters");
  writer.attribute("/", "format_version", 3);
  writer.attribute("/", "step", std::int64_t{1} << 40);
  writer.attribute("parameters", "rate", 0.1);
  writer.attribute("/", "kind", "checkpoint");
  writer.attribute("/", "nothing", "");
  writer.attribute("/", "names", std::vector<std::string>{"longitude", "", "z"});
  writer.attribute("/", "mean", std::vector<double>{1.5, -2.5});
  writer.close();

  const Hdf5Reader file(folder.file("a.h5"));
  EXPECT_EQ(file.read_string("deck"), text);
  EXPECT_EQ(file.read_string("empty"), "");
  EXPECT_EQ(file.attribute_int("/", "format_version"), 3);
  EXPECT_EQ(file.attribute_int("/", "step"), std::int64_t{1} << 40);
  EXPECT_EQ(file.attribute_double("parameters", "rate"), 0.1);
  EXPECT_EQ(file.attribute_string("/", "kind"), "checkpoint");
  EXPECT_EQ(file.attribute_string("/", "nothing"), "");
  EXPECT_EQ(file.attribute_strings("/", "names"), (std::vector<std::string>{"longitude", "", "z"}));
  EXPECT_EQ(file.attribute_doubles("/", "mean"), (std::vector<double>{1.5, -2.5}));
  EXPECT_EQ(file.list("/"), (std::vector<std::string>{"deck", "empty", "parameters"}));
  EXPECT_TRUE(file.list("parameters").empty());
  EXPECT_TRUE(file.exists("parameters"));
  EXPECT_FALSE(file.is_dataset("parameters"));
  EXPECT_FALSE(file.exists("parameters/W/deeper"));
  EXPECT_FALSE(file.has_attribute("/", "other"));
  EXPECT_FALSE(file.has_attribute("no/such", "other"));
}

/// Writes text of variable length, as h5py does.
void write_variable_text(const std::string& path) {
  const ExitCode code = ExitCode::io_failure;
  Hdf5Handle file =
      own_hdf5(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, code, "");
  Hdf5Handle type = own_hdf5(H5Tcopy(H5T_C_S1), H5Tclose, code, "");
  H5Tset_size(type.id(), H5T_VARIABLE);
  H5Tset_cset(type.id(), H5T_CSET_UTF8);
  const hsize_t two = 2;
  Hdf5Handle list = own_hdf5(H5Screate_simple(1, &two, nullptr), H5Sclose, code, "");
  Hdf5Handle scalar = own_hdf5(H5Screate(H5S_SCALAR), H5Sclose, code, "");
  const char* texts[] = {"first", "second one"};
  Hdf5Handle names = own_hdf5(H5Acreate2(file.id(), "names", type.id(), list.id(), H5P_DEFAULT, H5P_DEFAULT),
                              H5Aclose, code, "");
  check_hdf5(H5Awrite(names.id(), type.id(), texts), code, "");
  Hdf5Handle deck =
      own_hdf5(H5Dcreate2(file.id(), "deck", type.id(), scalar.id(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
               H5Dclose, code, "");
  check_hdf5(H5Dwrite(deck.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &texts[1]), code, "");
}

TEST(Hdf5Reader, ReadsTextOfVariableLength) {
  const TemporaryFolder folder;
  write_variable_text(folder.file("a.h5"));
  const Hdf5Reader file(folder.file("a.h5"));
  EXPECT_EQ(file.attribute_strings("/", "names"), (std::vector<std::string>{"first", "second one"}));
  EXPECT_EQ(file.read_string("deck"), "second one");
  expect_error(ExitCode::bad_input, {"'names'", "one value", "2"},
               [&] { file.attribute_string("/", "names"); });
}

TEST(Hdf5Reader, NamesFileObjectExpectedAndFound) {
  const TemporaryFolder folder;
  Hdf5Writer writer(folder.file("a.h5"));
  writer.write("group/W", std::vector<double>(6, 1.0), {2, 3});
  writer.write_string("deck", "text");
  writer.attribute("/", "name", "text");
  writer.close();
  const Hdf5Reader file(folder.file("a.h5"));
  EXPECT_EQ(file.read<double>("group/W", {-1, 3}).size(), 6u);
  const auto bad = ExitCode::bad_input;
  expect_error(bad, {"a.h5", "group/W", "expected shape (3, any)", "found (2, 3)"}, [&] {
    file.read<double>("group/W", {3, -1});
  });
  expect_error(bad, {"expected shape (6)", "found (2, 3)"}, [&] { file.read<double>("group/W", {6}); });
  expect_error(bad, {"a.h5", "'group/b'", "no such dataset"}, [&] { file.read<double>("group/b"); });
  expect_error(bad, {"'group'", "found a group"}, [&] { file.read<double>("group"); });
  expect_error(bad, {"'deck'", "expected numbers"}, [&] { file.read<double>("deck"); });
  expect_error(bad, {"'group/W'", "expected text"}, [&] { file.read_string("group/W"); });
  expect_error(bad, {"'name'", "expected numbers"}, [&] { file.attribute_int("/", "name"); });
  expect_error(bad, {"no attribute 'other'"}, [&] { file.attribute_string("/", "other"); });
  expect_error(bad, {"no such group"}, [&] { file.list("other"); });
}

TEST(Hdf5Reader, MissingForeignAndTruncatedFiles) {
  const TemporaryFolder folder;
  const auto bad = ExitCode::bad_input;
  expect_error(bad, {"none.h5", "no such file"}, [&] { Hdf5Reader(folder.file("none.h5")); });
  testing::write_text(folder.file("text.h5"), "t,x1\n0,1\n");
  expect_error(bad, {"text.h5", "not an HDF5 file"}, [&] { Hdf5Reader(folder.file("text.h5")); });

  Hdf5Writer writer(folder.file("cut.h5"));
  writer.write("x", std::vector<double>(10000, 1.5), {10000});
  writer.close();
  std::filesystem::resize_file(folder.file("cut.h5"),
                               std::filesystem::file_size(folder.file("cut.h5")) - 100);
  expect_error(bad, {"cut.h5", "HDF5", "truncated"}, [&] { Hdf5Reader(folder.file("cut.h5")); });
}

TEST(Hdf5Reader, ChecksumFindsAChangedByte) {
  const TemporaryFolder folder;
  const double marker = 1234.56789;
  Hdf5Writer writer(folder.file("a.h5"));
  writer.write("good", std::vector<double>(100, 1.0), {100});
  writer.write("bad", std::vector<double>(100, marker), {100});
  writer.close();
  testing::corrupt_double(folder.file("a.h5"), marker);
  const Hdf5Reader file(folder.file("a.h5"));
  EXPECT_EQ(file.read<double>("good")[99], 1.0);
  expect_error(ExitCode::bad_input, {"a.h5", "'bad'", "cannot read"}, [&] { file.read<double>("bad"); });
}

/// A file of the oldest format, which has no checksums on attributes, with three of them.
void write_unprotected_attributes(const std::string& path) {
  const ExitCode code = ExitCode::io_failure;
  Hdf5Handle file =
      own_hdf5(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, code, "");
  Hdf5Handle scalar = own_hdf5(H5Screate(H5S_SCALAR), H5Sclose, code, "");
  Hdf5Handle type = own_hdf5(H5Tcopy(H5T_C_S1), H5Tclose, code, "");
  for (const char* name : {"first_one", "second_one", "third_one"}) {
    Hdf5Handle attribute = own_hdf5(
        H5Acreate2(file.id(), name, type.id(), scalar.id(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose, code, "");
    check_hdf5(H5Awrite(attribute.id(), type.id(), "x"), code, "");
  }
}

TEST(Hdf5Reader, DamagedAttributesAreFoundBeforeTheyAreListed) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.h5");
  write_unprotected_attributes(path);
  EXPECT_EQ(Hdf5Reader(path).text_attributes("/").size(), 3u);
  std::string bytes = testing::read_text(path);
  const std::size_t name = bytes.find("third_one");
  ASSERT_NE(name, std::string::npos);
  ASSERT_EQ(bytes[name - 8], 1);  // version of the message, eight bytes before the name in the oldest format
  bytes[name - 8] = 77;
  testing::write_text(path, bytes);
  expect_error(ExitCode::bad_input, {"a.h5", "cannot list its attributes", "H5Aexists"},
               [&] { Hdf5Reader(path).text_attributes("/"); });
}

/// A file from elsewhere must not have other files read, whose content would then be shown.
TEST(Hdf5Reader, DoesNotReadOtherFilesThatAFileNames) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.h5"), secret = folder.file("secret");
  testing::write_text(secret, std::string(80, 's'));
  const hsize_t ten = 10;
  {
    Hdf5Writer other(folder.file("other.h5"));
    other.write("group/x", std::vector<double>(10, 1.0), {10});
    other.close();
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &ten, nullptr), raw = H5Pcreate(H5P_DATASET_CREATE),
                views = H5Pcreate(H5P_DATASET_CREATE), own_views = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(raw, secret.c_str(), 0, 80);
    H5Pset_virtual(views, space, folder.file("other.h5").c_str(), "/group/x", space);
    H5Pset_virtual(own_views, space, ".", "/own", space);
    for (const auto& [name, properties] : {std::pair<const char*, hid_t>("own", H5P_DEFAULT),
                                           {"raw", raw},
                                           {"view", views},
                                           {"own_view", own_views}})
      H5Dclose(H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, properties, H5P_DEFAULT));
    H5Lcreate_external(folder.file("other.h5").c_str(), "/group", file, "far", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external(folder.file("other.h5").c_str(), "/group/x", file, "far_x", H5P_DEFAULT, H5P_DEFAULT);
    for (const hid_t properties : {raw, views, own_views}) H5Pclose(properties);
    H5Sclose(space);
    H5Fclose(file);
  }
  const Hdf5Reader file(path);
  EXPECT_EQ(file.read<double>("own").size(), 10u);
  EXPECT_EQ(file.read<double>("own_view").size(), 10u);
  for (const char* name : {"raw", "view"})
    expect_error(ExitCode::bad_input, {"a.h5", name, "in another file"},
                 [&] { (void)file.read<double>(name); });
  for (const char* name : {"far_x", "far/x"})
    expect_error(ExitCode::bad_input, {"a.h5", "far", "link to another file"},
                 [&] { (void)file.read<double>(name); });
  expect_error(ExitCode::bad_input, {"link to another file"}, [&] { (void)file.list("far"); });
  expect_error(ExitCode::bad_input, {"link to another file"}, [&] { (void)file.exists("far/x"); });
}

}  // namespace
}  // namespace rhoflux::io
