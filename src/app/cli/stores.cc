#include "app/stores.h"
#include "app/cli/commands.h"
#include "base/json.h"
#include "base/log.h"
#include "service/store_trial.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>

namespace slipway::app::cli {

namespace {

constexpr std::chrono::seconds kEndLimit{10};

// The stores of a configuration, opened beside whatever else uses them.
class OpenStores {
public:
    explicit OpenStores(const Config& config) : pool_(config.process.blocking_threads) {
        auto opened = Stores::create(config, io_.get_executor(), pool_);
        if (opened)
            stores_ = std::move(*opened);
        else
            error_ = opened.error();
    }

    [[nodiscard]] const std::optional<Error>& error() const { return error_; }
    [[nodiscard]] Stores& stores() { return *stores_; }
    [[nodiscard]] BlockingPool& pool() { return pool_; }
    [[nodiscard]] asio::io_context& io() { return io_; }

    // Runs `work` to its end, then closes the stores.
    void run(std::function<awaitable<void>()> work) {
        TaskGroup sessions(io_.get_executor());
        std::exception_ptr thrown;
        auto all = [&]() -> awaitable<void> {
            stores_->keep_alive(sessions);
            co_await work();
            sessions.cancel(asio::cancellation_type::terminal);
            co_await sessions.wait(after(kEndLimit));
            co_await stores_->close();
        };
        asio::co_spawn(io_, all(), [&](std::exception_ptr error) {
            thrown = error;
            io_.stop();
        });
        io_.run();
        pool_.join();
        if (thrown) std::rethrow_exception(thrown);
    }

private:
    asio::io_context io_{1};
    BlockingPool pool_;
    std::unique_ptr<Stores> stores_;
    std::optional<Error> error_;
};

// Warnings only, on standard error: what is printed is for whoever runs the command.
void log_quietly() {
    log::Options options;
    options.level = log::Level::warning;
    log::configure(options);
}

std::string in_units(double bytes) {
    constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", bytes, kUnits[unit]);
    return text.data();
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

std::uint64_t bytes_of(const Account& account) {
    return account.bytes_through + account.bytes_copied;
}

// Tells how a trial goes, and remembers it for --json.
class TrialReport {
public:
    TrialReport(const StoreTestOptions& options, const StoreConfig& store) : options_(options) {
        json_.begin_object().member("store", store.id.str());
        json_.member("size", static_cast<std::int64_t>(options.size_bytes));
        json_.key("steps").begin_array();
    }

    void take(const service::TrialStep& step) {
        write(step);
        if (options_.json || (options_.quiet && !step.error)) return;
        const char* const outcome = step.error             ? "FAILED"
                                    : step.skipped.empty() ? "ok"
                                                           : "left out";
        std::cout << padded(outcome, 9) << padded(step.name, 15) << step.where;
        const Account& account = step.account;
        if (step.error)
            std::cout << ": " << step.error->message;
        else if (!step.skipped.empty())
            std::cout << ": " << step.skipped;
        else
            std::cout << numbers(account);
        std::cout << std::endl;
    }

    void take(store::Observation observation) {
        if (!options_.json && !(options_.quiet && observation.verdict != store::Verdict::differs)) {
            std::cout << padded(std::string(to_string(observation.verdict)), 9)
                      << padded(observation.name, 24) << observation.seen << std::endl;
        }
        observations_.push_back(std::move(observation));
    }

    // The JSON object.
    [[nodiscard]] std::string finish(const std::optional<Error>& failure) {
        json_.end_array().key("assumptions").begin_array();
        for (const store::Observation& told : observations_) {
            json_.begin_object().member("name", told.name);
            json_.member("verdict", to_string(told.verdict)).member("seen", told.seen).end_object();
        }
        json_.end_array();
        json_.member("result", failure ? "failed" : "ok").end_object();
        return json_.text();
    }

    [[nodiscard]] std::ptrdiff_t differences() const {
        return std::ranges::count_if(observations_, [](const store::Observation& told) {
            return told.verdict == store::Verdict::differs;
        });
    }

private:
    static std::string numbers(const Account& account) {
        std::array<char, 48> seconds{};
        std::snprintf(seconds.data(), seconds.size(), "  %.3f s", account.seconds);
        std::string text = seconds.data();
        const auto bytes = static_cast<double>(bytes_of(account));
        if (bytes > 0) text = "  " + in_units(bytes) + text;
        if (bytes > 0 && account.seconds > 0)
            text += "  " + in_units(bytes / account.seconds) + "/s";
        return text + (account.path.empty() ? "" : "  " + account.path);
    }

    void write(const service::TrialStep& step) {
        const Account& account = step.account;
        const std::uint64_t bytes = bytes_of(account);
        json_.begin_object().member("step", step.name).member("datastore", step.where);
        json_.member("outcome", step.error ? "failed" : step.skipped.empty() ? "ok" : "left_out");
        json_.member("path", account.path).member("bytes", static_cast<std::int64_t>(bytes));
        json_.member("bytes_through", static_cast<std::int64_t>(account.bytes_through));
        json_.key("seconds").number(account.seconds).key("bytes_per_second");
        if (bytes > 0 && account.seconds > 0)
            json_.integer(std::llround(static_cast<double>(bytes) / account.seconds));
        else
            json_.null();
        json_.key("message");
        if (step.error)
            json_.string(step.error->message);
        else if (!step.skipped.empty())
            json_.string(step.skipped);
        else
            json_.null();
        json_.end_object();
    }

    const StoreTestOptions& options_;
    json::Writer json_;
    std::vector<store::Observation> observations_;
};

// DATACENTER/DATASTORE; the datacenter's path may hold slashes.
Result<std::vector<store::TrialTarget>> read_targets(const std::vector<std::string>& texts) {
    std::vector<store::TrialTarget> targets;
    for (std::string text : texts) {
        if (text.starts_with('/')) text.erase(0, 1);
        const auto slash = text.rfind('/');
        if (slash == std::string::npos || slash == 0 || slash + 1 == text.size())
            return Error(
                Errc::invalid_argument,
                "--target is \"" + text + "\"; write DATACENTER/DATASTORE, as DC0/work"
            );
        targets.push_back({text.substr(0, slash), text.substr(slash + 1), false});
    }
    return targets;
}

// The first signal asks the trial to end and to remove what it made; the second ends everything.
class Interrupt {
public:
    explicit Interrupt(asio::io_context& io) : signals_(io, SIGINT, SIGTERM) { wait(); }

    [[nodiscard]] bool asked() const { return asked_.load(); }

private:
    void wait() {
        signals_.async_wait([this](const boost::system::error_code& error, int) {
            if (error) return;
            if (asked_.exchange(true)) std::_Exit(exit_interrupted);
            std::cerr << "slipway: removing what was made; once more to leave it there\n";
            wait();
        });
    }

    asio::signal_set signals_;
    std::atomic<bool> asked_ = false;
};

awaitable<void> tell_of_remains(store::TrialGround& ground, const Call& call) {
    const auto remains = co_await ground.remains(call);
    if (!remains || remains->empty()) co_return;
    for (const std::string& name : *remains)
        std::cerr << "slipway: an earlier test, or one that runs now, has left " << name << "\n";
    std::cerr << "slipway: when none runs, remove it by slipway store test --clean\n";
}

int exit_code(const std::optional<Error>& failure) {
    if (!failure) return exit_done;
    return failure->code == Errc::cancelled ? exit_interrupted : exit_code_of(failure->code);
}

}  // namespace

int store_list(const StoreListOptions& options) {
    const auto config = load(default_sources(options.sources));
    if (!config) return complain(config.error());
    log_quietly();
    OpenStores open(*config);
    if (open.error()) return complain(*open.error());
    const Call call{"store-list", kNoDeadline};
    int code = exit_done;
    json::Writer json;
    json.begin_object().key("stores").begin_array();
    open.run([&]() -> awaitable<void> {
        for (const auto& backend : open.stores().backends().all()) {
            const BackendInfo& info = backend->info();
            const auto datastores = co_await backend->datastores(call);
            json.begin_object().member("id", info.id.str()).member("type", info.type);
            json.member("weight", std::int64_t{info.weight}).member("default", info.is_default);
            json.key("error");
            if (datastores)
                json.null();
            else
                json.string(datastores.error().message);
            json.key("datastores").begin_array();
            if (!options.json)
                std::cout << padded(info.id.str(), 16) << padded(info.type, 8)
                          << (info.is_default ? "default" : "") << "\n";
            if (!datastores && !options.json) complain(datastores.error());
            if (!datastores) code = exit_code_of(datastores.error().code);
            for (const DatastoreStatus& one :
                 datastores ? *datastores : std::vector<DatastoreStatus>()) {
                json.begin_object().member("name", one.name).member("type", one.type);
                json.member("capacity", static_cast<std::int64_t>(one.capacity_bytes));
                json.member("free", static_cast<std::int64_t>(one.free_bytes));
                json.member("state", one.accessible ? "up" : "down").end_object();
                if (options.json) continue;
                std::cout << "  " << padded(one.name, 30) << " " << padded(one.type, 8)
                          << in_units(static_cast<double>(one.free_bytes)) << " free of "
                          << in_units(static_cast<double>(one.capacity_bytes))
                          << (one.accessible ? "" : "  can not be used at present") << "\n";
            }
            json.end_array().end_object();
        }
    });
    json.end_array().end_object();
    if (options.json) std::cout << json.text() << "\n";
    return code;
}

int store_test(const StoreTestOptions& options) {
    auto config = load(default_sources(options.sources));
    if (!config) return complain(config.error());
    log_quietly();
    auto trial = trial_config(std::move(*config), options.store);
    if (!trial) return complain(trial.error());
    auto targets = read_targets(options.targets);
    if (!targets) return complain(targets.error());
    trial->targets = std::move(*targets);

    OpenStores open(trial->config);
    if (open.error()) return complain(*open.error());
    const auto ground = open.stores().trial_ground(*trial, open.pool());
    const Call call{trial->name, kNoDeadline};
    if (options.clean) {
        Result<void> cleaned;
        open.run([&]() -> awaitable<void> { cleaned = co_await ground->clear_remains(call); });
        return cleaned ? exit_done : complain(cleaned.error());
    }

    TrialReport report(options, trial->original);
    Interrupt interrupt(open.io());
    service::StoreTrial test({
        *open.stores().backends().all().front(),
        *ground,
        open.pool(),
        options.size_bytes,
        [&](const service::TrialStep& step) { report.take(step); },
        [&](const store::Observation& observation) { report.take(observation); },
        [&] { return interrupt.asked(); },
    });
    open.run([&]() -> awaitable<void> {
        co_await tell_of_remains(*ground, call);
        co_await test.run(call);
    });
    const auto& failure = test.failure();
    if (options.json) {
        std::cout << report.finish(failure) << "\n";
    } else if (!options.quiet && !failure) {
        std::cout << "All steps are done; " << report.differences()
                  << " answers differ from what slipway relies on, see docs/untried.md\n";
    }
    if (failure) complain(*failure);
    return exit_code(failure);
}

}  // namespace slipway::app::cli
