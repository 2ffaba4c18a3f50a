#pragma once

#include <gtest/gtest.h>

#include <string>

#include "rhoflux/core/error.hpp"

namespace rhoflux::test {

/// The message of the bad-input Error that `work` throws; a test failure if it throws none.
template <class Work>
std::string message_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

}  // namespace rhoflux::test
