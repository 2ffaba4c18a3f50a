#include "rhoflux/checkpoint/combination.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "support/errors.hpp"
#include "unit/checkpoint/checkpoint_test_support.hpp"

namespace rhoflux::checkpoint {
namespace {

using test::expect_error;

/// A model without parameters that members share, whose numbers begin with `first`.
NamedCheckpoint part(const std::string& name, double first, bool is_averaged = false) {
  Checkpoint checkpoint = testing::example();
  checkpoint.model.flux.divergence_free = flux::DivergenceFree::none;
  checkpoint.model.flux.mass = {};
  const network::ParameterLayout layout = testing::layout_of(checkpoint);
  checkpoint.state.parameters = testing::numbered(layout, first);
  checkpoint.state.averaged = is_averaged ? testing::numbered(layout, first + 1000) : std::vector<double>();
  return {name, checkpoint};
}

/// Parameters that inference uses, member behind member, of a layout that has them so; read back as they were written.
TEST(Combination, HasTheMembersOfItsParts) {
  const Checkpoint both = combined({part("a.h5", 1, true), part("b.h5", 2)});
  EXPECT_EQ(both.model.config.n_members, 2);
  const std::vector<double> first = part("a.h5", 1001).checkpoint.state.parameters,
                            second = part("b.h5", 2).checkpoint.state.parameters;
  std::vector<double> want = first;
  want.insert(want.end(), second.begin(), second.end());
  EXPECT_EQ(both.state.parameters, want);
  EXPECT_TRUE(both.state.averaged.empty());
  const network::ParameterLayout layout = testing::layout_of(both);
  ASSERT_EQ(static_cast<std::size_t>(layout.size()), want.size());
  const io::testing::TemporaryFolder folder;
  write_checkpoint(folder.file("both.h5"), both, layout);
  const Checkpoint found = read_checkpoint(folder.file("both.h5"));
  EXPECT_EQ(found.state.parameters, want);
  EXPECT_EQ(found.model.config.n_members, 2);
  EXPECT_EQ(combined({{"both.h5", found}, part("c.h5", 3)}).model.config.n_members, 3);
}

TEST(Combination, NamesWhatDoesNotFit) {
  const auto refuse = [](const std::vector<std::string>& parts,
                         const std::function<void(NamedCheckpoint&)>& change) {
    NamedCheckpoint other = part("b.h5", 2);
    change(other);
    expect_error(ExitCode::bad_input, parts, [&] { (void)combined({part("a.h5", 1), other}); });
  };
  refuse({"b.h5 and a.h5", "standardisations differ"},
         [](NamedCheckpoint& b) { b.checkpoint.model.units.scale[1] += 1e-9; });
  refuse({"time ranges differ"}, [](NamedCheckpoint& b) { b.checkpoint.model.units.t_last += 1; });
  refuse({"coordinates differ"}, [](NamedCheckpoint& b) { b.checkpoint.model.dim_names[0] = "depth"; });
  refuse({"conditions differ"},
         [](NamedCheckpoint& b) { b.checkpoint.model.conditions.variables[0].mean = 0.25; });
  refuse({"as many parameters"}, [](NamedCheckpoint& b) { b.checkpoint.state.parameters.resize(8); });
  refuse({"b.h5 and a.h5", "a member in common"}, [](NamedCheckpoint& b) { b = part("b.h5", 1); });
  refuse({"b.h5 and a.h5", "a member in common"}, [](NamedCheckpoint& b) {
    b.checkpoint = combined({part("c.h5", 3), part("d.h5", 1)});  // an ensemble that has it
  });
  refuse({"b.h5: has a divergence-free part", "model.ensemble"}, [](NamedCheckpoint& b) {
    b.checkpoint.model.flux.divergence_free = flux::DivergenceFree::density_weighted;
  });
  refuse({"b.h5: has a mass that is learned"}, [](NamedCheckpoint& b) {
    b.checkpoint.model.config.growth = density::Growth::weights;
    b.checkpoint.model.flux.mass = {{-2, 3.25}, {0, 1}};
  });
}

}  // namespace
}  // namespace rhoflux::checkpoint
