#include "store/catalog_rows.h"
#include "store/catalog_sql.h"

namespace slipway::store {

namespace {

Error no_member(const std::string& project) {
    return Error(Errc::not_found, project + " is not a member of the image");
}

Result<Member> load_member(Db& db, const ImageId& id, const std::string& project) {
    SLIPWAY_CHECK(load_image(db, id));
    SLIPWAY_TRY(
        const auto rows,
        db.query(
            "select " + std::string(kMemberColumns) +
                " from image_members where image_id = ? and project = ?",
            {id, project}
        )
    );
    if (rows.empty()) return no_member(project);
    return read_member(rows.front());
}

}  // namespace

awaitable<Result<Member>> SqlCatalog::add_member(const ImageId& id, const std::string& project) {
    auto work = [&]() -> Result<Member> {
        SLIPWAY_CHECK(load_image(*db_, id));
        SLIPWAY_TRY(
            const auto counted,
            db_->query("select count(*) from image_members where image_id = ?", {id})
        );
        const auto others = static_cast<std::size_t>(counted.at(0).at(0).integer());
        SLIPWAY_TRY(
            const auto added,
            db_->execute(
                "insert into image_members (image_id, project, status, created_at, updated_at) "
                "values (?, ?, 'pending', ?, ?) on conflict (image_id, project) do nothing",
                {id, project, now(), now()}
            )
        );
        if (added == 0)
            return Error(
                Errc::conflict,
                "Member " + project + " is duplicated for image " + id.str() +
                    ": it is shared with that project already"
            );
        SLIPWAY_CHECK(check_growth(others, others + 1, limits_.members, "members"));
        return load_member(*db_, id, project);
    };
    co_return co_await write(work);
}

awaitable<Result<std::vector<Member>>> SqlCatalog::list_members(const ImageId& id) {
    auto work = [&]() -> Result<std::vector<Member>> {
        SLIPWAY_CHECK(load_image(*db_, id));
        SLIPWAY_TRY(
            const auto rows,
            db_->query(
                "select " + std::string(kMemberColumns) +
                    " from image_members where image_id = ? order by created_at, project",
                {id}
            )
        );
        std::vector<Member> members;
        for (const DbRow& row : rows) members.push_back(read_member(row));
        return members;
    };
    co_return co_await read(work);
}

awaitable<Result<Member>> SqlCatalog::find_member(const ImageId& id, const std::string& project) {
    auto work = [&] { return load_member(*db_, id, project); };
    co_return co_await read(work);
}

awaitable<Result<Member>> SqlCatalog::set_member_status(
    const ImageId& id, const std::string& project, const std::string& status
) {
    if (status != "pending" && status != "accepted" && status != "rejected")
        co_return Error(
            Errc::invalid_argument, "the status of a member is pending, accepted or rejected"
        );
    auto work = [&]() -> Result<Member> {
        SLIPWAY_CHECK(load_image(*db_, id));
        SLIPWAY_TRY(
            const auto changed,
            db_->execute(
                "update image_members set status = ?, updated_at = ? "
                "where image_id = ? and project = ?",
                {status, now(), id, project}
            )
        );
        if (changed == 0) return no_member(project);
        return load_member(*db_, id, project);
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::remove_member(const ImageId& id, const std::string& project) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_CHECK(load_image(*db_, id));
        SLIPWAY_TRY(
            const auto removed,
            db_->execute(
                "delete from image_members where image_id = ? and project = ?", {id, project}
            )
        );
        if (removed == 0) return no_member(project);
        return {};
    };
    co_return co_await write(work);
}

}  // namespace slipway::store
