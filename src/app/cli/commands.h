#pragma once

#include "app/config.h"
#include "base/secret.h"

#include <cstdint>
#include <functional>
#include <string>

// The commands of the one binary, each with what its command line said. Every one prints for itself
// (results on standard output, errors on standard error) and returns an exit code.
namespace slipway::app::cli {

enum ExitCode : int {
    exit_done = 0,
    exit_failed = 1,
    exit_usage = 2,  // wrong usage or configuration
    exit_not_found = 3,
    exit_conflict = 4,
    exit_unreachable = 5,
};

// The exit code that tells a program what `code` tells a caller.
int exit_code_of(Errc code);

// Prints "slipway: message", line by line, on standard error and returns the exit code of the
// error.
int complain(const Error& error);

struct ServeOptions {
    ConfigSources sources;  // dev_directory is set by --dev
};

struct DbOptions {
    ConfigSources sources;
};

struct ConfigCheckOptions {
    ConfigSources sources;
    bool strict = false;  // warnings fail, too
    bool json = false;
};

struct ConfigShowOptions {
    ConfigSources sources;
    bool all = false;  // defaults, too
    bool json = false;
};

struct CloneOptions {
    std::string image;  // its id
    std::string datacenter;
    std::string datastore;
    std::string path;
    std::string url = "http://127.0.0.1:9292";  // of the server, without /slipway/v1
    Secret token;                               // may be empty
    bool wait = true;
    bool quiet = false;
    bool json = false;
};

struct VersionOptions {
    bool json = false;
};

// Defined beside the application, which they start.
int serve(const ServeOptions& options);
int db_sync(const DbOptions& options);
int db_version(const DbOptions& options);

// 0: fine; 1: warnings, with `strict`; 2: mistakes. A secret that every user can read is a mistake
// here.
int config_check(const ConfigCheckOptions& options);
int config_show(const ConfigShowOptions& options);
int config_sample();

// Asks a server for a clone and waits for its task, with a progress bar on a terminal.
int clone(const CloneOptions& options);

int version(const VersionOptions& options);

// What `serve --dev` prints once it listens on `port`: what it is, and three lines to paste.
std::string dev_banner(std::uint16_t port);

// What run() calls; main() fills in the functions above, tests their own.
struct Commands {
    std::function<int(const ServeOptions&)> serve;
    std::function<int(const DbOptions&)> db_sync;
    std::function<int(const DbOptions&)> db_version;
    std::function<int(const ConfigCheckOptions&)> config_check;
    std::function<int(const ConfigShowOptions&)> config_show;
    std::function<int()> config_sample;
    std::function<int(const CloneOptions&)> clone;
    std::function<int(const VersionOptions&)> version;
};

// Reads the command line and calls one command. Help and wrong usage are answered here.
int run(int argc, const char* const* argv, const Commands& commands);

}  // namespace slipway::app::cli
