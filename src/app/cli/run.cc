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
    }

    void add_db() {
        CLI::App* db = app_.add_subcommand("db", "Look after the catalogue");
        db->require_subcommand(1);
        CLI::App* sync =
            db->add_subcommand("sync", "Make the catalogue, or bring it to this version's schema");
        add_sources(*sync, db_.sources);
        sync->callback([this] { choose_db(commands_.db_sync); });
        CLI::App* level = db->add_subcommand("version", "Print the schema's version");
        add_sources(*level, db_.sources);
        level->callback([this] { choose_db(commands_.db_version); });
    }

    void choose_db(const std::function<int(const DbOptions&)>& command) {
        db_.sources = default_sources(std::move(db_.sources));
        chosen_ = [this, command] { return command(db_); };
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
        clone->add_option("--url", clone_.url, "The server")
            ->type_name("URL")
            ->capture_default_str();
        clone
            ->add_option(
                "--token",
                token_,
                "Token of the caller; better in the environment, where others do not see it"
            )
            ->type_name("TOKEN")
            ->envname("OS_TOKEN");
        clone->add_flag("--no-wait", no_wait_, "Print the task and leave");
        clone->add_flag("--quiet", clone_.quiet, "Print errors only");
        clone->add_flag("--json", clone_.json, "Print the task as JSON");
        clone->callback([this] {
            clone_.wait = !no_wait_;
            clone_.token = Secret(token_);
            chosen_ = [this] { return commands_.clone(clone_); };
        });
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
    DbOptions db_;
    CloneOptions clone_;
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
