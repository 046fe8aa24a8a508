// The only file that includes CLI11, which takes seconds to compile.
#include "app/cli/commands.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace slipway::app::cli {

namespace {

void add_sources(CLI::App& command, ConfigSources& sources) {
    command
        .add_option(
            "--config-file", sources.files, "Configuration file; may be repeated, later ones win"
        )
        ->type_name("FILE")
        ->allow_extra_args(false);
    command
        .add_option(
            "--config-dir",
            sources.directories,
            "Folder of *.conf files, read after the files; may be repeated"
        )
        ->type_name("DIR")
        ->allow_extra_args(false);
}

// Everything a command line can say. The callbacks of CLI11 note which command was meant.
class CommandLine {
public:
    explicit CommandLine(const Commands& commands) : commands_(commands) {
        app_.require_subcommand(1);
        add_serve();
        add_config();
        add_db();
        add_clone();
        add_seed();
        add_store();
        add_import_glance();
        add_version();
    }

    int run(int argc, const char* const* argv) {
        try {
            app_.parse(argc, argv);
        } catch (const CLI::Success& help) {
            app_.exit(help, std::cout, std::cerr);
            return exit_done;
        } catch (const CLI::ParseError& error) {
            std::cerr << "slipway: " << error.what() << "; see slipway --help\n";
            return exit_usage;
        }
        return chosen_();
    }

private:
    void add_serve() {
        CLI::App* serve = app_.add_subcommand("serve", "Run the server");
        add_sources(*serve, serve_.sources);
        CLI::Option* dev = serve->add_option(
            "--dev",
            dev_directory_,
            "Serve this folder on loopback, without files and authentication"
        );
        dev->type_name("DIR")->excludes("--config-file")->excludes("--config-dir");
        serve->callback([this, dev] {
            if (dev->count() > 0) serve_.sources.dev_directory = dev_directory_;
            serve_.sources = default_sources(std::move(serve_.sources));
            chosen_ = [this] { return commands_.serve(serve_); };
        });
    }

    void add_config() {
        CLI::App* config =
            app_.add_subcommand("config", "Check, show and explain the configuration");
        config->require_subcommand(1);

        CLI::App* check = config->add_subcommand("check", "Report every mistake");
        add_sources(*check, check_.sources);
        check->add_flag("--strict", check_.strict, "Fail on warnings, too");
        check->add_flag("--json", check_.json, "One JSON object per finding");
        check->callback([this] {
            check_.sources = default_sources(std::move(check_.sources));
            chosen_ = [this] { return commands_.config_check(check_); };
        });

        CLI::App* show =
            config->add_subcommand("show", "Print what is in force, and where it comes from");
        add_sources(*show, show_.sources);
        show->add_flag("--all", show_.all, "Defaults, too");
        show->add_flag("--json", show_.json, "One JSON object per option");
        show->callback([this] {
            show_.sources = default_sources(std::move(show_.sources));
            chosen_ = [this] { return commands_.config_show(show_); };
        });

        CLI::App* sample = config->add_subcommand("sample", "Print every option with its help");
        sample->callback([this] { chosen_ = commands_.config_sample; });

        CLI::App* import = config->add_subcommand(
            "import", "Say what the options of a glance-api.conf mean here, and what is missing"
        );
        import
            ->add_option("file", import_.sources.files, "glance-api.conf, and more; later ones win")
            ->required()
            ->type_name("FILE");
        import->callback([this] { chosen_ = [this] { return commands_.config_import(import_); }; });
    }

    void add_db() {
        CLI::App* db = app_.add_subcommand("db", "Look after the catalogue");
        db->require_subcommand(1);
        CLI::App* sync =
            db->add_subcommand("sync", "Make the catalogue, or bring it to this version's schema");
        add_sources(*sync, db_.sources);
        sync->callback([this] { choose(db_, commands_.db_sync); });
        CLI::App* level = db->add_subcommand("version", "Print the schema's version");
        add_sources(*level, db_.sources);
        level->callback([this] { choose(db_, commands_.db_version); });
        add_metadefs(*db);
    }

    void add_metadefs(CLI::App& db) {
        CLI::App* load = db.add_subcommand(
            "load_metadefs", "Load metadata definitions from files, as Glance has them"
        );
        load->add_option("path", load_.path, "Folder of *.json files, or one file")
            ->required()
            ->type_name("DIR");
        CLI::Option* merge =
            load->add_flag("--merge", load_.merge, "Add what namespaces that are there lack");
        CLI::Option* prefer_new = load->add_flag(
            "--prefer_new", load_.prefer_new, "With --merge: change what is there, too"
        );
        CLI::Option* overwrite = load->add_flag(
            "--overwrite", load_.overwrite, "With --merge: replace namespaces that are there"
        );
        prefer_new->needs(merge)->excludes(overwrite);
        overwrite->needs(merge);
        add_sources(*load, load_.sources);
        load->callback([this] { choose(load_, commands_.db_load_metadefs); });

        CLI::App* save =
            db.add_subcommand("export_metadefs", "Write metadata definitions into files");
        save->add_option("path", export_.path, "Folder, in which files are overwritten")
            ->required()
            ->type_name("DIR");
        add_sources(*save, export_.sources);
        save->callback([this] { choose(export_, commands_.db_export_metadefs); });

        CLI::App* unload = db.add_subcommand("unload_metadefs", "Remove all metadata definitions");
        unload->add_flag("--yes", unload_.yes, "Do it; else what would be removed is printed");
        add_sources(*unload, unload_.sources);
        unload->callback([this] { choose(unload_, commands_.db_unload_metadefs); });
    }

    template <class Options>
    void choose(Options& options, const std::function<int(const Options&)>& command) {
        options.sources = default_sources(std::move(options.sources));
        chosen_ = [&options, command] { return command(options); };
    }

    void add_clone() {
        CLI::App* clone =
            app_.add_subcommand("clone", "Have the datastore copy an image to a path, for a VM");
        clone->add_option("image", clone_.image, "Id of the image")->required()->type_name("IMAGE");
        clone->add_option("--datacenter", clone_.datacenter, "Inventory path, as DC0")
            ->required()
            ->type_name("PATH");
        clone->add_option("--datastore", clone_.datastore, "Name in the datacenter")
            ->required()
            ->type_name("NAME");
        clone->add_option("--path", clone_.path, "Target on the datastore, ends in .vmdk or .iso")
            ->required()
            ->type_name("PATH");
        add_server(*clone, clone_);
        clone->callback([this] {
            finish_server(clone_);
            chosen_ = [this] { return commands_.clone(clone_); };
        });
    }

    void add_seed() {
        CLI::App* seed =
            app_.add_subcommand("seed", "Keep an image in the cache of Nova's compute services");
        seed->add_option("image", seed_.image, "Id of the image")->required()->type_name("IMAGE");
        CLI::Option* datacenter =
            seed->add_option("--datacenter", seed_.datacenter, "Inventory path, as DC0");
        CLI::Option* datastore =
            seed->add_option("--datastore", seed_.datastore, "Name in the datacenter");
        seed->add_option("--cache-prefix", seed_.cache_prefix, "cache_prefix of nova.conf");
        seed->add_option(
                "--size", seed_.sizes_gib, "Root disk of a flavor, in GiB; may be repeated"
        )
            ->type_name("GIB");
        CLI::Option* stop = seed->add_flag("--stop", seed_.stop, "Keep it no longer, anywhere");
        CLI::Option* remove = seed->add_flag(
            "--remove", seed_.remove, "Keep it no longer, and remove it where no VM needs it"
        );
        add_server(*seed, seed_);
        seed->callback([this, datacenter, datastore, stop, remove] {
            seed_.stop = stop->count() + remove->count() > 0;
            if (!seed_.stop && (datacenter->count() == 0 || datastore->count() == 0))
                throw CLI::RequiredError("--datacenter and --datastore");
            finish_server(seed_);
            chosen_ = [this] { return commands_.seed(seed_); };
        });
    }

    void add_store() {
        CLI::App* store = app_.add_subcommand("store", "Look after the datastores of a store");
        store->require_subcommand(1);
        CLI::App* evacuate = store->add_subcommand(
            "evacuate", "Move everything from a datastore to the others of its store"
        );
        evacuate->add_option("store", evacuate_.store, "Name of the store")
            ->required()
            ->type_name("STORE");
        evacuate->add_option("datastore", evacuate_.datastore, "The datastore, as DC0/old")
            ->required()
            ->type_name("DATASTORE");
        add_server(*evacuate, evacuate_);
        evacuate->callback([this] {
            finish_server(evacuate_);
            chosen_ = [this] { return commands_.evacuate(evacuate_); };
        });
        add_store_list(*store);
        add_store_test(*store);
    }

    void add_store_list(CLI::App& store) {
        CLI::App* list = store.add_subcommand("list", "Show the stores and their datastores");
        add_sources(*list, store_list_.sources);
        list->add_flag("--json", store_list_.json, "One JSON object");
        list->callback([this] {
            store_list_.sources = default_sources(std::move(store_list_.sources));
            chosen_ = [this] { return commands_.store_list(store_list_); };
        });
    }

    void add_store_test(CLI::App& store) {
        CLI::App* test = store.add_subcommand(
            "test", "Write, read, copy, clone and seed on a store, and leave nothing behind"
        );
        add_sources(*test, store_test_.sources);
        test->add_option("store", store_test_.store, "Name of the store")
            ->required()
            ->type_name("STORE");
        test->add_option(
                "--size", store_test_.size_bytes, "Bytes of the disk that is written; as 64M, 1G"
        )
            ->transform(CLI::AsSizeValue(false))
            ->check(CLI::Range(std::uint64_t{1} << 20U, std::uint64_t{1} << 40U))
            ->type_name("SIZE");
        test->add_option(
                "--target",
                store_test_.targets,
                "A datastore for clones and seeds besides the store's, as DC0/work; may be repeated"
        )
            ->type_name("DATASTORE")
            ->allow_extra_args(false);
        test->add_flag("--clean", store_test_.clean, "Remove what earlier tests left, only");
        test->add_flag("--quiet", store_test_.quiet, "Print failures and differences only");
        test->add_flag("--json", store_test_.json, "One JSON object");
        test->callback([this] {
            store_test_.sources = default_sources(std::move(store_test_.sources));
            chosen_ = [this] { return commands_.store_test(store_test_); };
        });
    }

    void add_import_glance() {
        CLI::App* import = app_.add_subcommand(
            "import-glance", "Take over the images of a Glance, as its database has them"
        );
        import
            ->add_option(
                "--connection",
                connection_,
                "[database] connection of the Glance; better in the environment, where others do "
                "not see it"
            )
            ->required()
            ->type_name("URL")
            ->envname("GLANCE_CONNECTION");
        import
            ->add_option(
                "--metadata-encryption-key",
                encryption_key_,
                "metadata_encryption_key of the Glance; better in the environment, too"
            )
            ->type_name("KEY")
            ->envname("GLANCE_METADATA_ENCRYPTION_KEY");
        import->add_flag("--dry-run", import_glance_.dry_run, "Change nothing; only tell");
        import->add_flag("--json", import_glance_.json, "One JSON object per line");
        add_sources(*import, import_glance_.sources);
        import->callback([this] {
            import_glance_.connection = Secret(connection_);
            import_glance_.key = Secret(encryption_key_);
            choose(import_glance_, commands_.import_glance);
        });
    }

    void add_server(CLI::App& command, ServerOptions& server) {
        command.add_option("--url", server.url, "The server")
            ->type_name("URL")
            ->capture_default_str();
        command
            .add_option(
                "--token",
                token_,
                "Token of the caller; better in the environment, where others do not see it"
            )
            ->type_name("TOKEN")
            ->envname("OS_TOKEN");
        command.add_flag("--no-wait", no_wait_, "Print the task and leave");
        command.add_flag("--quiet", server.quiet, "Print errors only");
        command.add_flag("--json", server.json, "Print the task as JSON");
    }

    void finish_server(ServerOptions& server) {
        server.wait = !no_wait_;
        server.token = Secret(token_);
    }

    void add_version() {
        CLI::App* version = app_.add_subcommand("version", "Print the version");
        version->add_flag("--json", version_.json, "One JSON object");
        version->callback([this] { chosen_ = [this] { return commands_.version(version_); }; });
    }

    const Commands& commands_;
    CLI::App app_{"An image server for OpenStack on vSphere", "slipway"};
    std::function<int()> chosen_;
    ServeOptions serve_;
    std::string dev_directory_;
    ConfigCheckOptions check_;
    ConfigShowOptions show_;
    ConfigImportOptions import_;
    DbOptions db_;
    LoadMetadefsOptions load_;
    ExportMetadefsOptions export_;
    UnloadMetadefsOptions unload_;
    CloneOptions clone_;
    SeedOptions seed_;
    EvacuateOptions evacuate_;
    StoreListOptions store_list_;
    StoreTestOptions store_test_;
    ImportGlanceOptions import_glance_;
    std::string connection_;
    std::string encryption_key_;
    std::string token_;
    bool no_wait_ = false;
    VersionOptions version_;
};

}  // namespace

int run(int argc, const char* const* argv, const Commands& commands) {
    CommandLine line(commands);
    return line.run(argc, argv);
}

}  // namespace slipway::app::cli
