#include "memory_link.h"

#include <algorithm>

namespace bench {

using ecsdb::ByteSpan;
using ecsdb::ErrorCode;
using ecsdb::fail;
using ecsdb::LinkId;
using ecsdb::Now;
using ecsdb::Result;
using ecsdb::Status;

namespace {

/// Nothing is refused here: the client checks what it takes.
constexpr ecsdb::FrameLimits kAnyFrame{.head_bytes_max = 1u << 30, .tail_bytes_max = 1u << 30};

}  // namespace

MemoryLink::MemoryLink(ecsdb::ReplicationServer& server, uint64_t link, const std::string& table,
                       const Now& now)
    : server_(server),
      client_(ecsdb::ClientOptions{}, ecsdb::Prng(link)),
      server_link_{link},
      reader_(kAnyFrame) {
  client_.subscribe(table, now);
  client_.connect(now);
}

void MemoryLink::dial(LinkId link, const Now& now) {
  client_link_ = link;
  server_link_ = LinkId{server_link_.value + 1};
  is_up_ = true;
  reader_ = ecsdb::FrameReader(kAnyFrame);
  preface_missing_ = ecsdb::kPrefaceBytes;
  sent_ = {};
  server_.on_connected(server_link_, now);
  client_.on_connected(link, now);
}

void MemoryLink::cut(const Now& now) {
  if (!std::exchange(is_up_, false)) return;
  server_.on_closed(server_link_, now);
  client_.on_closed(client_link_, now);
  client_.poll(now);
}

Status MemoryLink::settle(const Now& now) {
  constexpr int kRoundsMax = 1'000'000;
  for (int round = 0; round < kRoundsMax; ++round) {
    if (const auto link = client_.next_dial()) dial(*link, now);
    size_t moved = take_from_client(now);
    const Result<size_t> taken = take_from_server(now);
    if (!taken.ok()) return taken.error();
    moved += *taken;
    client_.poll(now);
    while (client_.next_event()) {
    }
    while (server_.next_event()) {
    }
    if (moved == 0) return {};
  }
  return fail(ErrorCode::kStalled, "server and client never come to rest");
}

Result<size_t> MemoryLink::take_from_server(const Now& now) {
  if (!is_up_ || is_held_) return size_t{0};
  while (server_.next_ready()) {  // asked anyway
  }
  const ecsdb::StreamOutput output = server_.output(server_link_);
  bytes_.clear();
  for (const ByteSpan part : output.parts) bytes_.insert(bytes_.end(), part.begin(), part.end());
  if (output.close) return fail(ErrorCode::kLinkClosed, "the server closed the link");
  if (bytes_.empty()) return size_t{0};
  server_.on_sent(server_link_, bytes_.size(), now);
  ECSDB_TRY(count(bytes_));
  client_.on_bytes(client_link_, bytes_, now);
  return bytes_.size();
}

size_t MemoryLink::take_from_client(const Now& now) {
  if (!is_up_) return 0;
  const ecsdb::StreamOutput output = client_.output(client_link_, now);
  bytes_.clear();
  for (const ByteSpan part : output.parts) bytes_.insert(bytes_.end(), part.begin(), part.end());
  if (bytes_.empty()) return 0;
  client_.on_sent(client_link_, bytes_.size(), now);
  server_.on_bytes(server_link_, bytes_, now);
  return bytes_.size();
}

Status MemoryLink::count(ByteSpan bytes) {
  sent_.total += bytes.size();
  const size_t preface = std::min(preface_missing_, bytes.size());
  preface_missing_ -= preface;
  reader_.feed(bytes.subspan(preface));
  while (true) {
    const auto frame = reader_.next();
    if (!frame.ok()) return frame.error();
    if (!frame->has_value()) return {};
    sent_.by_type[static_cast<size_t>((*frame)->type)] += (*frame)->bytes;
    if ((*frame)->type == ecsdb::MessageType::kAdvance) sent_.last_advance = (*frame)->bytes;
  }
}

}  // namespace bench
