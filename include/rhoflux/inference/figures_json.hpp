#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace rhoflux::inference {

struct Check;
struct Evaluation;
struct HeldOutFigures;
struct ObjectiveEvaluation;
struct TransportReport;

/// Figures as JSON objects with the names of the file formats, in a fixed order. A number that is not finite
/// is null.
nlohmann::ordered_json json_of(const Evaluation& evaluation);
nlohmann::ordered_json json_of(const std::vector<HeldOutFigures>& figures);
nlohmann::ordered_json json_of(const std::vector<Check>& checks);
nlohmann::ordered_json json_of(const ObjectiveEvaluation& evaluation);
nlohmann::ordered_json json_of(const TransportReport& report);

/// The text of a JSON value, indented, with a line end. Numbers read back to the same bits; bytes that are not
/// UTF-8, as a path may have, become U+FFFD.
std::string json_text(const nlohmann::ordered_json& value);

}  // namespace rhoflux::inference
