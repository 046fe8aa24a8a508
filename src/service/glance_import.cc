#include "service/glance_import.h"

namespace slipway::service {

namespace {

constexpr std::size_t kPage = 100;

using Outcome = TakeoverRemark::Outcome;

TakeoverRemark about(const Image& image, Outcome outcome, std::string reason) {
    return {outcome, "image", image.id.str(), image.name.value_or(""), std::move(reason)};
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace

Result<void> GlanceImport::run() {
    SLIPWAY_CHECK(reader_.check());
    SLIPWAY_CHECK(take_metadefs());
    std::string last;
    while (true) {
        SLIPWAY_TRY(const auto images, reader_.images(last, kPage));
        for (const store::GlanceImage& image : images) {
            SLIPWAY_CHECK(check_interrupt());
            SLIPWAY_CHECK(take_image(image));
        }
        if (images.size() < kPage) break;
        last = images.back().id;
    }
    SLIPWAY_TRY(report_.deleted, reader_.deleted_images());
    return {};
}

Result<void> GlanceImport::check_interrupt() const {
    if (options_.interrupted && options_.interrupted())
        return Error(
            Errc::cancelled, "interrupted; what was taken over so far is whole, so run it again"
        );
    return {};
}

void GlanceImport::remark(const TakeoverRemark& remark) {
    ++report_.remarks;
    if (options_.tell) options_.tell(remark);
}

Result<void> GlanceImport::take_metadefs() {
    SLIPWAY_TRY(const auto types, reader_.resource_types());
    if (!options_.dry_run)
        for (const store::GlanceResourceType& type : types)
            SLIPWAY_CHECK(catalog_.add_resource_type({type.name, type.created_at, type.updated_at})
            );
    SLIPWAY_TRY(auto spaces, reader_.namespaces());
    for (store::GlanceNamespace& space : spaces) {
        SLIPWAY_CHECK(check_interrupt());
        SLIPWAY_CHECK(take_namespace(space));
        space = {};  // its contents are not needed any more
    }
    return {};
}

Result<void> GlanceImport::take_namespace(store::GlanceNamespace& source) {
    SLIPWAY_CHECK(reader_.load_contents(source));
    const auto wanted = plan_namespace(source);
    if (!wanted) {
        ++report_.namespaces.left;
        remark({Outcome::left, "namespace", source.name, "", wanted.error().message});
        return {};
    }
    SLIPWAY_TRY(const auto here, catalog_.find_namespace(wanted->name));
    if (here && is_same(*wanted, *here)) {
        ++report_.namespaces.here;
        return {};
    }
    if (here) {
        ++report_.namespaces.differ;
        remark({Outcome::differs, "namespace", source.name, "", "it has another content here"});
        return {};
    }
    if (!options_.dry_run) SLIPWAY_CHECK(catalog_.add_namespace(*wanted));
    ++report_.namespaces.taken;
    return {};
}

Result<std::optional<TakeoverRemark>> GlanceImport::obstacle(const store::TakenImage& wanted) {
    using Found = std::optional<TakeoverRemark>;
    for (const Location& location : wanted.locations) {
        if (location.is_foreign() && !location.is_owned) continue;
        SLIPWAY_TRY(const bool taken, catalog_.has_file(location));
        if (taken)
            return Found(about(
                wanted.image,
                Outcome::left,
                "another image or object here has its file on " + location.datastore
            ));
    }
    return Found();
}

Result<void> GlanceImport::take_image(const store::GlanceImage& source) {
    PlannedImage planned = plan_image(source, backends_, options_.key);
    for (const TakeoverRemark& one : planned.remarks) remark(one);
    if (!planned.taken) {
        ++report_.images.left;
        return {};
    }
    const store::TakenImage& wanted = *planned.taken;
    const Image& image = wanted.image;
    SLIPWAY_TRY(const auto here, catalog_.find(image.id));
    if (here && here->is_deleted) {
        ++report_.images.left;
        remark(about(image, Outcome::left, "it was here and has been deleted since"));
        return {};
    }
    if (here) {
        const std::string names = here->whole.image.is_object
                                      ? "it is an object of another image service here"
                                      : joined(differences(wanted, here->whole));
        ++(names.empty() ? report_.images.here : report_.images.differ);
        if (!names.empty()) remark(about(image, Outcome::differs, names));
        return {};
    }
    SLIPWAY_TRY(const auto in_the_way, obstacle(wanted));
    if (in_the_way) {
        ++report_.images.left;
        remark(*in_the_way);
        return {};
    }
    if (!options_.dry_run) {
        auto added = catalog_.add(wanted);
        if (!added && added.error().code == Errc::invalid_argument) {
            ++report_.images.left;
            remark(about(image, Outcome::left, added.error().message));
            return {};
        }
        if (!added) return added.error().while_doing("image " + image.id.str());
    }
    ++report_.images.taken;
    report_.members += wanted.members.size();
    report_.tags += image.tags.size();
    report_.properties += image.properties.size();
    report_.locations += wanted.locations.size();
    return {};
}

}  // namespace slipway::service
