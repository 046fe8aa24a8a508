#include "model/location.h"

namespace slipway {

std::string_view to_string(StoredForm form) {
    switch (form) {
        case StoredForm::original:
            return "original";
        case StoredForm::sparse:
            return "sparse";
        case StoredForm::flat:
            return "flat";
        case StoredForm::boot:
            return "boot";
    }
    return "original";
}

Result<StoredForm> parse_stored_form(std::string_view word) {
    for (const StoredForm f :
         {StoredForm::original, StoredForm::sparse, StoredForm::flat, StoredForm::boot})
        if (to_string(f) == word) return f;
    return Error(Errc::corrupt, "the catalogue holds an unknown stored form");
}

std::string Location::clone_source() const {
    if (!descriptor.empty()) return descriptor;
    return data_file.ends_with(".vmdk") && !data_file.ends_with("-flat.vmdk") ? data_file
                                                                              : std::string();
}

}  // namespace slipway
