#include "tests/contract/catalog_contract.h"

#include "tests/support/postgres.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace slipway::test {

using store::Catalog;

CatalogContract::CatalogContract() {
    if (on_sqlite()) {
        std::string name =
            (std::filesystem::temp_directory_path() / "slipway-catalog-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("can not make a temporary folder");
        folder_ = name;
        options_.connection = "sqlite:///" + folder_ + "/catalog.db";
    } else {
        options_.connection = PostgresServer::shared().new_database();
    }
    catalog_ = Catalog::open(options_, clock_).value();
}

CatalogContract::~CatalogContract() {
    catalog_.reset();
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Result<std::unique_ptr<Catalog>> CatalogContract::open_another() {
    return Catalog::open(options_, clock_);
}

void CatalogContract::restart() {
    catalog_.reset();
    catalog_ = Catalog::open(options_, clock_).value();
}

std::unique_ptr<store::Db> CatalogContract::open_db() {
    if (on_sqlite()) catalog_.reset();
    return store::Db::open(store::parse_database_url(options_.connection, {}).value()).value();
}

Image CatalogContract::create(Image image) {
    return run(catalog_->create_image(image)).value();
}

Image CatalogContract::create(const std::string& name) {
    Image image;
    image.id = ImageId(new_uuid());
    image.name = name;
    image.owner = "p";
    return create(image);
}

Location CatalogContract::begin_upload(
    Catalog& catalog, const ImageId& image, const std::string& server
) {
    Location location;
    location.id = LocationId("l" + std::to_string(++uploads_));
    location.image_id = image;
    location.backend = BackendId("b");
    location.datastore = "DC0/images";
    location.directory = "slipway/" + image.str() + "." + std::to_string(uploads_);
    location.data_file = "image.vmdk";
    location.server = server;
    location.stored_bytes = 100;
    run(catalog.begin_upload(location)).value();
    return location;
}

Location CatalogContract::begin_upload(const ImageId& image, const std::string& server) {
    return begin_upload(*catalog_, image, server);
}

Image CatalogContract::create_active(const std::string& name, std::uint64_t stored_bytes) {
    const Image image = create(name);
    const Location location = begin_upload(image.id);
    run(catalog_->finish_upload(location.id, outcome_of(stored_bytes))).value();
    return run(catalog_->find_image(image.id)).value();
}

TaskRecord CatalogContract::create_task(const Image& image, const std::string& id) {
    TaskRecord task;
    task.id = TaskId(id);
    task.image_id = image.id;
    task.owner = image.owner;
    task.location_id = run(catalog_->live_locations(image.id)).value().at(0).id;
    task.input = R"({"path": "a.vmdk"})";
    task.request_id = "req-" + id;
    return run(catalog_->create_task(task)).value();
}

std::vector<std::string> CatalogContract::names(const ImageQuery& query) {
    std::vector<std::string> names;
    for (const Image& image : run(catalog_->list_images(query)).value())
        names.push_back(image.name.value_or("(null)"));
    return names;
}

std::vector<std::string> CatalogContract::garbage() {
    std::vector<std::string> ids;
    for (const BackendId& backend : run(catalog_->backends_with_garbage()).value())
        for (const Location& location : run(catalog_->collectable_garbage(backend, 100)).value())
            ids.push_back(location.id.str());
    return ids;
}

ImageStatus CatalogContract::status_of(const ImageId& id) {
    return run(catalog_->find_image(id)).value().status;
}

LocationState CatalogContract::state_of(const LocationId& id) {
    return run(catalog_->find_location(id)).value().state;
}

ImageId image_id(int number) {
    char text[40];
    std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012d", number);
    return ImageId(text);
}

store::UploadOutcome outcome_of(std::uint64_t bytes) {
    store::UploadOutcome outcome;
    outcome.size_bytes = bytes;
    outcome.stored_bytes = bytes;
    outcome.checksum = "d41d8cd98f00b204e9800998ecf8427e";
    outcome.os_hash_algo = "sha512";
    outcome.os_hash_value = "cf83e1357eefb8bd";
    outcome.account.path = "stream";
    return outcome;
}

ImageQuery everything() {
    ImageQuery query;
    query.scope.all = true;
    query.limit = 1000;
    return query;
}

INSTANTIATE_TEST_SUITE_P(
    ,
    CatalogContract,
    testing::Values(store::Engine::sqlite, store::Engine::postgresql),
    [](const testing::TestParamInfo<store::Engine>& info) {
        return info.param == store::Engine::sqlite ? "Sqlite" : "Postgresql";
    }
);

}  // namespace slipway::test
