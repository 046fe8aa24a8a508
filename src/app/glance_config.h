#pragma once

#include "app/config.h"

#include <string>
#include <string_view>
#include <vector>

// What the configuration of a Glance means to slipway.
namespace slipway::app {

enum class ImportVerdict {
    kept,           // has the same meaning here
    renamed,        // the same under another name; the old one is understood
    not_needed,     // what it does for Glance needs nothing here
    not_supported,  // what it asks for is not done here
};

std::string_view to_string(ImportVerdict verdict);

struct ImportedOption {
    Origin origin;
    std::string group;
    std::string name;
    ImportVerdict verdict = ImportVerdict::kept;
    std::string note;  // why, or the name now; may be empty
};

struct ImportReport {
    std::vector<ImportedOption> options;  // as they are written, in order
    // What has to be read behind the files, as one more; empty: nothing.
    std::string second_file;
    // About the files and the second one together.
    std::vector<Finding> findings;

    [[nodiscard]] bool starts() const;  // no mistake is left
};

ImportReport import_config(ConfigSources sources);

// All of it as the second file, with the verdicts as comments: what is printed can be saved and
// used. `files`: as the command line names them.
std::string import_text(const ImportReport& report, const std::vector<std::string>& files);

// Why an option of Glance that slipway does not have is missing here; part of import_config.
// Absent for what Glance does not have either.
struct GlanceOption {
    ImportVerdict verdict = ImportVerdict::not_supported;
    std::string_view why;
};
std::optional<GlanceOption> glance_option(std::string_view group, std::string_view name);

}  // namespace slipway::app
