// The messages by number: who sends them and what their heads hold. messages.h declares the heads.
#pragma once

#include <tuple>

#include "ecsdb/wire/messages.h"

namespace ecsdb {

enum class MessageSender : uint8_t { kClient, kServer, kBoth };

/// A type of frame. `M` is the message in its head.
template <class M>
struct MessageEntry {
  using Message = M;
  MessageType type;
  const char* name;
  MessageSender sender;
  bool has_tail;
  const char* text;
};

/// Every MessageType, rising by number.
inline constexpr auto kMessageList = std::make_tuple(
    MessageEntry<Auth>{MessageType::kAuth, "auth", MessageSender::kClient, false,
                       "who the client is; follows the preface at once"},
    MessageEntry<Subscribe>{MessageType::kSubscribe, "subscribe", MessageSender::kClient, false,
                            "begins and ends subscriptions"},
    MessageEntry<Ack>{MessageType::kAck, "ack", MessageSender::kClient, false,
                      "what was consumed and applied"},
    MessageEntry<ClientHeartbeat>{MessageType::kClientHeartbeat, "client_heartbeat",
                                  MessageSender::kClient, false, "after silence"},
    MessageEntry<Resume>{MessageType::kResume, "resume", MessageSender::kClient, false,
                         "what the client holds, to go on from there"},
    MessageEntry<Refetch>{MessageType::kRefetch, "refetch", MessageSender::kClient, false,
                          "asks for cells anew whose digest differs"},
    MessageEntry<ClientReady>{MessageType::kClientReady, "client_ready", MessageSender::kClient,
                              false, "what was synced is shown; live advances may come"},
    MessageEntry<Goodbye>{MessageType::kGoodbye, "goodbye", MessageSender::kBoth, false,
                          "the last message, and why"},
    MessageEntry<Writes>{MessageType::kWrites, "writes", MessageSender::kClient, false,
                         "what the client wants to change"},
    MessageEntry<ClientEvents>{MessageType::kClientEvents, "client_events", MessageSender::kClient,
                               false, "events of the client for the server's application"},
    MessageEntry<AuthReply>{MessageType::kAuthReply, "auth_reply", MessageSender::kServer, false,
                            "the client is accepted"},
    MessageEntry<SchemaPart>{MessageType::kSchemaPart, "schema_part", MessageSender::kServer, false,
                             "a piece of the schema"},
    MessageEntry<SubscribeReply>{MessageType::kSubscribeReply, "subscribe_reply",
                                 MessageSender::kServer, false, "answers one subscribe"},
    MessageEntry<SyncBegin>{MessageType::kSyncBegin, "sync_begin", MessageSender::kServer, false,
                            "a full sync begins"},
    MessageEntry<Advance>{MessageType::kSyncChunk, "sync_chunk", MessageSender::kServer, true,
                          "a piece of a full sync"},
    MessageEntry<Advance>{MessageType::kAdvance, "advance", MessageSender::kServer, true,
                          "takes the client to another version, or a part of that"},
    MessageEntry<ServerHeartbeat>{MessageType::kServerHeartbeat, "server_heartbeat",
                                  MessageSender::kServer, false, "after silence"},
    MessageEntry<ResumeReply>{MessageType::kResumeReply, "resume_reply", MessageSender::kServer,
                              false, "whether what the client holds is gone on from"},
    MessageEntry<SyncMark>{MessageType::kSyncMark, "sync_mark", MessageSender::kServer, false,
                           "how far the chunks before it have come"},
    MessageEntry<Outcomes>{MessageType::kOutcomes, "outcomes", MessageSender::kServer, false,
                           "what became of the client's writes; with the next advance, or alone"},
    MessageEntry<WriteRefused>{MessageType::kWriteRefused, "write_refused", MessageSender::kServer,
                               false, "a write was not taken, for now or for ever"},
    MessageEntry<Events>{MessageType::kEvents, "events", MessageSender::kServer, false,
                         "events; they belong to the next advance"});

}  // namespace ecsdb
