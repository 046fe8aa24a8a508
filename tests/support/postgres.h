#pragma once

#include <sys/types.h>

#include <string>

namespace slipway::test {

// A PostgreSQL server of this test process: made in a temporary folder, reached by a socket in it,
// asking for a password; killed and removed at the end. As root it runs as the user postgres.
class PostgresServer {
public:
    // Throws std::runtime_error when there is no PostgreSQL: its tests then fail, they do not skip.
    static PostgresServer& shared();

    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;
    ~PostgresServer();

    // The URL of a new, empty database.
    std::string new_database();
    [[nodiscard]] std::string url(const std::string& database) const;

private:
    PostgresServer();
    void wait_until_it_answers();
    void stop() noexcept;

    std::string folder_;
    pid_t process_ = -1;
    int databases_ = 0;
};

}  // namespace slipway::test
