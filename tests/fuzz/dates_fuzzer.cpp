// Dates, and labels with numbers in them: what is read prints and reads back to the same instant, labels get finite
// times, and nothing else than an Error of bad input comes of any text.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "importers/time_reader.hpp"
#include "input.hpp"
#include "rhoflux/core/calendar.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/core/text.hpp"

namespace {

void require(bool holds, const std::string& text) {
  if (holds) return;
  std::fprintf(stderr, "dates: '%s'\n", text.c_str());
  std::abort();
}

void check_date(const std::string& text) {
  const auto read = rhoflux::read_datetime(text);
  if (!read) return;
  const std::string printed = rhoflux::print_datetime(*read);
  const auto again = rhoflux::read_datetime(printed);
  require(again && *again == *read && rhoflux::print_datetime(*again) == printed, text + "' -> '" + printed);
}

/// Any instant of the years that have four digits.
void check_instant(std::int64_t microseconds) {
  constexpr std::int64_t first = -62167219200000000, end = 253402300800000000;  // 0000-01-01, 10000-01-01
  const std::int64_t instant = first + static_cast<std::int64_t>(static_cast<std::uint64_t>(microseconds) %
                                                                 static_cast<std::uint64_t>(end - first));
  const std::string printed = rhoflux::print_datetime(instant);
  require(rhoflux::read_datetime(printed) == instant, printed);
}

void check_labels(const std::vector<std::string>& labels) {
  const auto values = rhoflux::importers::numbers_in_labels(labels);
  if (values.empty()) return;
  for (const std::string& label : labels)
    require(values.count(label) == 1 && std::isfinite(values.at(label)), label);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_instant(rhoflux::fuzz::Input(data, size).take<std::int64_t>());
  const std::vector<std::string> lines = rhoflux::split(text, '\n');
  for (const std::string& line : lines) check_date(line);
  check_labels(lines);
  check_labels({lines.front()});
  return 0;
}
