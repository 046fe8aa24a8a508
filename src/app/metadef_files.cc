#include "app/metadef_files.h"

#include "base/text.h"
#include "service/metadef_json.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace slipway::app {

namespace {

namespace fs = std::filesystem;

constexpr json::Limits kFile{64U << 20U, 16, 1'000'000};

Error can_not(const std::string& what, const fs::path& path, const std::error_code& why) {
    const bool missing = why == std::errc::no_such_file_or_directory;
    return Error(
        missing ? Errc::not_found : Errc::unavailable,
        "can not " + what + " " + path.string() + ": " + why.message()
    );
}

Result<std::vector<fs::path>> files_of(const fs::path& path) {
    std::error_code error;
    const bool folder = fs::is_directory(path, error);
    if (error) return can_not("read", path, error);
    if (!folder) return std::vector<fs::path>{path};
    std::vector<fs::path> files;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
        if (at->path().extension() == ".json") files.push_back(at->path());
    if (error) return can_not("read", path, error);
    if (files.empty()) return Error(Errc::not_found, "there is no file *.json in " + path.string());
    std::sort(files.begin(), files.end());
    return files;
}

Result<MetadefNamespace> read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return Error(Errc::invalid_argument, "it can not be read");
    SLIPWAY_TRY(const auto document, json::Document::parse(text.str(), kFile));
    SLIPWAY_TRY(
        auto space,
        service::read_metadef_namespace(document.root(), service::ReadOnlyMembers::dropped)
    );
    // As Glance's own loader has it.
    if (!space.owner) space.owner = "admin";
    return space;
}

// Letters and digits as they are, everything between them as one dash.
std::string file_name(const std::string& name) {
    std::string base;
    for (const char c : name) {
        const bool kept = is_alpha(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80;
        if (kept)
            base += c;
        else if (!base.empty() && base.back() != '-')
            base += '-';
    }
    return base;
}

}  // namespace

Result<std::vector<MetadefNamespace>> read_metadef_files(const std::string& path) {
    SLIPWAY_TRY(const auto files, files_of(path));
    std::vector<MetadefNamespace> namespaces;
    std::string mistakes;
    for (const fs::path& file : files) {
        auto read = read_file(file);
        if (read)
            namespaces.push_back(std::move(*read));
        else
            mistakes +=
                (mistakes.empty() ? "" : "\n") + file.string() + ": " + read.error().message;
    }
    if (!mistakes.empty()) return Error(Errc::invalid_argument, mistakes);
    return namespaces;
}

Result<std::vector<std::string>> write_metadef_files(
    const std::string& folder, const std::vector<MetadefNamespace>& namespaces
) {
    std::error_code error;
    if (!fs::is_directory(folder, error))
        return Error(Errc::not_found, folder + " is no folder; make it before");
    std::vector<std::string> names;
    std::set<std::string> taken;
    for (const MetadefNamespace& space : namespaces) {
        const std::string base = file_name(space.name);
        std::string name = base;
        for (int i = 2; !taken.insert(name).second; ++i) name = base + "-" + std::to_string(i);
        json::Writer writer;
        service::write_metadef_namespace(writer, space, service::MetadefDetail::file);
        const fs::path path = fs::path(folder) / (name + ".json");
        std::ofstream file(path, std::ios::binary | std::ios::trunc);
        file << writer.text() << "\n";
        file.close();
        if (!file) return Error(Errc::unavailable, "can not write " + path.string());
        names.push_back(name + ".json");
    }
    return names;
}

}  // namespace slipway::app
