#pragma once

#include "app/config.h"

#include <string>
#include <vector>

// The configuration as text, for people and programs. Secrets are masked in all of it.
namespace slipway::app {

// Every option with its help, commented out: etc/slipway.conf.sample.
std::string sample_text();

// The reference in Markdown: docs/configuration.md.
std::string reference_text();

// What is in force, as INI with the origin of each value behind it; with `all`, defaults too.
std::string settings_text(const std::vector<ShownSetting>& settings, bool all);
// One JSON object per option and line.
std::string settings_json(const std::vector<ShownSetting>& settings, bool all);

// One finding per line: "mistake: path:12: what".
std::string findings_text(const std::vector<Finding>& findings);
std::string findings_json(const std::vector<Finding>& findings);

}  // namespace slipway::app
