#pragma once

#include <string>
#include <vector>

#include "rhoflux/checkpoint/training_state.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/optim/adam.hpp"

namespace rhoflux::training {

/// The arrays of a TrainingState in the memory of the execution space, all (n_parameters).
template <class Scalar>
struct DeviceState {
  Vector<Scalar> parameters;
  Vector<Scalar> averaged;  ///< length 0: no average
  optim::AdamState<Scalar> adam;

  /// Adam's state of some of the parameters.
  optim::AdamState<Scalar> adam_of(const Range& entries) const {
    return {entries_of(adam.first_moment, entries), entries_of(adam.second_moment, entries)};
  }

  bool has_average() const { return averaged.extent(0) > 0; }
  /// What validation and inference use: the average if there is one.
  const Vector<Scalar>& inference_parameters() const { return has_average() ? averaged : parameters; }
};

/// The one list of the arrays and their counterparts in host memory: calls visit(device, host, label) for each.
template <class Device, class Host, class Visit>
void for_each_array(Device& device, Host& host, const Visit& visit) {
  visit(device.parameters, host.parameters, "parameters");
  visit(device.averaged, host.averaged, "averaged parameters");
  visit(device.adam.first_moment, host.first_moment, "first moment");
  visit(device.adam.second_moment, host.second_moment, "second moment");
}

/// Copies the arrays of a state to the device.
template <class Scalar>
DeviceState<Scalar> to_device(const checkpoint::TrainingState& state) {
  DeviceState<Scalar> device;
  for_each_array(device, state, [](Vector<Scalar>& to, const std::vector<double>& from, const char* label) {
    to = on_device<Scalar>(from, label);
  });
  return device;
}

/// Copies them back.
template <class Scalar>
void to_host(const DeviceState<Scalar>& device, checkpoint::TrainingState& state) {
  for_each_array(device, state, [](const Vector<Scalar>& from, std::vector<double>& to, const char*) {
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), from);
    to.assign(host.data(), host.data() + host.extent(0));
  });
}

}  // namespace rhoflux::training
