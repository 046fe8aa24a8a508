#include "app/glance_config.h"

#include <algorithm>

namespace slipway::app {

namespace {

ImportedOption imported(const WrittenOption& written) {
    ImportedOption option{written.origin, written.group, written.name, ImportVerdict::kept, {}};
    if (written.spec != nullptr && written.spec->ignored.empty()) return option;
    if (written.spec != nullptr) {
        option.verdict = ImportVerdict::not_needed;
        option.note = written.spec->ignored;
    } else if (!written.written_now.empty()) {
        option.verdict = ImportVerdict::renamed;
        option.note = "now " + written.written_now;
    } else if (const auto known = glance_option(written.group, written.name)) {
        option.verdict = known->verdict;
        option.note = known->why;
    } else {
        option.verdict = ImportVerdict::not_supported;
        option.note = "no option of slipway";
    }
    return option;
}

// Whether the files name no database that slipway uses.
bool needs_catalogue(const ConfigReport& report) {
    return std::any_of(report.findings.begin(), report.findings.end(), [](const Finding& finding) {
        return finding.severity == Severity::mistake &&
               finding.what.starts_with("[database] connection ");
    });
}

std::string count_of(const std::vector<ImportedOption>& options, ImportVerdict verdict) {
    const auto count = std::count_if(options.begin(), options.end(), [&](const auto& option) {
        return option.verdict == verdict;
    });
    return std::to_string(count) + " " + std::string(to_string(verdict));
}

}  // namespace

std::string_view to_string(ImportVerdict verdict) {
    switch (verdict) {
        case ImportVerdict::kept:
            return "kept";
        case ImportVerdict::renamed:
            return "renamed";
        case ImportVerdict::not_needed:
            return "not needed";
        case ImportVerdict::not_supported:
            return "not supported";
    }
    return "kept";
}

bool ImportReport::starts() const {
    return std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
        return finding.severity == Severity::mistake;
    });
}

ImportReport import_config(ConfigSources sources) {
    const ConfigReport first = read_config(sources);
    ImportReport report;
    for (const WrittenOption& written : first.written) report.options.push_back(imported(written));
    if (needs_catalogue(first)) {
        report.second_file = "[database]\nconnection = sqlite:////var/lib/slipway/catalog.db\n";
        sources.last_text = report.second_file;
        for (ImportedOption& option : report.options) {
            if (option.group != "database" || option.name != "connection") continue;
            option.verdict = ImportVerdict::not_supported;
            option.note = "that database is Glance's own; what is said below takes its place";
        }
    }
    for (const Finding& finding : read_config(sources).findings)
        if (finding.severity != Severity::warning) report.findings.push_back(finding);
    return report;
}

std::string import_text(const ImportReport& report, const std::vector<std::string>& files) {
    std::string text;
    for (const ImportedOption& option : report.options) {
        text += "# " + option.origin.str() + ": [" + option.group + "] " + option.name + ": " +
                std::string(to_string(option.verdict));
        text += option.note.empty() ? "\n" : ", " + option.note + "\n";
    }
    text += "#\n# " + count_of(report.options, ImportVerdict::kept) + ", " +
            count_of(report.options, ImportVerdict::renamed) + ", " +
            count_of(report.options, ImportVerdict::not_needed) + ", " +
            count_of(report.options, ImportVerdict::not_supported) + ".\n";
    std::string command = "slipway serve";
    for (const std::string& file : files) command += " --config-file " + file;
    if (report.second_file.empty())
        return text + "# Nothing else is needed:\n#   " + command + "\n";
    return text + "# Save this, and start slipway with it behind the files:\n#   " + command +
           " --config-file THIS\n# Several servers share a PostgreSQL database instead:\n"
           "#   connection = postgresql://USER@HOST/slipway\n" +
           report.second_file;
}

}  // namespace slipway::app
