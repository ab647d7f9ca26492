// What an EventLoop is made of; for the sources of this folder.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>
#include <utility>
#include <vector>

#include "ecsdb/net/event_loop.h"
#include "ecsdb/net/websocket_filter.h"

namespace ecsdb::net {

struct AsioLoop {
  using Work = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

  std::array<uint8_t, EventLoop::kReadBufferBytes> read_buffer;
  std::vector<std::pair<EventLoop::HookId, std::function<void()>>> hooks;
  EventLoop::HookId next_hook = 1;
  std::function<void(int)> on_signal;
  std::atomic<bool> stopped = false;
  WebSocketScratch scratch;
  // Behind everything that handlers, which it destroys last of all, may use.
  boost::asio::io_context io{1};
  Work work{io.get_executor()};
  boost::asio::signal_set signals{io};
};

}  // namespace ecsdb::net
