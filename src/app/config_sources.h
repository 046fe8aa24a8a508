#pragma once

#include "app/config.h"
#include "app/config_reader.h"

#include <vector>

// From files to values; part of read_config.
namespace slipway::app {

// Every assignment of the sources, in their order. What can not be read is a mistake.
std::vector<IniValue> read_values(const ConfigSources& sources, std::vector<Mistake>& mistakes);

// Finds files with a secret, and private keys, that every user of the machine can read.
void report_permissions(ConfigReader& reader);

}  // namespace slipway::app
