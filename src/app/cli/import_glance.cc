// `slipway import-glance`: takes over what a Glance remembers.
#include "app/cli/commands.h"
#include "app/stores.h"
#include "base/json.h"
#include "base/log.h"
#include "service/glance_import.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <csignal>
#include <iostream>
#include <memory>
#include <optional>

namespace slipway::app::cli {

namespace {

using service::TakeoverCounts;
using service::TakeoverRemark;
using service::TakeoverReport;

volatile std::sig_atomic_t interrupts = 0;

// The first one ends the work behind the image that is under way, the second one the process.
void note_interrupt(int signal) {
    interrupts = interrupts + 1;
    std::signal(signal, SIG_DFL);
}

std::string_view word_of(TakeoverRemark::Outcome outcome) {
    return outcome == TakeoverRemark::Outcome::left ? "left" : "differs";
}

std::string json_of(const TakeoverRemark& remark) {
    json::Writer writer;
    writer.begin_object().member("outcome", word_of(remark.outcome)).member("kind", remark.kind);
    writer.member("id", remark.id).member("name", remark.name).member("reason", remark.reason);
    writer.end_object();
    return writer.text();
}

std::string text_of(const TakeoverRemark& remark) {
    std::string text(word_of(remark.outcome));
    text += (text.size() < 8 ? std::string(8 - text.size(), ' ') : " ") + remark.kind + " ";
    text += remark.id;
    if (!remark.name.empty()) text += " (" + remark.name + ")";
    return text + ": " + remark.reason;
}

void write_counts(json::Writer& writer, const char* name, const TakeoverCounts& counts) {
    const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    writer.key(name).begin_object().member("taken", number(counts.taken));
    writer.member("here", number(counts.here)).member("differ", number(counts.differ));
    writer.member("left", number(counts.left)).end_object();
}

std::string json_of(const TakeoverReport& report, bool dry_run, bool is_whole) {
    const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    json::Writer writer;
    writer.begin_object().member("outcome", is_whole ? "done" : "failed");
    writer.member("dry_run", dry_run);
    write_counts(writer, "images", report.images);
    write_counts(writer, "namespaces", report.namespaces);
    writer.member("locations", number(report.locations)).member("members", number(report.members));
    writer.member("tags", number(report.tags)).member("properties", number(report.properties));
    writer.member("deleted_in_glance", number(report.deleted)).end_object();
    return writer.text();
}

std::string text_of(const TakeoverReport& report, bool dry_run) {
    const TakeoverCounts& images = report.images;
    const TakeoverCounts& spaces = report.namespaces;
    const auto line = [](const std::string& what, std::uint64_t images_of, std::uint64_t spaces_of
                      ) {
        return what + std::to_string(images_of) + " images, " + std::to_string(spaces_of) +
               " namespaces of metadata definitions\n";
    };
    return line(
               dry_run ? "would take over:   " : "taken over:        ", images.taken, spaces.taken
           ) +
           "                   with " + std::to_string(report.locations) + " locations, " +
           std::to_string(report.members) + " members, " + std::to_string(report.tags) + " tags, " +
           std::to_string(report.properties) + " properties\n" +
           line("here already:      ", images.here, spaces.here) +
           line("here, but differs: ", images.differ, spaces.differ) +
           line("left:              ", images.left, spaces.left) +
           "deleted in Glance: " + std::to_string(report.deleted) + " images\n";
}

// The stores as they are configured, which are asked for nothing but how they name things.
class NamedStores {
public:
    static Result<std::unique_ptr<NamedStores>> create(const Config& config) {
        auto named = std::unique_ptr<NamedStores>(new NamedStores());
        SLIPWAY_TRY(
            named->stores_, Stores::create(config, named->io_.get_executor(), named->pool_)
        );
        return named;
    }
    ~NamedStores() {
        if (stores_) asio::co_spawn(io_, stores_->close(), asio::detached);
        io_.run();
        pool_.join();
    }
    NamedStores(const NamedStores&) = delete;
    NamedStores& operator=(const NamedStores&) = delete;

    [[nodiscard]] const store::BackendSet& backends() { return stores_->backends(); }

private:
    NamedStores() = default;

    asio::io_context io_{1};
    BlockingPool pool_{1};
    std::unique_ptr<Stores> stores_;
};

// `report` is what was done so far, also after an error; absent when nothing was begun.
Result<void> take_over(const ImportGlanceOptions& options, std::optional<TakeoverReport>& report) {
    SLIPWAY_TRY(const Config config, load(default_sources(options.sources)));
    SLIPWAY_TRY(const auto stores, NamedStores::create(config));
    auto database = store::GlanceDatabase::open(options.connection.reveal());
    if (!database) return database.error().while_doing("Glance's database");
    const SystemClock clock;
    const auto catalog_options = config.database.catalog_options();
    SLIPWAY_TRY(
        const auto catalog,
        options.dry_run ? store::TakeoverCatalog::look(catalog_options)
                        : store::TakeoverCatalog::open(catalog_options, clock)
    );
    store::GlanceReader reader(**database);
    service::GlanceImport import(
        reader,
        *catalog,
        stores->backends(),
        {options.dry_run,
         options.key,
         [&](const TakeoverRemark& remark) {
             std::cout << (options.json ? json_of(remark) : text_of(remark)) << "\n";
         },
         [] { return interrupts != 0; }}
    );
    auto done = (*database)->look([&] { return import.run(); });
    report = import.report();
    return done;
}

}  // namespace

int import_glance(const ImportGlanceOptions& options) {
    log::Options quiet;
    quiet.level = log::Level::warning;
    log::configure(quiet);
    std::signal(SIGINT, note_interrupt);
    std::signal(SIGTERM, note_interrupt);
    std::optional<TakeoverReport> report;
    const auto done = take_over(options, report);
    if (!report) return complain(done.error());
    std::cout << (options.json ? json_of(*report, options.dry_run, done.has_value()) + "\n"
                               : text_of(*report, options.dry_run))
              << std::flush;
    if (!done) {
        const int code = complain(done.error());
        return done.error().code == Errc::cancelled ? int{exit_interrupted} : code;
    }
    return report->remarks > 0 ? exit_failed : exit_done;
}

}  // namespace slipway::app::cli
