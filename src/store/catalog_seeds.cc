#include "store/catalog_rows.h"
#include "store/catalog_sql.h"

#include <algorithm>
#include <charconv>

namespace slipway::store {

namespace {

constexpr std::string_view kSeedColumns =
    "image_id, datacenter, datastore, base_folder, backend, sizes_gib, policy, state, doubtful, "
    "checked_at, created_at";

std::string_view to_string(SeedStatus state) {
    return state == SeedStatus::warm ? "warm" : "wanted";
}

std::string join(const std::vector<std::uint64_t>& sizes) {
    std::string text;
    for (const std::uint64_t size : sizes) text += (text.empty() ? "" : ",") + std::to_string(size);
    return text;
}

std::vector<std::uint64_t> split(std::string_view text) {
    std::vector<std::uint64_t> sizes;
    for (const char* at = text.data(); at < text.data() + text.size(); ++at) {
        std::uint64_t size = 0;
        at = std::from_chars(at, text.data() + text.size(), size).ptr;
        sizes.push_back(size);
    }
    return sizes;
}

SeedRecord read_seed(const DbRow& row) {
    RowReader in(row);
    SeedRecord seed;
    seed.image_id = in.name<ImageId>();
    seed.place.datacenter = in.text();
    seed.place.datastore = in.text();
    seed.place.base_folder = in.text();
    seed.backend = in.name<BackendId>();
    seed.sizes_gib = split(in.text());
    seed.policy = in.text();
    seed.state = in.text() == "warm" ? SeedStatus::warm : SeedStatus::wanted;
    seed.doubtful = in.flag();
    seed.checked_at = in.time();
    seed.created_at = in.time();
    return seed;
}

Result<std::vector<SeedRecord>> load_seeds(
    Db& db, std::string_view condition, const DbValues& values
) {
    SLIPWAY_TRY(
        const auto rows,
        db.query(
            "select " + std::string(kSeedColumns) + " from seeds where " + std::string(condition),
            values
        )
    );
    std::vector<SeedRecord> seeds;
    for (const DbRow& row : rows) seeds.push_back(read_seed(row));
    return seeds;
}

constexpr std::string_view kOfPlace =
    "image_id = ? and datacenter = ? and datastore = ? and base_folder = ?";

DbValues key_of(const ImageId& image, const SeedPlace& place) {
    return {image, place.datacenter, place.datastore, place.base_folder};
}

}  // namespace

awaitable<Result<void>> SqlCatalog::keep_seed(SeedRecord seed) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_CHECK(load_image(*db_, seed.image_id));
        SLIPWAY_TRY(
            const auto found, load_seeds(*db_, kOfPlace, key_of(seed.image_id, seed.place))
        );
        std::vector<std::uint64_t> sizes = seed.sizes_gib;
        for (const SeedRecord& old : found)
            sizes.insert(sizes.end(), old.sizes_gib.begin(), old.sizes_gib.end());
        std::ranges::sort(sizes);
        const auto repeated = std::ranges::unique(sizes);
        sizes.erase(repeated.begin(), repeated.end());
        SLIPWAY_CHECK(db_->execute(
            "insert into seeds (" + std::string(kSeedColumns) +
                ") values (?, ?, ?, ?, ?, ?, ?, 'wanted', ?, ?, ?) "
                "on conflict (image_id, datacenter, datastore, base_folder) do update "
                "set sizes_gib = excluded.sizes_gib, policy = excluded.policy, state = 'wanted', "
                "doubtful = case when excluded.doubtful = 1 then 1 else seeds.doubtful end, "
                "checked_at = case when excluded.doubtful = 1 then excluded.checked_at "
                "else seeds.checked_at end",
            {seed.image_id,
             seed.place.datacenter,
             seed.place.datastore,
             seed.place.base_folder,
             seed.backend,
             join(sizes),
             seed.policy,
             seed.doubtful,
             now(),
             now()}
        ));
        return {};
    };
    co_return co_await write(work);
}

awaitable<Result<std::vector<SeedRecord>>> SqlCatalog::list_seeds(const ImageId& image) {
    auto work = [&] {
        return load_seeds(
            *db_, "image_id = ? order by datacenter, datastore, base_folder", {image}
        );
    };
    co_return co_await read(work);
}

awaitable<Result<std::vector<SeedRecord>>> SqlCatalog::due_seeds(
    std::chrono::seconds age, std::size_t limit
) {
    auto work = [&] {
        return load_seeds(
            *db_,
            "checked_at <= ? order by checked_at, image_id limit ?",
            {now() - age, std::uint64_t{limit}}
        );
    };
    co_return co_await read(work);
}

awaitable<Result<void>> SqlCatalog::note_seed(
    const ImageId& image, const SeedPlace& place, SeedStatus state
) {
    auto work = [&]() -> Result<void> {
        DbValues values{to_string(state), now()};
        for (const DbValue& part : key_of(image, place)) values.push_back(part);
        SLIPWAY_CHECK(db_->execute(
            "update seeds set state = ?, checked_at = ? where " + std::string(kOfPlace), values
        ));
        return {};
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::note_seeded(
    const ImageId& image, const SeedPlace& place, const LocationId& source
) {
    auto work = [&]() -> Result<void> {
        DbValues values{now()};
        for (const DbValue& part : key_of(image, place)) values.push_back(part);
        values.emplace_back(source);
        SLIPWAY_CHECK(db_->execute(
            "update seeds set state = 'warm', doubtful = 0, checked_at = ? where " +
                std::string(kOfPlace) +
                " and exists (select 1 from locations where id = ? and state <> 'garbage')",
            values
        ));
        return {};
    };
    co_return co_await write(work);
}

Result<void> SqlCatalog::doubt_seeds(const ImageId& id) {
    SLIPWAY_CHECK(db_->execute(
        "update seeds set state = 'wanted', doubtful = 1, checked_at = 0 where image_id = ?", {id}
    ));
    SLIPWAY_CHECK(db_->execute(
        "update tasks set cancel_requested = 1 where image_id = ? and kind = 'seed' and "
        "status in ('pending', 'running')",
        {id}
    ));
    return {};
}

awaitable<Result<void>> SqlCatalog::forget_seeds(
    const ImageId& image, std::optional<SeedPlace> place
) {
    auto work = [&]() -> Result<void> {
        const std::string condition = place ? std::string(kOfPlace) : "image_id = ?";
        SLIPWAY_CHECK(db_->execute(
            "delete from seeds where " + condition, place ? key_of(image, *place) : DbValues{image}
        ));
        return {};
    };
    co_return co_await write(work);
}

}  // namespace slipway::store
