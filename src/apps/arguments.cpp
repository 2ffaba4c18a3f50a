#include "arguments.hpp"

#include <cmath>
#include <iostream>
#include <sstream>

#include "rhoflux/core/error.hpp"

namespace rhoflux::apps {

Arguments::Arguments(std::string usage, std::string description, std::vector<std::string> positional)
    : m_usage(std::move(usage)),
      m_description(std::move(description)),
      m_positional(std::move(positional)),
      m_options("Options", 110, 70) {
  m_options.add_options()("help,h", "print this text");
}

bool Arguments::parse(const Context& context) {
  po::options_description all;
  po::positional_options_description positions;
  for (const std::string& name : m_positional) {
    all.add_options()(name.c_str(), po::value<std::string>());
    positions.add(name.c_str(), 1);
  }
  all.add(m_options);
  try {
    // Abbreviations are not accepted: scripts would break when an option is added.
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(
        po::command_line_parser(context.arguments).options(all).positional(positions).style(style).run(),
        m_values);
    po::notify(m_values);
  } catch (const po::error& error) {
    fail_input(std::string(error.what()) + "\n  usage: " + m_usage + "   (--help says more)");
  }
  if (has("help")) {
    if (context.comm.is_root()) std::cout << help() << std::flush;
    return false;
  }
  for (const std::string& name : m_positional)
    if (!has(name))
      fail_input("the argument " + name + " is missing\n  usage: " + m_usage + "   (--help says more)");
  return true;
}

std::string Arguments::required(const std::string& name) const {
  if (!has(name))
    fail_input("the option --" + name + " is missing\n  usage: " + m_usage + "   (--help says more)");
  return text(name);
}

std::uint64_t Arguments::count(const std::string& name) const {
  const auto value = get<std::int64_t>(name);
  if (value < 0) fail_input("--" + name + " " + std::to_string(value) + ": must be 0 or more");
  return static_cast<std::uint64_t>(value);
}

std::string Arguments::help() const {
  std::ostringstream out;
  out << "Usage: " << m_usage << "\n\n" << m_description << "\n\n" << m_options;
  return out.str();
}

namespace {
double parse_number(const std::string& text, const std::string& whole) {
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used != text.size() || text.empty() || !std::isfinite(value))
    fail_input("--times " + whole + ": '" + text +
               "' is not a number; give a list such as 0,0.5,1 or first:last:count");
  return value;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  if (!text.empty() && text.back() == separator) parts.emplace_back();
  return parts;
}
}  // namespace

std::vector<double> parse_times(const std::string& text) {
  std::vector<double> times;
  if (text.find(':') == std::string::npos) {
    for (const std::string& part : split(text, ',')) times.push_back(parse_number(part, text));
  } else {
    const std::vector<std::string> parts = split(text, ':');
    const double count = parts.size() == 3 ? parse_number(parts[2], text) : 0;
    if (count < 1 || count > 1e7 || count != std::floor(count))
      fail_input("--times " + text + ": give first:last:count with a whole count of at least 1");
    const double first = parse_number(parts[0], text), last = parse_number(parts[1], text);
    for (int k = 0; k < static_cast<int>(count); ++k)
      times.push_back(count == 1 ? first : first + (last - first) * k / (count - 1));
  }
  if (times.empty()) fail_input("--times: the list is empty; give for example 0,0.5,1");
  return times;
}

void print(const mpi::Communicator& comm, const std::string& line) {
  if (comm.is_root()) std::cout << line << '\n' << std::flush;
}

}  // namespace rhoflux::apps
