#include "app/cli/commands.h"

#include "app/config_text.h"
#include "app/glance_config.h"
#include "base/json.h"

#include <openssl/crypto.h>
#include <boost/version.hpp>

#include <algorithm>
#include <iostream>
#include <sstream>

namespace slipway::app::cli {

namespace {

bool stops_check(const Finding& finding) {
    return finding.severity != Severity::warning;
}

std::string boost_version() {
    return std::to_string(BOOST_VERSION / 100'000) + "." +
           std::to_string(BOOST_VERSION / 100 % 1000) + "." + std::to_string(BOOST_VERSION % 100);
}

}  // namespace

int exit_code_of(Errc code) {
    switch (code) {
        case Errc::invalid_argument:
            return exit_usage;
        case Errc::not_found:
        case Errc::gone:
            return exit_not_found;
        case Errc::conflict:
            return exit_conflict;
        case Errc::unavailable:
        case Errc::timeout:
            return exit_unreachable;
        default:
            return exit_failed;
    }
}

int complain(const Error& error) {
    std::istringstream lines(error.message);
    for (std::string line; std::getline(lines, line);) std::cerr << "slipway: " << line << "\n";
    return exit_code_of(error.code);
}

int config_check(const ConfigCheckOptions& options) {
    const ConfigReport report = read_config(options.sources);
    const auto stops = std::count_if(report.findings.begin(), report.findings.end(), stops_check);
    const auto warnings = static_cast<std::ptrdiff_t>(report.findings.size()) - stops;
    if (options.json) {
        std::cout << findings_json(report.findings);
    } else {
        std::cerr << findings_text(report.findings);
        std::cout << "slipway: the configuration has " << stops << " mistake"
                  << (stops == 1 ? "" : "s") << " and " << warnings << " warning"
                  << (warnings == 1 ? "" : "s") << "\n";
    }
    if (stops > 0) return exit_usage;
    return options.strict && warnings > 0 ? exit_failed : exit_done;
}

int config_show(const ConfigShowOptions& options) {
    const ConfigReport report = read_config(options.sources);
    std::cout
        << (options.json ? settings_json(report.settings, options.all)
                         : settings_text(report.settings, options.all));
    if (!report.has(Severity::mistake)) return exit_done;
    std::cerr << "slipway: the configuration has mistakes; run slipway config check\n";
    return exit_usage;
}

int config_sample() {
    std::cout << sample_text();
    return exit_done;
}

int config_import(const ConfigImportOptions& options) {
    const ImportReport report = import_config(options.sources);
    std::cout << import_text(report, options.sources.files);
    std::cerr << findings_text(report.findings);
    return report.starts() ? exit_done : exit_usage;
}

int version(const VersionOptions& options) {
    if (!options.json) {
        std::cout << "slipway " << SLIPWAY_VERSION << "\n";
        return exit_done;
    }
    json::Writer writer;
    writer.begin_object()
        .member("version", SLIPWAY_VERSION)
        .member("commit", SLIPWAY_COMMIT)
        .member("compiler", __VERSION__)
        .key("libraries")
        .begin_object()
        .member("boost", boost_version())
        .member("openssl", OpenSSL_version(OPENSSL_VERSION_STRING))
        .end_object()
        .end_object();
    std::cout << writer.text() << "\n";
    return exit_done;
}

std::string dev_banner(std::uint16_t port, std::uint16_t service_port) {
    const std::string client =
        "  openstack --os-auth-type none --os-endpoint http://127.0.0.1:" + std::to_string(port) +
        " image ";
    return "slipway serves a folder for development: on loopback only, and without "
           "authentication.\n"
           "Everyone on this machine is its administrator; with any X-Service-Token, or on port " +
           std::to_string(service_port) +
           ", also a service.\n\n"
           "The stock client, in the folder of slipway's sources:\n"
           "  PATH=\"$(tests/peers/venvs.py clients)/bin:$PATH\"\n\n"
           "Upload, list, download, compare:\n"
           "  seq 200000 > try.raw\n" +
           client + "create --disk-format raw --container-format bare --file try.raw try\n" +
           client + "list\n" + client +
           "save --file copy.raw try\n"
           "  cmp try.raw copy.raw && echo equal\n" +
           client + "delete try\n";
}

}  // namespace slipway::app::cli
