// What HDF5 files say: a checkpoint or a population in which objects and attributes are replaced, changed and
// removed by the HDF5 library itself, so that the file is in order and its content is not. Opening it gives
// what it holds or an Error. The input is a list of changes (Changes::apply).

#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "hdf5_changes.hpp"
#include "hdf5_readers.hpp"
#include "rhoflux/flux/dynamics.hpp"

namespace rhoflux::fuzz {
namespace {

void write_checkpoint(const std::string& path, density::Family family) {
  checkpoint::Checkpoint checkpoint;
  checkpoint::ModelDescription& model = checkpoint.model;
  model.config.family = family;
  model.config.n_logistics = model.config.n_products = 2;
  model.config.hidden = {4};
  model.config.time_features = 2;
  model.config.weights = density::MixtureWeights::time_constant;
  model.flux.divergence_free = flux::DivergenceFree::antisymmetric;
  model.flux.hidden = {2};
  model.units = {{0, 1}, {1, 2}, 0, 1};
  model.dim_names = {"x1", "x2"};
  const network::ParameterLayout layout = flux::layout_of(model.config, model.flux, 2);
  for (auto* values :
       {&checkpoint.state.parameters, &checkpoint.state.first_moment, &checkpoint.state.second_moment})
    values->assign(static_cast<std::size_t>(layout.size()), 0.0);
  checkpoint.state.terms = {{"nll", 1, 0}};
  checkpoint.provenance = {{"program", "rhoflux"}};
  checkpoint::write_checkpoint(path, checkpoint, layout);
}

void write_population(const std::string& path) {
  io::PopulationData data;
  data.n_dims = 2;
  data.t = {0, 0, 1, 1};
  data.x = {0, 1, 2, 3, 4, 5, 6, 7};
  data.weight = {1, 1, 2, 1};
  data.split = {0, 0, 1, 0};
  io::write_population(path, data, true);
}

std::vector<Original> originals(const std::string& path) {
  std::vector<Original> made;
  for (const auto family : {density::Family::autoregressive, density::Family::factorised}) {
    write_checkpoint(path, family);
    (void)checkpoint::read_checkpoint(path);  // is in order
    made.push_back(describe(path));
  }
  write_population(path);
  made.push_back(describe(path));
  return made;
}

}  // namespace
}  // namespace rhoflux::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rhoflux::fuzz;
  start();
  static const std::string path = file_of_process("content");
  static const std::vector<Original> all = originals(path);
  Input input(data, size);
  const Original& original = all[input.below(all.size())];
  write_bytes(path, original.bytes.data(), original.bytes.size());
  {
    const Hdf5Handle file = own(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
    for (int k = 0; k < 8 && !input.is_at_end(); ++k) Changes(input, original, file.id()).apply();
  }
  read_as_everything(path);
  std::remove(path.c_str());
  return 0;
}
