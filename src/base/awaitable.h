#pragma once

#include <boost/asio/awaitable.hpp>

namespace slipway {

namespace asio = boost::asio;

template <class T>
using awaitable = asio::awaitable<T>;

}  // namespace slipway
