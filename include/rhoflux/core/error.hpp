#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace rhoflux {

/// Process exit codes; scripts rely on them.
enum class ExitCode : int {
  success = 0,
  bad_input = 2,          ///< command line, deck or input file; nothing was started or overwritten
  numerical_failure = 3,  ///< NaN or divergence; the last good checkpoint is kept
  io_failure = 4,         ///< a file could not be read or written for a reason outside its content
  out_of_memory = 6,      ///< memory does not suffice; found before training starts where it can be
  rank_lost = 7,  ///< a message fails or a rank does not answer (training.stall_limit); run again to continue
  stopped = 75,   ///< EX_TEMPFAIL: stopped after a checkpoint, run again to continue
};

/// Of an allocation that has failed where nobody knows what it was for.
constexpr const char* out_of_memory_message =
    "memory does not suffice: an allocation has failed; use fewer rows, points or ranks here, or more memory";

/// The one exception type: a message that names what is wrong, where, and what would be right.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), m_code(code) {}
  ExitCode code() const noexcept { return m_code; }

 private:
  ExitCode m_code;
};

[[noreturn]] inline void fail_input(const std::string& message) {
  throw Error(ExitCode::bad_input, message);
}
[[noreturn]] inline void fail_io(const std::string& message) {
  throw Error(ExitCode::io_failure, message);
}
[[noreturn]] inline void fail_memory(const std::string& message) {
  throw Error(ExitCode::out_of_memory, message);
}
[[noreturn]] inline void fail_numerics(const std::string& message) {
  throw Error(ExitCode::numerical_failure, message);
}

}  // namespace rhoflux
