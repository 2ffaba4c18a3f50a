#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

namespace rhoflux::fuzz {

/// The bytes of an input from its beginning on; zeros where it has ended.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : m_data(data), m_size(size) {}
  bool is_at_end() const { return m_size == 0; }
  template <class T>
  T take() {
    T value{};
    const std::size_t n = std::min(sizeof(T), m_size);
    std::memcpy(&value, m_data, n);
    m_data += n;
    m_size -= n;
    return value;
  }
  std::size_t below(std::size_t count) { return take<std::uint16_t>() % count; }
  bool one_in(std::size_t count) { return take<std::uint8_t>() % count == count - 1; }
  std::string text(std::size_t most) {
    const std::size_t n = std::min(most, m_size);
    std::string taken(reinterpret_cast<const char*>(m_data), n);
    m_data += n;
    m_size -= n;
    return taken;
  }
  std::string rest() { return text(m_size); }

 private:
  const std::uint8_t* m_data;
  std::size_t m_size;
};

}  // namespace rhoflux::fuzz
