#include "rhoflux/objectives/pair_kernel.hpp"

#include "rhoflux/core/error.hpp"
#include "rhoflux/core/small_matrix.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::objectives {

PairKernel PairKernel::parse(const std::string& text) {
  const auto [word, rest] = first_word(text);
  PairKernel kernel;
  if (word == "density" && rest.empty()) return kernel;
  if (word == "inverse_quadratic")
    kernel.kind = Kind::inverse_quadratic;
  else if (word == "gaussian")
    kernel.kind = Kind::gaussian;
  else
    fail_input("'" + text + "' is not a kernel; there are density, inverse_quadratic l, gaussian l");
  kernel.length = parse_number(rest);
  if (!(kernel.length > 0)) fail_input("the length of a kernel must be greater than 0");
  return kernel;
}

std::string PairKernel::to_string() const {
  if (kind == Kind::density) return "density";
  return (kind == Kind::gaussian ? "gaussian " : "inverse_quadratic ") + print_number(length);
}

}  // namespace rhoflux::objectives
