#include "pump.h"

#include <string>
#include <utility>

#include "measure.h"

namespace bench {

using ecsdb::Client;
using ecsdb::ErrorCode;
using ecsdb::fail;
using ecsdb::LinkId;
using ecsdb::Status;
using ecsdb::StreamOutput;

Client& Pump::add_client(const std::string& table, ecsdb::ClientOptions options) {
  const size_t index = ends_.size();
  End& end = ends_.emplace_back();
  end.client = std::make_unique<Client>(std::move(options), ecsdb::Prng(index + 1));
  end.client->subscribe(table, now());
  end.client->connect(now());
  const auto link = end.client->next_dial();
  ECSDB_CHECK(link.has_value());  // connect() dials at once
  end.client_link = *link;
  server_.on_connected(LinkId{index}, now());
  end.client->on_connected(*link, now());
  return *end.client;
}

void Pump::remove_last() {
  server_.on_closed(LinkId{ends_.size() - 1}, now());
  while (server_.next_event()) {
  }
  ends_.pop_back();
}

size_t Pump::take_server_output() {
  const size_t before = wire_.size();
  times_.server_output += time_ns([&] {
    while (const auto link = server_.next_ready()) {
      const StreamOutput output = server_.output(*link);
      const size_t begin = wire_.size();
      for (const ecsdb::ByteSpan part : output.parts) {
        wire_.insert(wire_.end(), part.begin(), part.end());
      }
      closed_ |= output.close;
      const size_t bytes = wire_.size() - begin;
      taken_.push_back({static_cast<size_t>(link->value), begin, bytes});
      server_.on_sent(*link, bytes, now());
    }
  });
  return wire_.size() - before;
}

void Pump::deliver() {
  times_.client_receive += time_ns([&] {
    for (const Segment& segment : taken_) {
      End& end = ends_[segment.link];
      if (segment.bytes > 0) end.client->on_bytes(end.client_link, bytes_of(segment), now());
    }
  });
  times_.client_poll += time_ns([&] {
    for (const Segment& segment : taken_) ends_[segment.link].client->poll(now());
  });
  taken_.clear();
  wire_.clear();
}

size_t Pump::return_client_output() {
  from_clients_.resize(ends_.size());
  size_t bytes = 0;
  for (size_t i = 0; i < ends_.size(); ++i) {
    End& end = ends_[i];
    from_clients_[i].clear();
    if (!end.client->has_output(end.client_link)) continue;
    const StreamOutput output = end.client->output(end.client_link, now());
    for (const ecsdb::ByteSpan part : output.parts) {
      from_clients_[i].insert(from_clients_[i].end(), part.begin(), part.end());
    }
    closed_ |= output.close;
    end.client->on_sent(end.client_link, from_clients_[i].size(), now());
    bytes += from_clients_[i].size();
  }
  times_.server_input += time_ns([&] {
    for (size_t i = 0; i < ends_.size(); ++i) {
      if (!from_clients_[i].empty()) server_.on_bytes(LinkId{i}, from_clients_[i], now());
    }
  });
  return bytes;
}

void Pump::run_timers() {
  server_.on_timer(now());
  for (End& end : ends_) end.client->on_timer(now());
}

Status Pump::settle() {
  constexpr int kRoundsMax = 1'000'000;
  for (int round = 0; round < kRoundsMax; ++round) {
    size_t bytes = take_server_output();
    deliver();
    bytes += return_client_output();
    if (closed_) return fail(ErrorCode::kLinkClosed, "a machine closed its link");
    if (bytes == 0) return {};
  }
  return fail(ErrorCode::kStalled, "server and clients never come to rest");
}

Status verify_clients(ecsdb::ReplicationServer& server, Pump& pump) {
  for (size_t i = 0; i < pump.client_count(); ++i) {
    const std::string who = "client " + std::to_string(i);
    Client& client = pump.client(i);
    if (client.sync().phase != ecsdb::SyncStatus::Phase::kLive) {
      return fail(ErrorCode::kStalled, who + " is not live");
    }
    ecsdb::ClientDb& db = client.db();
    if (db.cut() != server.database().published()) {
      return fail(ErrorCode::kDigestMismatch, who + " stands at an old version");
    }
    for (size_t handle = 0; handle < db.cells().size(); ++handle) {
      const ecsdb::HeldCell& cell = db.cells()[handle];
      if (!cell.held || db.digest(handle) == server.digest(cell.table, cell.key)) continue;
      return fail(ErrorCode::kDigestMismatch, who + ", cell " + cell.key.to_string());
    }
  }
  return {};
}

}  // namespace bench
