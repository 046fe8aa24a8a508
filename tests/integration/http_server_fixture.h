#pragma once

#include "base/stream.h"
#include "http/server.h"
#include "tests/support/raw_client.h"
#include "tests/support/sources.h"

#include <gtest/gtest.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace slipway::http {

using test::pattern;

// A real Server on loopback with two threads, and a handler that shows each behaviour under a path
// of its own (see http_server_fixture.cc).
class HttpServerTest : public testing::Test {
protected:
    void TearDown() override { stop(); }

    // Starts the server; call it once, after changing `limits`.
    void start(const TlsFiles& tls = {});
    // Stops it: returns whether all requests had ended by `grace`.
    bool stop(std::chrono::milliseconds grace = std::chrono::seconds(10));
    // Waits until the server holds that many connections.
    bool reaches_connections(std::size_t wanted);

    ServerLimits limits;
    std::unique_ptr<Server> server;
    std::uint16_t port = 0;

    std::atomic<int> requests = 0;                  // that the handler has seen
    std::atomic<std::uint64_t> body_bytes = 0;      // that handlers have read
    std::atomic<std::uint64_t> produced_bytes = 0;  // that streams have given
    std::atomic<int> broken_bodies = 0;             // whose reading failed
    std::atomic<bool> released = false;             // lets /wait go on

private:
    awaitable<Response> handle(Request& request);
    awaitable<Response> read_body(Request& request);

    std::unique_ptr<asio::io_context> context_;
    std::unique_ptr<asio::executor_work_guard<asio::io_context::executor_type>> work_;
    std::vector<std::thread> threads_;
};

// Bytes allocated in this process now.
std::size_t allocated_bytes();

}  // namespace slipway::http
