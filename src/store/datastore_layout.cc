#include "store/datastore_layout.h"

#include "base/json.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace slipway::store {
namespace {

constexpr std::size_t kUuidDigits = 36;
constexpr std::size_t kAttemptDigits = 16;
constexpr std::size_t kMaxNameBytes = 100;
constexpr std::size_t kMaxUrlBytes = 254;
// Leaves room for the attempt's suffix and for "-flat" in a name of 255 bytes.
constexpr std::size_t kMaxTargetNameBytes = 200;
constexpr std::size_t kMaxTargetPathBytes = 1024;

bool is_plain(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
}

bool is_lower_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// A query value; '/' is left as it is, which every reader of these URLs accepts.
std::string encode_query_value(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        if (is_plain(c) || c == '/' || c == '~') {
            encoded += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += kDigits[byte >> 4U];
        encoded += kDigits[byte & 15U];
    }
    return encoded;
}

std::optional<std::string> query_value(std::string_view text) {
    if (text.find('&') != std::string_view::npos) return std::nullopt;
    std::string blanks_for_plus(text);
    std::ranges::replace(blanks_for_plus, '+', ' ');
    return percent_decoded(blanks_for_plus);
}

std::vector<std::string_view> segments_of(std::string_view path) {
    std::vector<std::string_view> segments;
    for (;;) {
        const auto slash = path.find('/');
        segments.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return segments;
        path.remove_prefix(slash + 1);
    }
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

Error bad_target(std::string_view why) {
    return Error(Errc::invalid_argument, "the clone's path " + std::string(why));
}

constexpr std::array<std::pair<CloneCheckpoint::Phase, std::string_view>, 4> kPhases = {{
    {CloneCheckpoint::Phase::naming, "naming"},
    {CloneCheckpoint::Phase::copying, "copying"},
    {CloneCheckpoint::Phase::inflating, "inflating"},
    {CloneCheckpoint::Phase::moving, "moving"},
}};

Error bad_checkpoint() {
    return Error(Errc::corrupt, "the checkpoint of the clone is damaged; start the clone again");
}

Result<int> to_attempt(const json::Value& value) {
    if (!value.is_integer() || value.integer() < 0 || value.integer() > 1'000'000)
        return bad_checkpoint();
    return static_cast<int>(value.integer());
}

}  // namespace

std::string new_object_directory(std::string_view store_dir, const ImageId& image) {
    return std::string(store_dir) + '/' + image.str() + '.' + random_hex(kAttemptDigits);
}

bool is_object_name(std::string_view name) {
    if (name.size() != kUuidDigits + 1 + kAttemptDigits || name[kUuidDigits] != '.') return false;
    const auto id = name.substr(0, kUuidDigits);
    return is_uuid(id) && std::ranges::none_of(id, [](char c) { return c >= 'A' && c <= 'F'; }) &&
           std::ranges::all_of(name.substr(kUuidDigits + 1), is_lower_hex);
}

Result<void> check_location(std::string_view store_dir, const Location& location) {
    const std::string_view directory = location.directory;
    const bool is_ours = directory.size() > store_dir.size() + 1 &&
                         directory.starts_with(store_dir) && directory[store_dir.size()] == '/';
    const auto name = is_ours ? directory.substr(store_dir.size() + 1) : std::string_view();
    if (!is_object_name(name) || name.substr(0, kUuidDigits) != location.image_id.str())
        return Error(
            Errc::invalid_argument, "the directory is not one of the store's for this image"
        );
    if (!location.data_file.empty() && !is_portable_name(location.data_file))
        return Error(Errc::invalid_argument, "the data file's name is not one of the store's");
    return {};
}

Result<void> check_foreign_location(std::string_view store_dir, const Location& location) {
    const std::string_view directory = location.directory;
    const bool is_below = directory == store_dir ||
                          (directory.size() > store_dir.size() &&
                           directory.starts_with(store_dir) && directory[store_dir.size()] == '/');
    if (!is_below || !is_portable_path(directory) || !is_portable_name(location.data_file))
        return Error(
            Errc::invalid_argument,
            "The location must name a file in the store's own folder, by letters, digits and . _ -"
        );
    for (const auto segment : segments_of(directory))
        if (is_object_name(segment))
            return Error(
                Errc::invalid_argument, "The location names data that this server keeps already."
            );
    return {};
}

bool is_named_after_image(const Location& location) {
    return equals_ignoring_case(location.data_file, location.image_id.str());
}

bool is_portable_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxNameBytes && name.front() != '.' &&
           std::ranges::all_of(name, is_plain);
}

bool is_portable_path(std::string_view path) {
    return std::ranges::all_of(segments_of(path), is_portable_name);
}

Result<DatastoreKey> parse_datastore_key(std::string_view text) {
    const auto slash = text.rfind('/');
    if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size())
        return Error(Errc::corrupt, "the location's datastore is malformed");
    return DatastoreKey{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

std::string folder_location_url(
    std::string_view server,
    const DatastoreKey& key,
    std::string_view directory,
    std::string_view file
) {
    std::string url = "vsphere://" + std::string(server) + "/folder/" + std::string(directory) +
                      '/' + std::string(file);
    url += "?dcPath=" + encode_query_value(key.datacenter);
    url += "&dsName=" + encode_query_value(key.datastore);
    return url.size() <= kMaxUrlBytes ? url : std::string();
}

Result<FolderUrl> parse_folder_url(std::string_view url) {
    const Error malformed(
        Errc::invalid_argument,
        "A datastore's location is written vsphere://SERVER/folder/DIR/FILE?dcPath=DC&dsName=DS."
    );
    constexpr std::string_view kScheme = "vsphere://";
    constexpr std::string_view kFolder = "/folder/";
    constexpr std::string_view kDatacenter = "dcPath=";
    constexpr std::string_view kDatastore = "dsName=";
    if (!url.starts_with(kScheme) || url.size() > kMaxUrlBytes) return malformed;
    url.remove_prefix(kScheme.size());
    const auto path_begin = url.find('/');
    const auto query_begin = url.find('?');
    if (query_begin == std::string_view::npos || path_begin > query_begin) return malformed;
    const auto path = url.substr(path_begin, query_begin - path_begin);
    const auto query = url.substr(query_begin + 1);
    if (!path.starts_with(kFolder) || query.find_first_of("?#") != std::string_view::npos)
        return malformed;
    FolderUrl parsed;
    parsed.server = lower_case(url.substr(0, path_begin));
    const auto file = path.substr(kFolder.size());
    const auto slash = file.rfind('/');
    if (slash == std::string_view::npos || !is_portable_path(file)) return malformed;
    parsed.directory = file.substr(0, slash);
    parsed.file = file.substr(slash + 1);

    const auto middle = query.find('&');
    if (middle == std::string_view::npos) return malformed;
    auto first = query.substr(0, middle);
    auto second = query.substr(middle + 1);
    if (first.starts_with(kDatastore)) std::swap(first, second);
    if (!first.starts_with(kDatacenter) || !second.starts_with(kDatastore)) return malformed;
    const auto datacenter = query_value(first.substr(kDatacenter.size()));
    const auto datastore = query_value(second.substr(kDatastore.size()));
    if (!datacenter || !datastore || datastore->find('/') != std::string::npos) return malformed;
    parsed.datastore = {*datacenter, *datastore};
    if (parsed.datastore.datacenter.starts_with('/')) parsed.datastore.datacenter.erase(0, 1);
    return parsed;
}

// Greedy, with one step back to the last '*': linear but for patterns that are made to be slow, and
// these are the operator's own.
bool matches_pattern(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

Result<void> check_clone_path(std::string_view store_dir, std::string_view path, bool is_iso) {
    if (path.empty() || path.size() > kMaxTargetPathBytes)
        return bad_target("is empty or too long");
    if (std::ranges::any_of(path, is_control)) return bad_target("holds control characters");
    if (path.find_first_of("[]\\*?\"<>|:") != std::string_view::npos)
        return bad_target("holds characters that datastores do not take");
    const auto segments = segments_of(path);
    for (const auto& segment : segments) {
        if (segment.empty() || segment == "." || segment == "..")
            return bad_target("must be plain names joined by single slashes");
        if (segment.size() > kMaxTargetNameBytes) return bad_target("holds too long a name");
        if (segment.front() == ' ' || segment.back() == ' ')
            return bad_target("holds a name that begins or ends with a blank");
    }
    const std::string_view suffix = is_iso ? ".iso" : ".vmdk";
    const auto name = segments.back();
    if (!name.ends_with(suffix) || name.size() == suffix.size())
        return bad_target("must end in " + std::string(suffix) + " for this image");
    if (name.ends_with("-flat.vmdk") || name.ends_with("-delta.vmdk"))
        return bad_target("must not look like a disk's extent");
    const std::string inside = std::string(store_dir) + '/';
    if (path.starts_with(inside)) return bad_target("must not lie in the image store's folder");
    return {};
}

Result<void> check_clone_allowed(
    const std::vector<std::string>& patterns, const CloneTarget& target
) {
    std::string_view datacenter = target.datacenter;
    if (datacenter.starts_with('/')) datacenter.remove_prefix(1);
    const std::string where = std::string(datacenter) + '/' + target.datastore + '/' + target.path;
    const bool allowed =
        patterns.empty() || std::ranges::any_of(patterns, [&](std::string_view pattern) {
            if (pattern.starts_with('/')) pattern.remove_prefix(1);
            return matches_pattern(pattern, where);
        });
    if (allowed) return {};
    return Error(
        Errc::forbidden, "clones may not go there; the store's clone_targets name where they may"
    );
}

std::string clone_attempt_path(std::string_view path, const TaskId& task, int attempt) {
    const auto dot = path.rfind('.');
    return std::string(path.substr(0, dot)) + "-slipway-" + task.str().substr(0, 8) + '-' +
           std::to_string(attempt) + std::string(path.substr(dot));
}

std::string CloneCheckpoint::text() const {
    std::string_view word;
    for (const auto& [value, name] : kPhases)
        if (value == phase) word = name;
    json::Writer out;
    out.begin_object()
        .member("phase", word)
        .member("attempt", std::int64_t{attempt})
        .member("task", std::string_view(task));
    out.key("abandoned").begin_array();
    for (const int earlier : abandoned) out.integer(earlier);
    out.end_array().end_object();
    return out.text();
}

Result<CloneCheckpoint> CloneCheckpoint::parse(const std::string& text) {
    const auto document = json::Document::parse(text);
    if (!document || !document->root().is_object()) return bad_checkpoint();
    const auto root = document->root();
    const auto phase = root.find("phase");
    const auto attempt = root.find("attempt");
    const auto task = root.find("task");
    const auto abandoned = root.find("abandoned");
    if (!phase || !phase->is_string() || !attempt || !task || !task->is_string() || !abandoned ||
        !abandoned->is_array())
        return bad_checkpoint();

    CloneCheckpoint checkpoint;
    const auto known =
        std::ranges::find(kPhases, phase->string(), [](const auto& entry) { return entry.second; });
    if (known == kPhases.end()) return bad_checkpoint();
    checkpoint.phase = known->first;
    SLIPWAY_TRY(checkpoint.attempt, to_attempt(*attempt));
    checkpoint.task = task->string();
    for (const auto& element : abandoned->elements()) {
        SLIPWAY_TRY(const int earlier, to_attempt(element));
        checkpoint.abandoned.push_back(earlier);
    }
    return checkpoint;
}

}  // namespace slipway::store
