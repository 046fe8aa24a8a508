#pragma once

#include "app/config.h"
#include "app/config_reader.h"

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

// From files to values; part of read_config.
namespace slipway::app {

// Every assignment of the sources, in their order. What can not be read is a mistake.
std::vector<IniValue> read_values(const ConfigSources& sources, std::vector<Mistake>& mistakes);

// The files of a folder in the order of their names, without those that begin with a dot.
std::vector<std::string> files_in(const std::string& directory, std::error_code& failure);

// The file or folder `name` beside the configuration; empty when there is none. Looked for in the
// folders of sources.directories, then beside the files, the last one first.
// Source: oslo.config, ConfigOpts.find_file.
std::string find_beside_configuration(
    const ConfigSources& sources, const std::string& name, std::filesystem::file_type type
);

// Finds files with a secret, and private keys, that every user of the machine can read.
void report_permissions(ConfigReader& reader);

}  // namespace slipway::app
