#include "app/application.h"
#include "app/cli/commands.h"
#include "app/config.h"
#include "base/log.h"
#include "store/catalog.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <filesystem>
#include <iostream>

namespace slipway::app::cli {

namespace {

// The folders that --dev keeps everything in.
Result<void> make_dev_folders(const std::string& directory) {
    for (const char* name : {"images", "clones"}) {
        std::error_code error;
        std::filesystem::create_directories(std::filesystem::path(directory) / name, error);
        if (error)
            return Error(
                Errc::unavailable,
                "can not make a folder below " + directory + " (" + error.message() +
                    "); name another one with --dev"
            );
    }
    return {};
}

// Memory holds passwords, tokens and image bytes: no core file of it, and no look by others of the
// same user.
void keep_memory_private() {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace

int serve(const ServeOptions& options) {
    keep_memory_private();
    if (options.sources.dev_directory) {
        const auto made = make_dev_folders(*options.sources.dev_directory);
        if (!made) return complain(made.error());
    }
    auto config = load(default_sources(options.sources));
    if (!config) return complain(config.error());
    log::configure(config->log);
    auto application = Application::create(*config);
    if (!application) return complain(application.error());
    if (options.sources.dev_directory) {
        const auto& ports = (*application)->ports();
        std::cout << dev_banner(ports.front(), ports.back()) << std::flush;
    }
    (*application)->run();
    return exit_done;
}

int db_sync(const DbOptions& options) {
    const auto config = load(default_sources(options.sources));
    if (!config) return complain(config.error());
    const SystemClock clock;
    const auto catalog = store::Catalog::open(config->database.catalog_options(), clock);
    if (!catalog) return complain(catalog.error());
    std::cout << "The catalogue's schema is up to date.\n";
    return exit_done;
}

int db_version(const DbOptions& options) {
    const auto config = load(default_sources(options.sources));
    if (!config) return complain(config.error());
    const auto version = store::Catalog::schema_version(config->database.catalog_options());
    if (!version) return complain(version.error());
    std::cout << *version << "\n";
    return exit_done;
}

}  // namespace slipway::app::cli
