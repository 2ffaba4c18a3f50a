#pragma once

namespace rhoflux {

/// From here on numbers below the least normal one (1.2e-38 for floats, 2.2e-308 for doubles) are zero, as operands and as
/// results, on the calling thread and on those it starts afterwards. Shares of logistics that are far from a sample are as
/// small as that, and x86 processors take some hundred cycles for each operation on such a number. For a program's beginning:
/// a library must not change this for its caller. GPUs have no such cost, and are left as they are.
/// @return false where it is not known how (processors other than x86-64 and 64-bit ARM)
bool flush_subnormals();

}  // namespace rhoflux
