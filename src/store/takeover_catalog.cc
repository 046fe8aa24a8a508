#include "store/takeover_catalog.h"

#include "base/ids.h"
#include "store/catalog_rows.h"
#include "store/metadef_rows.h"
#include "store/migrations.h"

namespace slipway::store {

namespace {

template <class Row>
Result<void> insert_rows(Db& db, const std::string& id, const std::vector<Row>& rows) {
    for (const Row& row : rows) SLIPWAY_CHECK(insert_row(db, id, row));
    return {};
}

Result<std::optional<KnownImage>> load_known(Db& db, const ImageId& id) {
    SLIPWAY_TRY(const auto rows, db.query("select status from images where id = ?", {id}));
    if (rows.empty()) return std::optional<KnownImage>();
    KnownImage known;
    known.is_deleted = rows.front().at(0).text() == "deleted";
    if (known.is_deleted) return std::optional(std::move(known));
    SLIPWAY_TRY(known.whole.image, load_image(db, id));
    SLIPWAY_TRY(
        const auto members,
        db.query(
            "select " + std::string(kMemberColumns) +
                " from image_members where image_id = ? order by project",
            {id}
        )
    );
    for (const DbRow& row : members) known.whole.members.push_back(read_member(row));
    SLIPWAY_TRY(
        known.whole.locations,
        load_locations(db, "image_id = ? and state = 'live' order by created_at, id", {id})
    );
    return std::optional(std::move(known));
}

}  // namespace

Result<std::unique_ptr<TakeoverCatalog>> TakeoverCatalog::open(
    const CatalogOptions& options, const Clock& clock
) {
    SLIPWAY_CHECK(Catalog::open(options, clock));  // brings the schema to this version's
    SLIPWAY_TRY(const DbTarget target, parse_database_url(options.connection, options.password));
    SLIPWAY_TRY(auto db, Db::open(target));
    return std::unique_ptr<TakeoverCatalog>(new TakeoverCatalog(std::move(db)));
}

Result<std::unique_ptr<TakeoverCatalog>> TakeoverCatalog::look(const CatalogOptions& options) {
    SLIPWAY_TRY(const std::int64_t version, Catalog::schema_version(options));
    std::unique_ptr<Db> db;
    if (version > 0 && version != catalog_migrations().back().version)
        return Error(
            Errc::conflict,
            "the catalogue has the schema of another version; run slipway db sync first"
        );
    if (version > 0) {
        SLIPWAY_TRY(
            const DbTarget target, parse_database_url(options.connection, options.password)
        );
        SLIPWAY_TRY(db, Db::open_to_look(target));
    }
    return std::unique_ptr<TakeoverCatalog>(new TakeoverCatalog(std::move(db)));
}

Result<std::optional<KnownImage>> TakeoverCatalog::find(const ImageId& id) {
    if (!db_) return std::optional<KnownImage>();
    return db_->read([&] { return load_known(*db_, id); });
}

Result<bool> TakeoverCatalog::has_file(const Location& location) {
    if (!db_) return false;
    return db_->read([&]() -> Result<bool> {
        // An object of ours has its directory for itself. Two searches, each with an index.
        SLIPWAY_TRY(
            const auto rows,
            db_->query(
                "select 1 from locations where backend = ? and datastore = ? and directory = ? "
                "and data_file = ? union all select 1 from locations where backend = ? "
                "and datastore = ? and directory = ? and url is null",
                {location.backend,
                 location.datastore,
                 location.directory,
                 location.data_file,
                 location.backend,
                 location.datastore,
                 location.directory}
            )
        );
        return !rows.empty();
    });
}

Result<void> TakeoverCatalog::add(const TakenImage& taken) {
    return db_->write([&]() -> Result<void> {
        SLIPWAY_CHECK(insert_image(*db_, taken.image));
        for (const Member& member : taken.members)
            SLIPWAY_CHECK(db_->execute(
                "insert into image_members (" + std::string(kMemberColumns) + ") values (" +
                    placeholders(5) + ")",
                {taken.image.id,
                 member.project,
                 member.status,
                 member.created_at,
                 member.updated_at}
            ));
        for (const Location& location : taken.locations)
            SLIPWAY_CHECK(insert_location(*db_, location));
        return {};
    });
}

Result<std::optional<MetadefNamespace>> TakeoverCatalog::find_namespace(const std::string& name) {
    using Found = std::optional<MetadefNamespace>;
    if (!db_) return Found();
    return db_->read([&]() -> Result<Found> {
        auto row = metadef_row(*db_, name);
        if (!row && row.error().code == Errc::not_found) return Found();
        if (!row) return row.error();
        SLIPWAY_CHECK(load_metadef_contents(*db_, *row));
        return Found(std::move(row->value));
    });
}

Result<void> TakeoverCatalog::add_namespace(const MetadefNamespace& added) {
    return db_->write([&]() -> Result<void> {
        const std::string id = new_uuid();
        SLIPWAY_CHECK(insert_metadef(*db_, id, added));
        SLIPWAY_CHECK(insert_rows(*db_, id, added.associations));
        SLIPWAY_CHECK(insert_rows(*db_, id, added.properties));
        SLIPWAY_CHECK(insert_rows(*db_, id, added.objects));
        return insert_rows(*db_, id, added.tags);
    });
}

Result<void> TakeoverCatalog::add_resource_type(const MetadefResourceType& added) {
    return db_->write([&]() -> Result<void> {
        SLIPWAY_CHECK(db_->execute(
            "insert into metadef_resource_types (name, created_at, updated_at) values (?, ?, ?) "
            "on conflict (name) do nothing",
            {added.name, added.created_at, added.updated_at}
        ));
        return {};
    });
}

}  // namespace slipway::store
