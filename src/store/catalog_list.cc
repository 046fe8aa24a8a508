#include "store/catalog_list.h"

#include "store/catalog_rows.h"
#include "store/catalog_sql.h"

#include <algorithm>
#include <array>

namespace slipway::store {

namespace {

// What the indexes of images are made for: the words must be those of the schema.
constexpr std::string_view kListed = "status not in ('deleted', 'killed') and is_object = 0";

constexpr std::array<std::string_view, 9> kTextColumns{
    "name",
    "id",
    "status",
    "container_format",
    "disk_format",
    "owner",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
};
constexpr std::array<std::string_view, 4> kNumberColumns{
    "size", "virtual_size", "min_disk", "min_ram"};
constexpr std::array<std::string_view, 2> kTimeColumns{"created_at", "updated_at"};

template <std::size_t N>
Result<std::string> known_column(
    const std::array<std::string_view, N>& columns, const std::string& column
) {
    if (std::find(columns.begin(), columns.end(), column) != columns.end()) return column;
    return Error(Errc::invalid_argument, "can not filter by " + column.substr(0, 64));
}

std::string_view sort_column(SortKey key) {
    switch (key) {
        case SortKey::name:
            return "sort_name";
        case SortKey::status:
            return "status";
        case SortKey::container_format:
            return "sort_container_format";
        case SortKey::disk_format:
            return "sort_disk_format";
        case SortKey::size:
            return "sort_size";
        case SortKey::id:
            return "id";
        case SortKey::created_at:
            return "created_at";
        case SortKey::updated_at:
            return "updated_at";
    }
    return "created_at";
}

std::string_view operator_of(Comparison comparison) {
    switch (comparison) {
        case Comparison::equal:
            return "=";
        case Comparison::not_equal:
            return "<>";
        case Comparison::less:
            return "<";
        case Comparison::less_or_equal:
            return "<=";
        case Comparison::greater:
            return ">";
        case Comparison::greater_or_equal:
            return ">=";
    }
    return "=";
}

// The whole order: every key once, ended by the id, behind which nothing can matter.
std::vector<Sort> full_order(const std::vector<Sort>& asked) {
    const SortDirection first = asked.empty() ? SortDirection::descending : asked.front().direction;
    std::vector<Sort> wanted = asked;
    wanted.push_back({SortKey::created_at, first});
    wanted.push_back({SortKey::id, first});
    std::vector<Sort> order;
    for (const Sort& sort : wanted) {
        const bool known = std::any_of(order.begin(), order.end(), [&](const Sort& other) {
            return other.key == sort.key;
        });
        if (!known) order.push_back(sort);
        if (sort.key == SortKey::id) break;
    }
    return order;
}

// Conditions joined by `and`, each with its values.
class Conditions {
public:
    void add(const std::string& condition, const DbValues& values = {}) {
        if (!text_.empty()) text_ += " and ";
        text_ += condition;
        values_.insert(values_.end(), values.begin(), values.end());
    }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] const DbValues& values() const { return values_; }

private:
    std::string text_;
    DbValues values_;
};

// What a list shows: policy's is_visible() in SQL, because a page needs it before it has its rows,
// less what the visibility asked for leaves out, and community images for who has no project.
void add_scope(Conditions& conditions, const ImageQuery& query) {
    const ListScope& scope = query.scope;
    const bool community = query.visibility == "community" || query.visibility == "all";
    if (scope.all) {
        if (!community && scope.project)
            conditions.add("(visibility <> 'community' or owner = ?)", {*scope.project});
        else if (!community)
            conditions.add("visibility <> 'community'");
    } else if (!scope.project) {
        conditions.add("visibility = 'public'");
    } else {
        const bool any_status = scope.member_status == "all";
        DbValues values{*scope.project, *scope.project};
        if (!any_status) values.emplace_back(scope.member_status);
        conditions.add(
            "(visibility = 'public' or owner = ?" +
                std::string(community ? " or visibility = 'community'" : "") +
                " or (visibility = 'shared' and exists (select 1 from image_members m "
                "where m.image_id = images.id and m.project = ?" +
                (any_status ? "" : " and m.status = ?") + ")))",
            values
        );
    }
    if (query.visibility && query.visibility != "all")
        conditions.add("visibility = ?", {*query.visibility});
}

// Times are shown, and so compared, in whole seconds: each filter is a range of the finer ones.
void add_time_filter(Conditions& conditions, const std::string& column, const TimeFilter& filter) {
    const Time floor = std::chrono::floor<std::chrono::seconds>(filter.value);
    const Time next = floor + std::chrono::seconds(1);
    const bool whole = floor == filter.value;
    const Time ceiling = whole ? floor : next;
    switch (filter.comparison) {
        case Comparison::equal:
            if (whole)
                conditions.add("(" + column + " >= ? and " + column + " < ?)", {floor, next});
            else
                conditions.add("1 = 0");
            return;
        case Comparison::not_equal:
            if (whole) conditions.add("(" + column + " < ? or " + column + " >= ?)", {floor, next});
            return;
        case Comparison::less:
            return conditions.add(column + " < ?", {ceiling});
        case Comparison::less_or_equal:
            return conditions.add(column + " < ?", {next});
        case Comparison::greater:
            return conditions.add(column + " >= ?", {next});
        case Comparison::greater_or_equal:
            return conditions.add(column + " >= ?", {ceiling});
    }
}

Result<void> add_filters(Conditions& conditions, const ImageQuery& query) {
    conditions.add("hidden = ?", {query.hidden});
    if (query.is_protected) conditions.add("protected = ?", {*query.is_protected});
    for (const TextFilter& filter : query.texts) {
        SLIPWAY_TRY(const std::string column, known_column(kTextColumns, filter.column));
        if (filter.any_of.empty())
            conditions.add("1 = 0");
        else
            conditions.add(
                column + " in (" + placeholders(filter.any_of.size()) + ")",
                DbValues(filter.any_of.begin(), filter.any_of.end())
            );
    }
    for (const NumberFilter& filter : query.numbers) {
        SLIPWAY_TRY(const std::string column, known_column(kNumberColumns, filter.column));
        conditions.add(
            column + " " + std::string(operator_of(filter.comparison)) + " ?", {filter.value}
        );
    }
    for (const TimeFilter& filter : query.times) {
        SLIPWAY_TRY(const std::string column, known_column(kTimeColumns, filter.column));
        add_time_filter(conditions, column, filter);
    }
    for (const std::string& tag : query.tags)
        conditions.add(
            "exists (select 1 from image_tags t where t.image_id = images.id and t.tag = ?)", {tag}
        );
    for (const auto& [name, value] : query.properties)
        conditions.add(
            "exists (select 1 from image_properties p "
            "where p.image_id = images.id and p.name = ? and p.value = ?)",
            {name, value}
        );
    return {};
}

// Behind the row of the marker. Where all keys go one way this is one comparison of rows, which the
// index of the first key answers as a whole.
void add_marker(Conditions& conditions, const std::vector<Sort>& order, const DbRow& after) {
    const bool one_way = std::all_of(order.begin(), order.end(), [&](const Sort& sort) {
        return sort.direction == order.front().direction;
    });
    const auto behind = [](const Sort& sort) {
        return sort.direction == SortDirection::ascending ? " > " : " < ";
    };
    std::string columns;
    for (const Sort& sort : order)
        columns += (columns.empty() ? "" : ", ") + std::string(sort_column(sort.key));
    if (one_way) {
        conditions.add(
            "(" + columns + ")" + behind(order.front()) + "(" + placeholders(order.size()) + ")",
            after
        );
        return;
    }
    std::string either;
    DbValues values;
    for (std::size_t i = 0; i < order.size(); ++i) {
        either += either.empty() ? "(" : " or (";
        for (std::size_t j = 0; j <= i; ++j) {
            if (j > 0) either += " and ";
            either +=
                std::string(sort_column(order[j].key)) + (j < i ? " = " : behind(order[j])) + "?";
            values.push_back(after.at(j));
        }
        either += ")";
    }
    conditions.add("(" + either + ")", values);
}

// What the columns of the order hold in the row of the marker, if the scope may see it by its id:
// all that policy's is_visible() shows, in SQL.
Result<DbRow> marker_row(Db& db, const ImageQuery& query) {
    std::string columns;
    for (const Sort& sort : full_order(query.sort))
        columns += (columns.empty() ? "" : ", ") + std::string(sort_column(sort.key));
    Conditions conditions;
    conditions.add("id = ?", {*query.marker});
    conditions.add(std::string(kListed));
    if (!query.scope.all) {
        const std::string project = query.scope.project.value_or("");
        conditions.add(
            "(visibility in ('public', 'community') or owner = ? or (visibility = 'shared' and "
            "(owner is null or exists (select 1 from image_members m "
            "where m.image_id = images.id and m.project = ?))))",
            {project, project}
        );
    }
    SLIPWAY_TRY(
        auto rows,
        db.query(
            "select " + columns + " from images where " + conditions.text(), conditions.values()
        )
    );
    if (rows.empty())
        return Error(
            Errc::invalid_argument,
            "Invalid marker: there is no image " + query.marker->str() + " that you can see."
        );
    return std::move(rows.front());
}

}  // namespace

Result<Statement> page_statement(const ImageQuery& query, const std::optional<DbRow>& after) {
    const std::vector<Sort> order = full_order(query.sort);
    Conditions conditions;
    conditions.add(std::string(kListed));
    add_scope(conditions, query);
    SLIPWAY_CHECK(add_filters(conditions, query));
    if (after) add_marker(conditions, order, *after);

    std::string order_by;
    for (const Sort& sort : order) {
        if (!order_by.empty()) order_by += ", ";
        order_by += sort_column(sort.key);
        if (sort.direction == SortDirection::descending) order_by += " desc";
    }
    Statement statement;
    statement.sql = "select " + std::string(kImageColumns) + " from images where " +
                    conditions.text() + " order by " + order_by + " limit ?";
    statement.values = conditions.values();
    statement.values.emplace_back(std::uint64_t{query.limit});
    return statement;
}

Result<std::vector<Image>> list_images(Db& db, const ImageQuery& query) {
    std::optional<DbRow> after;
    if (query.marker) {
        SLIPWAY_TRY(after, marker_row(db, query));
    }
    SLIPWAY_TRY(const Statement statement, page_statement(query, after));
    SLIPWAY_TRY(const auto rows, db.query(statement.sql, statement.values));
    std::vector<Image> images;
    for (const DbRow& row : rows) {
        SLIPWAY_TRY(images.emplace_back(), read_image(row));
    }
    SLIPWAY_CHECK(load_tags_and_properties(db, images));
    return images;
}

awaitable<Result<std::vector<Image>>> SqlCatalog::list_images(ImageQuery query) {
    auto work = [&] { return store::list_images(*db_, query); };
    co_return co_await read(work);
}

}  // namespace slipway::store
