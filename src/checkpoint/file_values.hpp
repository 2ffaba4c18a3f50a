#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rhoflux/core/enum_text.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/io/hdf5_handle.hpp"

/// Values of a checkpoint, each read with its check. All throw Error (bad input) naming file, object and value.
namespace rhoflux::checkpoint {

constexpr std::int64_t largest_step = std::int64_t{1} << 53;  // a double has all whole numbers up to it

template <class T>
std::int64_t signed_size(const std::vector<T>& values) {
  return static_cast<std::int64_t>(values.size());
}

/// An error of `work` with the place in the file before its message.
template <class Work>
auto located(const std::string& place, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Error(error.code(), place + ": " + error.what());
  }
}

/// "FILE, 'model', attribute 'family'"
inline std::string place_of(const io::Hdf5Reader& file, const std::string& object, const std::string& name) {
  return file.path() + ", '" + object + "', attribute '" + name + "'";
}

/// An attribute that is one of the texts of an enumeration.
template <class Enum>
Enum read_choice(const io::Hdf5Reader& file, const std::string& object, const std::string& name) {
  const std::string text = file.attribute_string(object, name);
  return located(place_of(file, object, name), [&] { return enum_from_text<Enum>(text); });
}

/// An attribute that is a whole number from 0 to `max`.
std::int64_t read_count(const io::Hdf5Reader& file, const std::string& object, const std::string& name,
                        std::int64_t max);

/// The attribute `hidden`: widths of hidden layers.
std::vector<int> read_widths(const io::Hdf5Reader& file, const std::string& object);

}  // namespace rhoflux::checkpoint
