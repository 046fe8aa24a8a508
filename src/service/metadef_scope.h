#pragma once

#include "model/caller.h"
#include "model/metadef.h"

namespace slipway::service {

// The scope of the caller's lists of namespaces; the rest of `query` is what was asked for. Part of
// policy.cc, which asks identities.
void set_list_scope(MetadefQuery& query, const Identity& identity);

}  // namespace slipway::service
