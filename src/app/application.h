#pragma once

#include "app/config.h"
#include "base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace slipway::app {

// The whole server: built from a configuration, run until told to stop.
class Application {
public:
    // Opens the catalogue and the stores, and listens. Nothing is answered before run().
    // Errors: whatever keeps the server from starting, with what to do.
    static Result<std::unique_ptr<Application>> create(const Config& config);
    ~Application();

    // Serves until SIGTERM, SIGINT or stop(), then drains. A second signal ends at once.
    void run();
    // Safe from any thread.
    void stop();

    // In the order of config.listeners.
    [[nodiscard]] const std::vector<std::uint16_t>& ports() const;
    // What the router leads to handlers: "GET /v2/images/{image_id}".
    [[nodiscard]] std::vector<std::string> routes() const;

private:
    struct Parts;
    explicit Application(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace slipway::app
