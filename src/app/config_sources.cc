#include "app/config_sources.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace slipway::app {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargestFile = 4U << 20U;

void read_file(
    const std::string& path, std::vector<IniValue>& values, std::vector<Mistake>& mistakes
) {
    std::error_code failure;
    const auto size = fs::file_size(path, failure);
    std::ifstream file;
    if (!failure) {
        errno = 0;
        file.open(path, std::ios::binary);
        if (!file) failure = std::error_code(errno, std::generic_category());
    }
    if (failure) {
        mistakes.push_back(
            {{path, 0},
             "can not be read (" + failure.message() + "); check the path and its permissions"}
        );
        return;
    }
    if (size > kLargestFile) {
        mistakes.push_back({{path, 0}, "is larger than 4 MiB; this is no configuration file"});
        return;
    }
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto found = parse_ini(text, path, mistakes);
    values.insert(
        values.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end())
    );
}

std::vector<std::string> conf_files_in(
    const std::string& directory, std::vector<Mistake>& mistakes
) {
    std::error_code failure;
    std::vector<std::string> files = files_in(directory, failure);
    std::erase_if(files, [](const std::string& file) { return !file.ends_with(".conf"); });
    if (failure) {
        mistakes.push_back(
            {{directory, 0},
             "can not be read (" + failure.message() + "); check the path and its permissions"}
        );
    }
    return files;
}

// The file that a --dev folder stands for.
std::string dev_text(const std::string& directory) {
    std::string folder = fs::absolute(directory).lexically_normal().string();
    if (folder.ends_with('/')) folder.pop_back();
    std::string escaped;
    for (const char c : folder) escaped.append(c == '$' ? "$$" : std::string(1, c));
    return "[DEFAULT]\n"
           "bind_host = 127.0.0.1\n"
           "bind_port = 9292\n"
           "enabled_backends = local:file\n"
           "[glance_store]\n"
           "default_backend = local\n"
           "[local]\n"
           "filesystem_store_datadir = " +
           escaped +
           "/images\n"
           "store_description = a folder of slipway serve --dev\n"
           "clone_root = " +
           escaped +
           "/clones\n"
           "[database]\n"
           "connection = sqlite:///" +
           escaped +
           "/catalog.db\n"
           "[service_api]\n"
           "bind_host = 127.0.0.1\n"
           "bind_port = 9294\n";
}

void report_readable(ConfigReader& reader, const std::string& path, const std::string& what) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0 || (status.st_mode & S_IROTH) == 0) return;
    reader.add(
        Severity::unsafe,
        {path, 0},
        "holds " + what + " and can be read by every user; use chmod o-rwx (0640 or 0600)"
    );
}

}  // namespace

ConfigSources default_sources(ConfigSources sources) {
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string text(*variable);
        const std::size_t split = text.find('=');
        if (split != std::string::npos)
            sources.environment.emplace(text.substr(0, split), text.substr(split + 1));
    }
    if (sources.dev_directory || !sources.files.empty() || !sources.directories.empty())
        return sources;
    const auto home = sources.environment.find("HOME");
    std::vector<fs::path> places;
    if (home != sources.environment.end() && !home->second.empty()) {
        places.push_back(fs::path(home->second) / ".slipway");
        places.emplace_back(home->second);
    }
    places.emplace_back("/etc/slipway");
    places.emplace_back("/etc");
    std::error_code ignored;
    for (const fs::path& place : places) {
        if (sources.files.empty() && fs::is_regular_file(place / "slipway.conf", ignored))
            sources.files.push_back((place / "slipway.conf").string());
        if (sources.directories.empty() && fs::is_directory(place / "slipway.conf.d", ignored))
            sources.directories.push_back((place / "slipway.conf.d").string());
    }
    return sources;
}

std::vector<IniValue> read_values(const ConfigSources& sources, std::vector<Mistake>& mistakes) {
    std::vector<IniValue> values;
    if (sources.dev_directory)
        return parse_ini(dev_text(*sources.dev_directory), "--dev", mistakes);
    for (const std::string& file : sources.files) read_file(file, values, mistakes);
    for (const std::string& directory : sources.directories) {
        for (const std::string& file : conf_files_in(directory, mistakes))
            read_file(file, values, mistakes);
    }
    auto last = parse_ini(sources.last_text, "the last file", mistakes);
    std::move(last.begin(), last.end(), std::back_inserter(values));
    return values;
}

std::vector<std::string> files_in(const std::string& directory, std::error_code& failure) {
    std::vector<std::string> files;
    for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end;
         entry.increment(failure)) {
        std::error_code unknown;
        const bool is_hidden = entry->path().filename().string().starts_with('.');
        if (!is_hidden && !entry->is_directory(unknown)) files.push_back(entry->path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::string find_beside_configuration(
    const ConfigSources& sources, const std::string& name, fs::file_type type
) {
    std::vector<fs::path> candidates;
    if (fs::path(name).is_absolute()) {
        candidates.emplace_back(name);
    } else {
        for (const std::string& directory : sources.directories)
            candidates.push_back(fs::path(directory) / name);
        for (auto file = sources.files.rbegin(); file != sources.files.rend(); ++file)
            candidates.push_back(fs::path(*file).parent_path() / name);
    }
    std::error_code ignored;
    for (const fs::path& candidate : candidates)
        if (fs::status(candidate, ignored).type() == type) return candidate.string();
    return "";
}

void report_permissions(ConfigReader& reader) {
    for (const std::string& file : reader.files_with_secrets())
        report_readable(reader, file, "a password");
    for (const ShownSetting& setting : reader.settings()) {
        if (setting.texts.empty() || setting.is_default) continue;
        const std::string& path = setting.texts.back();
        if (setting.name.ends_with("_password_file") && path.find('/') != std::string::npos)
            report_readable(reader, path, "a password");
        if (setting.name == "key_file") report_readable(reader, path, "a private key");
    }
}

}  // namespace slipway::app
