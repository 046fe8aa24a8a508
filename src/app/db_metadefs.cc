// The commands of `slipway db` that carry metadata definitions in and out.
#include "app/cli/commands.h"
#include "app/config.h"
#include "app/metadef_files.h"
#include "store/catalog.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <iostream>

namespace slipway::app::cli {

namespace {

template <class T>
T await(awaitable<T> operation) {
    asio::io_context io;
    auto result = asio::co_spawn(io, std::move(operation), asio::use_future);
    io.run();
    return result.get();
}

Result<std::unique_ptr<store::Catalog>> open_catalog(
    const ConfigSources& sources, const Clock& clock
) {
    SLIPWAY_TRY(const Config config, load(default_sources(sources)));
    return store::Catalog::open(config.database.catalog_options(), clock);
}

store::MetadefMerge merge_of(const LoadMetadefsOptions& options) {
    if (!options.merge) return store::MetadefMerge::skip;
    if (options.overwrite) return store::MetadefMerge::replace;
    return options.prefer_new ? store::MetadefMerge::prefer_new : store::MetadefMerge::add;
}

std::string_view word_of(store::MetadefOutcome outcome) {
    switch (outcome) {
        case store::MetadefOutcome::added:
            return "loaded";
        case store::MetadefOutcome::skipped:
            return "is there already";
        case store::MetadefOutcome::merged:
            return "merged";
        case store::MetadefOutcome::replaced:
            return "replaced";
    }
    return "loaded";
}

Result<void> load_metadefs(const LoadMetadefsOptions& options) {
    SLIPWAY_TRY(const auto namespaces, read_metadef_files(options.path));
    const SystemClock clock;
    SLIPWAY_TRY(const auto catalog, open_catalog(options.sources, clock));
    SLIPWAY_TRY(
        const auto outcomes, await(catalog->metadefs().load(namespaces, merge_of(options)))
    );
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        std::cout << namespaces[i].name << ": " << word_of(outcomes[i]) << "\n";
    return {};
}

Result<void> export_metadefs(const ExportMetadefsOptions& options) {
    const SystemClock clock;
    SLIPWAY_TRY(const auto catalog, open_catalog(options.sources, clock));
    SLIPWAY_TRY(const auto namespaces, await(catalog->metadefs().load_all()));
    SLIPWAY_TRY(const auto names, write_metadef_files(options.path, namespaces));
    for (std::size_t i = 0; i < names.size(); ++i)
        std::cout << namespaces[i].name << ": " << names[i] << "\n";
    return {};
}

Result<void> unload_metadefs(const UnloadMetadefsOptions& options) {
    const SystemClock clock;
    SLIPWAY_TRY(const auto catalog, open_catalog(options.sources, clock));
    if (!options.yes) {
        SLIPWAY_TRY(const auto namespaces, await(catalog->metadefs().load_all()));
        for (const MetadefNamespace& space : namespaces) std::cout << space.name << "\n";
        return Error(
            Errc::invalid_argument,
            "these " + std::to_string(namespaces.size()) +
                " namespaces would be removed, with all they hold; say --yes to remove them"
        );
    }
    SLIPWAY_TRY(const auto removed, await(catalog->metadefs().unload()));
    std::cout << removed << " namespaces removed\n";
    return {};
}

int told(const Result<void>& result) {
    return result ? int{exit_done} : complain(result.error());
}

}  // namespace

int db_load_metadefs(const LoadMetadefsOptions& options) {
    return told(load_metadefs(options));
}

int db_export_metadefs(const ExportMetadefsOptions& options) {
    return told(export_metadefs(options));
}

int db_unload_metadefs(const UnloadMetadefsOptions& options) {
    return told(unload_metadefs(options));
}

}  // namespace slipway::app::cli
