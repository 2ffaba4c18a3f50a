#pragma once

#include <cmath>

namespace rhoflux::test {

/// v + e v_dot with e^2 = 0: a function written for numbers gives its derivative too. Nested, mixed ones.
template <class T>
struct Dual {
  T value{}, dot{};
  Dual() = default;
  Dual(long double constant) : value(constant) {}
  Dual(const T& value_in, const T& dot_in) : value(value_in), dot(dot_in) {}

  Dual& operator+=(const Dual& b) { return *this = *this + b; }
  friend Dual operator+(const Dual& a, const Dual& b) { return {a.value + b.value, a.dot + b.dot}; }
  friend Dual operator-(const Dual& a, const Dual& b) { return {a.value - b.value, a.dot - b.dot}; }
  friend Dual operator-(const Dual& a) { return Dual(0.0L) - a; }
  friend Dual operator*(const Dual& a, const Dual& b) {
    return {a.value * b.value, a.dot * b.value + a.value * b.dot};
  }
  friend Dual operator/(const Dual& a, const Dual& b) {
    const T quotient = a.value / b.value;
    return {quotient, (a.dot - quotient * b.dot) / b.value};
  }
};

template <class T>
Dual<T> exp(const Dual<T>& a) {
  using std::exp;
  const T value = exp(a.value);
  return {value, value * a.dot};
}
template <class T>
Dual<T> log(const Dual<T>& a) {
  using std::log;
  return {log(a.value), a.dot / a.value};
}
template <class T>
Dual<T> sin(const Dual<T>& a) {
  using std::cos;
  using std::sin;
  return {sin(a.value), cos(a.value) * a.dot};
}
template <class T>
Dual<T> cos(const Dual<T>& a) {
  using std::cos;
  using std::sin;
  return {cos(a.value), -(sin(a.value) * a.dot)};
}

}  // namespace rhoflux::test
