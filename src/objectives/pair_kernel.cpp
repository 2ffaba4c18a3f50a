#include "rhoflux/objectives/pair_kernel.hpp"

#include "kind_of_word.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace rhoflux::objectives {

PairKernel PairKernel::parse(const std::string& text) {
  const FirstWord worded = first_word(text);
  PairKernel kernel;
  kernel.kind = kind_of_word<Kind>(worded, "a kernel");
  if (!kernel.is_pairwise()) return kernel;
  kernel.length = parse_number(worded.rest);
  if (!(kernel.length > 0)) fail_input("the length of a kernel must be greater than 0");
  return kernel;
}

std::string PairKernel::to_string() const {
  return is_pairwise() ? enum_to_text(kind) + " " + print_number(length) : enum_to_text(kind);
}

}  // namespace rhoflux::objectives
