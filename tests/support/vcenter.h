#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::test {

// The simulated vCenter (tests/vcenter) as a process of its own, which ends with this object.
class Vcenter {
public:
    struct Datastore {
        std::string datacenter;  // inventory path
        std::string name;
        std::string type;
        std::filesystem::path directory;  // its files, to look at and to damage
    };

    // The program is named by the environment variable SLIPWAY_VCENTER; throws without it.
    static std::unique_ptr<Vcenter> start();
    // One for all tests of this process; they keep apart by folders of their own.
    static Vcenter& shared();

    ~Vcenter();
    Vcenter(const Vcenter&) = delete;
    Vcenter& operator=(const Vcenter&) = delete;

    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] const std::string& ca_file() const { return ca_file_; }
    [[nodiscard]] std::uint16_t esx_port() const { return esx_port_; }
    [[nodiscard]] const Datastore& datastore(std::string_view datacenter, std::string_view name)
        const;

    // Requests to its control port; the answer's JSON.
    std::string get(const std::string& target) const;
    std::string post(const std::string& target, const std::string& json) const;
    void remove(const std::string& target) const { control("DELETE", target, ""); }
    // A fault on demand, as JSON.
    void fault(const std::string& json) const { post("/faults", json); }
    // Settings as JSON; all() undone by reset().
    void set(const std::string& json) const { post("/settings", json); }
    // Without faults, with the settings of the start and an empty journal.
    void reset() const;
    // How often the SOAP method was called since the start.
    [[nodiscard]] std::int64_t calls(const std::string& method) const;

private:
    Vcenter() = default;
    std::string control(
        const std::string& method, const std::string& target, const std::string& body
    ) const;

    int process_ = -1;
    int stdin_ = -1;
    std::filesystem::path state_;
    std::string url_;
    std::string control_;
    std::string ca_file_;
    std::string initial_settings_;
    std::uint16_t esx_port_ = 0;
    std::vector<Datastore> datastores_;
};

}  // namespace slipway::test
