#pragma once

#include "app/config.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::app {

// A folder of its own, removed at the end, and configurations written into it.
class ConfigFolder {
public:
    ConfigFolder() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "slipway-config-XXXXXX").string();
        path_ = mkdtemp(pattern.data());
    }
    ~ConfigFolder() { std::filesystem::remove_all(path_); }
    ConfigFolder(const ConfigFolder&) = delete;
    ConfigFolder& operator=(const ConfigFolder&) = delete;

    [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

    std::string write(const std::string& name, std::string_view text, mode_t mode = 0600) const {
        std::string file = path(name);
        std::filesystem::create_directories(std::filesystem::path(file).parent_path());
        std::ofstream(file, std::ios::binary) << text;
        chmod(file.c_str(), mode);
        return file;
    }

    // What a server makes of one file, slipway.conf, with `text`.
    [[nodiscard]] ConfigReport read(std::string_view text) {
        ConfigSources with_file = sources;
        with_file.files.push_back(write("slipway.conf", text));
        return read_config(with_file);
    }

    // The findings of `text` as lines, the folder's path left out.
    [[nodiscard]] std::vector<std::string> findings(std::string_view text) {
        return lines_of(read(text));
    }

    [[nodiscard]] std::vector<std::string> lines_of(const ConfigReport& report) const {
        std::vector<std::string> lines;
        for (const Finding& finding : report.findings) {
            std::string line = finding.str();
            for (std::size_t at = line.find(path_ + "/"); at != std::string::npos;
                 at = line.find(path_ + "/"))
                line.erase(at, path_.size() + 1);
            lines.push_back(std::move(line));
        }
        return lines;
    }

    ConfigSources sources;  // besides the file of read()

private:
    std::string path_;
};

inline std::ostream& operator<<(std::ostream& out, const Finding& finding) {
    return out << finding.str();
}

}  // namespace slipway::app
