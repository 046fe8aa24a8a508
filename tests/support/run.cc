#include "tests/support/run.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace slipway::test {

void run(awaitable<void> body) {
    asio::io_context context;
    std::exception_ptr thrown;
    asio::co_spawn(context, std::move(body), [&thrown](std::exception_ptr error) {
        thrown = error;
    });
    context.run();
    if (thrown) std::rethrow_exception(thrown);
}

}  // namespace slipway::test
