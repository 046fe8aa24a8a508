#pragma once

#include "base/awaitable.h"
#include "model/caller.h"
#include "model/member.h"
#include "service/policy.h"
#include "store/catalog.h"

#include <string>
#include <vector>

namespace slipway::service {

// Sharing: which projects see a shared image, and whether they took the offer.
// The owner and an admin see all members; a member sees its own row only.
class MemberService {
public:
    MemberService(store::Catalog& catalog, const Policy& policy)
        : catalog_(catalog), policy_(policy) {}

    // Errors of all: not_found (the image, or the member), forbidden (the image is not shared).
    awaitable<Result<std::vector<Member>>> list(const Caller& caller, const ImageId& id);
    awaitable<Result<Member>> show(
        const Caller& caller, const ImageId& id, const std::string& project
    );
    awaitable<Result<Member>> add(
        const Caller& caller, const ImageId& id, const std::string& project
    );
    awaitable<Result<Member>> set_status(
        const Caller& caller,
        const ImageId& id,
        const std::string& project,
        const std::string& status
    );
    awaitable<Result<void>> remove(
        const Caller& caller, const ImageId& id, const std::string& project
    );

private:
    store::Catalog& catalog_;
    const Policy& policy_;
};

}  // namespace slipway::service
