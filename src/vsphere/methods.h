#pragma once

#include "vsphere/soap.h"
#include "vsphere/vim_types.h"

#include <string>
#include <string_view>

// Small requests that more than one file sends.
namespace slipway::vsphere::methods {

inline SoapRequest make(std::string_view method, Result<std::string> body) {
    SoapRequest request;
    request.method = method;
    request.body = std::move(body).value();
    return request;
}

// A request without arguments beyond the object that it is for.
inline SoapRequest bare(std::string_view method, const ManagedObjectReference& self) {
    xml::Writer out;
    out.open_method(method);
    write(out, "_this", self);
    return make(method, out.finish());
}

inline ManagedObjectReference service_instance() {
    return {"ServiceInstance", "ServiceInstance"};
}

inline SoapRequest current_time() {
    return bare("CurrentTime", service_instance());
}

}  // namespace slipway::vsphere::methods
