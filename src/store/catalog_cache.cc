#include "store/catalog_sql.h"

namespace slipway::store {

awaitable<Result<std::vector<CachedImage>>> SqlCatalog::cached_images(std::string node) {
    auto work = [&]() -> Result<std::vector<CachedImage>> {
        SLIPWAY_TRY(
            const auto rows,
            db_->query(
                "select image_id, number, size, hits, cached_at, last_accessed "
                "from cached_images join images on images.id = image_id "
                "where node = ? order by last_accessed, number",
                {node}
            )
        );
        std::vector<CachedImage> images;
        for (const DbRow& row : rows) {
            RowReader in(row);
            CachedImage image;
            image.image = in.name<ImageId>();
            image.number = in.integer();
            image.size_bytes = in.size();
            image.hits = in.integer();
            image.cached_at = in.time();
            image.last_accessed = in.time();
            images.push_back(std::move(image));
        }
        return images;
    };
    co_return co_await read(work);
}

Result<void> SqlCatalog::insert_cached(const std::string& node, const ImageId& id, int hits) {
    SLIPWAY_CHECK(db_->execute(
        "insert into cached_images (node, image_id, number, hits, cached_at, last_accessed) "
        "values (?, ?, (select coalesce(max(number), 0) + 1 from cached_images where node = ?), "
        "?, ?, ?) on conflict (node, image_id) do nothing",
        {node, id, node, hits, now(), now()}
    ));
    return {};
}

awaitable<Result<void>> SqlCatalog::cache_image(std::string node, ImageId id) {
    auto work = [&] { return insert_cached(node, id, 0); };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::count_cache_hit(std::string node, ImageId id) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(
            const auto counted,
            db_->execute(
                "update cached_images set hits = hits + 1, last_accessed = ? "
                "where node = ? and image_id = ?",
                {now(), node, id}
            )
        );
        return counted > 0 ? Result<void>() : insert_cached(node, id, 0);
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::uncache_images(std::string node, std::optional<ImageId> id) {
    auto work = [&]() -> Result<void> {
        DbValues values{node};
        if (id) values.emplace_back(*id);
        SLIPWAY_CHECK(db_->execute(
            std::string("delete from cached_images where node = ?") +
                (id ? " and image_id = ?" : ""),
            values
        ));
        return {};
    };
    co_return co_await write(work);
}

awaitable<Result<Catalog::Pruned>> SqlCatalog::prune_cache(std::string node, std::uint64_t bytes) {
    auto work = [&]() -> Result<Pruned> {
        SLIPWAY_TRY(
            const auto rows,
            db_->query(
                "select image_id, coalesce(size, 0) from cached_images "
                "join images on images.id = image_id "
                "where node = ? order by last_accessed desc, number desc",
                {node}
            )
        );
        Pruned pruned;
        std::uint64_t kept = 0;
        for (const DbRow& row : rows) {
            RowReader in(row);
            const auto id = in.name<ImageId>();
            const std::uint64_t size = in.size();
            kept += size;
            if (kept <= bytes) continue;
            kept -= size;
            SLIPWAY_CHECK(db_->execute(
                "delete from cached_images where node = ? and image_id = ?", {node, id}
            ));
            ++pruned.images;
            pruned.bytes += size;
        }
        return pruned;
    };
    co_return co_await write(work);
}

awaitable<Result<std::vector<std::string>>> SqlCatalog::nodes_with_cached(ImageId id) {
    auto work = [&]() -> Result<std::vector<std::string>> {
        SLIPWAY_TRY(
            const auto rows,
            db_->query("select node from cached_images where image_id = ? order by node", {id})
        );
        std::vector<std::string> nodes;
        for (const DbRow& row : rows) nodes.push_back(row.at(0).text());
        return nodes;
    };
    co_return co_await read(work);
}

}  // namespace slipway::store
