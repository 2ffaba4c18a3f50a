#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rhoflux/core/error.hpp"

/// What a test expects of an Error.
namespace rhoflux::test {

/// The message of the Error with this code that `work` throws; a test failure if it throws none, or one with another code.
template <class Work>
std::string message_of(const Work& work, ExitCode code = ExitCode::bad_input) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

/// Expects that `work` throws an Error with this code whose message has all of these parts.
template <class Work>
void expect_error(ExitCode code, const std::vector<std::string>& parts, const Work& work) {
  const std::string message = message_of(work, code);
  for (const std::string& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos)
        << "the message '" << message << "' lacks '" << part << "'";
  }
}

}  // namespace rhoflux::test
