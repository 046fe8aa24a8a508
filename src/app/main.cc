#include "app/cli/commands.h"

#include <csignal>

int main(int argc, char** argv) {
    using namespace slipway::app;
    // A client that goes away is an error code of a write, not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
    const cli::Commands commands{
        cli::serve,
        cli::db_sync,
        cli::db_version,
        cli::db_load_metadefs,
        cli::db_export_metadefs,
        cli::db_unload_metadefs,
        cli::config_check,
        cli::config_show,
        cli::config_sample,
        cli::config_import,
        cli::clone,
        cli::seed,
        cli::evacuate,
        cli::store_list,
        cli::store_test,
        cli::import_glance,
        cli::version};
    return cli::run(argc, argv, commands);
}
