#pragma once

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/math.hpp"
#include "rhoflux/device/types.hpp"
#include "rhoflux/objectives/potential.hpp"

namespace rhoflux::objectives {

/// A potential as kernels see it: phi(x), its gradient, and products of its Hessian with a vector. A part is
/// phi(S) with S = sum_i s_i(x_i), so that grad_i = phi' s_i' and (H w)_i = phi'' s_i' <s', w> + phi' s_i''
/// w_i.
template <class Scalar>
class PotentialOnDevice {
 public:
  static constexpr int max_table_dims = 6;

  PotentialOnDevice() = default;
  explicit PotentialOnDevice(const Potential& potential);

  /// phi(x), x (n_dims); adds factor times the gradient to `out` (n_dims).
  RHOFLUX_FUNCTION Scalar add_gradient(const Scalar* x, Scalar factor, Scalar* out) const {
    if (m_kind == Potential::Kind::table) return add_table_gradient(x, factor, out);
    Scalar value = 0;
    for (int p = 0; p < m_n_parts; ++p) {
      const Part part = {m_kind, m_numbers.data() + p * (3 * m_n_dims + 2), m_n_dims};
      Scalar first, second;
      value += part.outer(x, first, second);
      for (int i = 0; i < m_n_dims; ++i) out[i] += factor * first * part.slope_of(x[i], i);
    }
    return value;
  }

  /// Adds factor * H w to `out` (n_dims); not for tables, whose gradient jumps.
  RHOFLUX_FUNCTION void add_hessian(const Scalar* x, const Scalar* w, Scalar factor, Scalar* out) const {
    for (int p = 0; p < m_n_parts; ++p) {
      const Part part = {m_kind, m_numbers.data() + p * (3 * m_n_dims + 2), m_n_dims};
      Scalar first, second, along = 0;
      (void)part.outer(x, first, second);
      for (int i = 0; i < m_n_dims; ++i) along += part.slope_of(x[i], i) * w[i];
      for (int i = 0; i < m_n_dims; ++i)
        out[i] += factor * (second * along * part.slope_of(x[i], i) + first * part.bend_of(x[i], i) * w[i]);
    }
  }

 private:
  struct Part {
    Potential::Kind kind;
    const double* numbers;  ///< centre (D), slope a (D), wells (D), level, sharpness
    int n_dims;

    RHOFLUX_FUNCTION Scalar centre(int i) const { return static_cast<Scalar>(numbers[i]); }
    RHOFLUX_FUNCTION Scalar slope(int i) const { return static_cast<Scalar>(numbers[n_dims + i]); }
    RHOFLUX_FUNCTION Scalar well(int i) const { return static_cast<Scalar>(numbers[2 * n_dims + i]); }
    RHOFLUX_FUNCTION Scalar level() const { return static_cast<Scalar>(numbers[3 * n_dims]); }
    RHOFLUX_FUNCTION Scalar sharpness() const { return static_cast<Scalar>(numbers[3 * n_dims + 1]); }

    /// S at x.
    RHOFLUX_FUNCTION Scalar sum(const Scalar* x) const {
      Scalar total = 0;
      for (int i = 0; i < n_dims; ++i) {
        const Scalar d = x[i] - centre(i), square = d * d;
        if (kind == Potential::Kind::double_well)
          total += slope(i) * (square - well(i) * well(i)) * (square - well(i) * well(i)) / Scalar(4);
        else
          total += slope(i) * square / Scalar(kind == Potential::Kind::quadratic ? 2 : 1);
      }
      return total;
    }
    /// s_i'.
    RHOFLUX_FUNCTION Scalar slope_of(Scalar at, int i) const {
      const Scalar d = at - centre(i);
      if (kind == Potential::Kind::double_well) return slope(i) * d * (d * d - well(i) * well(i));
      return slope(i) * d * Scalar(kind == Potential::Kind::quadratic ? 1 : 2);
    }
    /// s_i''.
    RHOFLUX_FUNCTION Scalar bend_of(Scalar at, int i) const {
      const Scalar d = at - centre(i);
      if (kind == Potential::Kind::double_well) return slope(i) * (Scalar(3) * d * d - well(i) * well(i));
      return slope(i) * Scalar(kind == Potential::Kind::quadratic ? 1 : 2);
    }
    /// The argument of the softplus of a ball, or of the other obstacles.
    RHOFLUX_FUNCTION Scalar depth(Scalar total) const {
      return kind == Potential::Kind::balls ? sharpness() * (level() - math::sqrt(total)) : level() - total;
    }
    /// phi(S), and phi' and phi''.
    RHOFLUX_FUNCTION Scalar outer(const Scalar* x, Scalar& first, Scalar& second) const {
      const Scalar total = sum(x);
      if (kind == Potential::Kind::double_well || kind == Potential::Kind::quadratic) {
        first = 1;
        second = 0;
        return total;
      }
      const Scalar inside = depth(total), rise = math::sigmoid(inside), fall = math::sigmoid(-inside);
      if (kind == Potential::Kind::balls) {
        const Scalar distance = math::sqrt(total), k = sharpness();
        const bool is_centre = !(distance > Scalar(0));  // a kink; any slope will do
        first = is_centre ? Scalar(0) : -k * rise / (Scalar(2) * distance);
        second =
            is_centre
                ? Scalar(0)
                : k * rise * (k * fall / (Scalar(4) * total) + Scalar(1) / (Scalar(4) * total * distance));
      } else {
        first = -rise;
        second = rise * fall;
      }
      return -math::log_sigmoid(-inside);
    }
  };

  RHOFLUX_FUNCTION Scalar add_table_gradient(const Scalar* x, Scalar factor, Scalar* out) const {
    int low[max_table_dims], stride[max_table_dims];
    Scalar fraction[max_table_dims], width[max_table_dims];
    for (int i = m_n_dims - 1; i >= 0; --i) {
      const double* axis = m_numbers.data() + m_axis_begin(i);
      const int n = m_axis_begin(i + 1) - m_axis_begin(i);
      int below = 0, above = n - 1;  // the cell, by halving
      while (above - below > 1) {
        const int middle = (below + above) / 2;
        (static_cast<double>(x[i]) < axis[middle] ? above : below) = middle;
      }
      low[i] = below;
      stride[i] = i == m_n_dims - 1 ? 1 : stride[i + 1] * (m_axis_begin(i + 2) - m_axis_begin(i + 1));
      width[i] = static_cast<Scalar>(axis[above] - axis[below]);
      fraction[i] = (x[i] - static_cast<Scalar>(axis[below])) / width[i];
      const bool is_outside = fraction[i] < Scalar(0) || fraction[i] > Scalar(1);
      if (is_outside) fraction[i] = fraction[i] < Scalar(0) ? Scalar(0) : Scalar(1);
      if (is_outside) width[i] = -width[i];  // marks a gradient of 0
    }
    Scalar value = 0;
    for (int corner = 0; corner < (1 << m_n_dims); ++corner) {
      int node = 0;
      Scalar share = 1;
      for (int i = 0; i < m_n_dims; ++i) {
        const int high = corner >> i & 1;
        node += (low[i] + high) * stride[i];
        share *= high == 1 ? fraction[i] : Scalar(1) - fraction[i];
      }
      const auto height = static_cast<Scalar>(m_values(node));
      value += share * height;
      for (int i = 0; i < m_n_dims; ++i) {
        if (width[i] < Scalar(0)) continue;
        Scalar others = 1;
        for (int k = 0; k < m_n_dims; ++k)
          if (k != i) others *= (corner >> k & 1) == 1 ? fraction[k] : Scalar(1) - fraction[k];
        out[i] += factor * height * others * ((corner >> i & 1) == 1 ? Scalar(1) : Scalar(-1)) / width[i];
      }
    }
    return value;
  }

  Potential::Kind m_kind = Potential::Kind::none;
  int m_n_parts = 0, m_n_dims = 0;
  Vector<double> m_numbers;  ///< part by part; of a table, its axes
  Vector<int> m_axis_begin;  ///< (n_dims + 1)
  Vector<double> m_values;   ///< of a table
};

template <class Scalar>
PotentialOnDevice<Scalar>::PotentialOnDevice(const Potential& potential)
    : m_kind(potential.kind),
      m_n_parts(static_cast<int>(potential.parts.size())),
      m_n_dims(potential.n_dims()) {
  std::vector<double> numbers;
  std::vector<int> begin = {0};
  const auto append = [&](const std::vector<double>& more, double filler) {
    for (int i = 0; i < m_n_dims; ++i)
      numbers.push_back(more.empty() ? filler : more[static_cast<std::size_t>(i)]);
  };
  for (const Potential::Part& part : potential.parts) {
    append(part.centre, 0.0);
    append(part.slope, 1.0);
    append(part.wells, 0.0);
    numbers.push_back(m_kind == Potential::Kind::circles ? part.level * part.level : part.level);
    numbers.push_back(part.sharpness);
  }
  for (const std::vector<double>& axis : potential.grid.axes) {
    numbers.insert(numbers.end(), axis.begin(), axis.end());
    begin.push_back(static_cast<int>(numbers.size()));
  }
  if (m_kind == Potential::Kind::table && m_n_dims > max_table_dims)
    fail_input(potential.path + ": a tabulated potential has at most " + std::to_string(max_table_dims) +
               " axes, this one has " + std::to_string(m_n_dims));
  m_numbers = on_device<double>(numbers, "potential");
  m_axis_begin = on_device<int>(begin, "axes of the potential");
  m_values = on_device<double>(potential.grid.values, "table of the potential");
}

}  // namespace rhoflux::objectives
