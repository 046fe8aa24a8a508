#pragma once

#include "app/config.h"
#include "base/secret.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

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
    exit_interrupted = 130,
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

struct LoadMetadefsOptions {
    ConfigSources sources;
    std::string path;         // a folder of *.json files, or a file
    bool merge = false;       // into namespaces that are there; else they stay as they are
    bool prefer_new = false;  // with `merge`: the file's word counts
    bool overwrite = false;   // with `merge`: what is there goes before
};

struct ExportMetadefsOptions {
    ConfigSources sources;
    std::string path;  // a folder
};

struct UnloadMetadefsOptions {
    ConfigSources sources;
    bool yes = false;  // else what would be removed is told
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

struct ConfigImportOptions {
    ConfigSources sources;  // the files of a Glance
};

// A server that is asked for work, and how to tell of it.
struct ServerOptions {
    std::string url = "http://127.0.0.1:9292";  // without /slipway/v1
    Secret token;                               // may be empty
    bool wait = true;
    bool quiet = false;
    bool json = false;
};

struct CloneOptions : ServerOptions {
    std::string image;  // its id
    std::string datacenter;
    std::string datastore;
    std::string path;
};

struct SeedOptions : ServerOptions {
    std::string image;  // its id
    std::string datacenter;
    std::string datastore;
    std::string cache_prefix;
    std::vector<std::uint64_t> sizes_gib;
    bool stop = false;    // keep it no longer, instead
    bool remove = false;  // and remove the disks, where no VM needs one
};

struct EvacuateOptions : ServerOptions {
    std::string store;
    std::string datastore;  // as GET /slipway/v1/stores names it
};

struct StoreListOptions {
    ConfigSources sources;
    bool json = false;
};

struct StoreTestOptions {
    ConfigSources sources;
    std::string store;                      // its id
    std::uint64_t size_bytes = 64U << 20U;  // of the disk that is written
    std::vector<std::string>
        targets;         // DATACENTER/DATASTORE, where clones and seeds are tried, too
    bool clean = false;  // remove what earlier tests left, instead
    bool quiet = false;
    bool json = false;
};

struct ImportGlanceOptions {
    ConfigSources sources;
    Secret connection;  // the URL of Glance's database, as SQLAlchemy spells it
    Secret key;         // its metadata_encryption_key; may be empty
    bool dry_run = false;
    bool json = false;
};

struct VersionOptions {
    bool json = false;
};

// Defined beside the application, which they start.
int serve(const ServeOptions& options);
int db_sync(const DbOptions& options);
int db_version(const DbOptions& options);
int db_load_metadefs(const LoadMetadefsOptions& options);
int db_export_metadefs(const ExportMetadefsOptions& options);
int db_unload_metadefs(const UnloadMetadefsOptions& options);

// 0: fine; 1: warnings, with `strict`; 2: mistakes. A secret that every user can read is a mistake
// here.
int config_check(const ConfigCheckOptions& options);
int config_show(const ConfigShowOptions& options);
int config_sample();
// 0: slipway starts with the files and what is printed; 2: mistakes are left.
int config_import(const ConfigImportOptions& options);

// Asks a server for a clone and waits for its task, with a progress bar on a terminal.
int clone(const CloneOptions& options);
// The same for a disk in the cache of compute services.
int seed(const SeedOptions& options);
// Moves everything from a datastore to the others of its store.
int evacuate(const EvacuateOptions& options);

// Both open the stores as they are configured; no server has to run, and one may.
int store_list(const StoreListOptions& options);
// Tries a store in folders of its own, which are gone when it returns.
int store_test(const StoreTestOptions& options);

// Takes over what a Glance remembers. 0: all of it is here; 1: something is left, or differs.
int import_glance(const ImportGlanceOptions& options);

int version(const VersionOptions& options);

// What `serve --dev` prints once it listens: what it is, and lines to paste into a shell, each
// indented by two blanks. tests/e2e runs them.
std::string dev_banner(std::uint16_t port, std::uint16_t service_port);

// What run() calls; main() fills in the functions above, tests their own.
struct Commands {
    std::function<int(const ServeOptions&)> serve;
    std::function<int(const DbOptions&)> db_sync;
    std::function<int(const DbOptions&)> db_version;
    std::function<int(const LoadMetadefsOptions&)> db_load_metadefs;
    std::function<int(const ExportMetadefsOptions&)> db_export_metadefs;
    std::function<int(const UnloadMetadefsOptions&)> db_unload_metadefs;
    std::function<int(const ConfigCheckOptions&)> config_check;
    std::function<int(const ConfigShowOptions&)> config_show;
    std::function<int()> config_sample;
    std::function<int(const ConfigImportOptions&)> config_import;
    std::function<int(const CloneOptions&)> clone;
    std::function<int(const SeedOptions&)> seed;
    std::function<int(const EvacuateOptions&)> evacuate;
    std::function<int(const StoreListOptions&)> store_list;
    std::function<int(const StoreTestOptions&)> store_test;
    std::function<int(const ImportGlanceOptions&)> import_glance;
    std::function<int(const VersionOptions&)> version;
};

// Reads the command line and calls one command. Help and wrong usage are answered here.
int run(int argc, const char* const* argv, const Commands& commands);

}  // namespace slipway::app::cli
