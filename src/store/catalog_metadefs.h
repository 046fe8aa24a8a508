#pragma once

#include "base/async.h"
#include "store/db.h"
#include "store/metadef_catalog.h"
#include "store/metadef_rows.h"

#include <string>
#include <vector>

namespace slipway::store {

// A table of what namespaces hold.
struct ContentTable {
    std::string_view name;
    std::string_view key;   // the column that names a row in its namespace
    std::string_view what;  // it is, in messages
};
inline constexpr ContentTable kAssociationTable{
    "metadef_associations", "resource_type", "resource type"};
inline constexpr ContentTable kPropertyTable{"metadef_properties", "name", "property"};
inline constexpr ContentTable kObjectTable{"metadef_objects", "name", "object"};
inline constexpr ContentTable kTagTable{"metadef_tags", "name", "tag"};

// Metadata definitions over SQL; on the session and the thread of the catalogue whose part this is.
class SqlMetadefCatalog final : public MetadefCatalog {
public:
    SqlMetadefCatalog(Db& db, BlockingPool& thread, const Clock& clock)
        : db_(db), thread_(thread), clock_(clock) {}

    awaitable<Result<MetadefNamespace>> create_namespace(MetadefNamespace added) override;
    awaitable<Result<MetadefNamespace>> find_namespace(const std::string& name) override;
    awaitable<Result<MetadefNamespace>> load_namespace(const std::string& name) override;
    awaitable<Result<std::vector<MetadefNamespace>>> list_namespaces(MetadefQuery query) override;
    awaitable<Result<MetadefNamespace>> replace_namespace(
        const std::string& name, MetadefNamespace changed
    ) override;
    awaitable<Result<void>> delete_namespace(const std::string& name) override;

    awaitable<Result<std::vector<MetadefResourceType>>> list_resource_types() override;
    awaitable<Result<std::vector<MetadefAssociation>>> list_associations(const std::string& of
    ) override;
    awaitable<Result<MetadefAssociation>> associate(const std::string& of, MetadefAssociation added)
        override;
    awaitable<Result<void>> dissociate(const std::string& of, const std::string& resource_type)
        override;

    awaitable<Result<std::vector<MetadefProperty>>> list_properties(const std::string& of) override;
    awaitable<Result<MetadefProperty>> find_property(const std::string& of, const std::string& name)
        override;
    awaitable<Result<MetadefProperty>> add_property(const std::string& to, MetadefProperty added)
        override;
    awaitable<Result<MetadefProperty>> replace_property(
        const std::string& of, const std::string& name, MetadefProperty changed
    ) override;
    awaitable<Result<void>> remove_property(const std::string& of, const std::string& name)
        override;
    awaitable<Result<void>> remove_properties(const std::string& of) override;

    awaitable<Result<std::vector<MetadefObject>>> list_objects(const std::string& of) override;
    awaitable<Result<MetadefObject>> find_object(const std::string& of, const std::string& name)
        override;
    awaitable<Result<MetadefObject>> add_object(const std::string& to, MetadefObject added)
        override;
    awaitable<Result<MetadefObject>> replace_object(
        const std::string& of, const std::string& name, MetadefObject changed
    ) override;
    awaitable<Result<void>> remove_object(const std::string& of, const std::string& name) override;
    awaitable<Result<void>> remove_objects(const std::string& of) override;

    awaitable<Result<std::vector<MetadefTag>>> list_tags(
        const std::string& of, MetadefTagQuery query
    ) override;
    awaitable<Result<MetadefTag>> find_tag(const std::string& of, const std::string& name) override;
    awaitable<Result<MetadefTag>> add_tag(const std::string& to, const std::string& name) override;
    awaitable<Result<void>> add_tags(
        const std::string& to, std::vector<std::string> names, bool append
    ) override;
    awaitable<Result<MetadefTag>> rename_tag(
        const std::string& of, const std::string& name, const std::string& changed
    ) override;
    awaitable<Result<void>> remove_tag(const std::string& of, const std::string& name) override;
    awaitable<Result<void>> remove_tags(const std::string& of) override;

    awaitable<Result<std::vector<MetadefOutcome>>> load(
        std::vector<MetadefNamespace> namespaces, MetadefMerge merge
    ) override;
    awaitable<Result<std::vector<MetadefNamespace>>> load_all() override;
    awaitable<Result<std::uint64_t>> unload() override;

private:
    template <class Work>
    awaitable<std::invoke_result_t<Work&>> write(Work& work) {
        auto transaction = [&] { return db_.write(work); };
        co_return co_await offload(thread_, transaction);
    }
    template <class Work>
    awaitable<std::invoke_result_t<Work&>> read(Work& work) {
        auto transaction = [&] { return db_.read(work); };
        co_return co_await offload(thread_, transaction);
    }

    // Inside a transaction, on the catalogue's thread.
    // With all it holds, and everything in it stamped now.
    Result<void> insert_whole(MetadefNamespace added);
    Result<MetadefOutcome> load_one(MetadefNamespace loaded, MetadefMerge merge);
    Result<void> merge_contents(
        const std::string& id, const MetadefNamespace& loaded, bool prefer_new
    );
    Result<MetadefObject> object_in(const MetadefRow& row, const std::string& name);
    Result<MetadefTag> tag_in(const MetadefRow& row, const std::string& name);
    // Errors: not_found, forbidden.
    Result<void> remove_row(
        const ContentTable& table, const std::string& of, const std::string& name
    );
    Result<void> remove_rows(const ContentTable& table, const std::string& of);

    Db& db_;
    BlockingPool& thread_;
    const Clock& clock_;
};

}  // namespace slipway::store
