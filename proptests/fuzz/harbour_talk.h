// A server, a client and what they said to each other, frame by frame: seeds for the targets of
// streams, and the truth that their scripts go on from.
#pragma once

#include <vector>

#include "ecsdb/client/test_workload.h"
#include "ecsdb/wire/frame.h"

#include "script.h"

namespace ecsdb::fuzz {

/// A frame of a stream, or its preface.
struct Said {
  bool is_preface = false;
  MessageType type = MessageType::kGoodbye;
  Bytes head;
  Bytes tail;
};

/// Takes a stream apart. Its frames must be sound.
class Listener {
 public:
  void hear(ByteSpan bytes, std::vector<Said>& out);

 private:
  Bytes preface_;
  FrameReader reader_{{kFrameHeadBytesMax, kFrameTailBytesMax}};
};

/// The client's writes in the talk, from 1: a ship of its own with cargo, a second cargo, which is
/// rejected, changes, one of which is merged with the server's, and its end. `ship`: what the first
/// has made.
WriteDraft draft_of_talk(Client& client, uint64_t number, EntityId& ship);

struct Talk {
  std::vector<Said> server;
  std::vector<Said> client;
};

/// The harbour of the tests in which everyone may write everything, with three events: boom where a
/// ship is, call in a room of the chat, gong for everyone.
const Schema& loud_harbour();
enum LoudEvent : uint16_t { kBoom, kCall, kGong };
/// One of them, drawn, of the open transaction or the next.
void emit_some(ReplicationServer& server, Prng& random, const Now& now);

/// A full sync in several chunks, steps, net deltas, cells that enter and leave, writes and their
/// outcomes, events both ways, a goodbye. Made once, the same in every run.
const Talk& harbour_talk();

/// The bytes of a frame with a right checksum.
void append_said(Bytes& stream, const Said& said);

/// A record of a frame with a tail: head length u16 | head | tail.
Bytes join(const Said& said);
Said split(MessageType type, ByteSpan bytes);

/// An advance whose block lengths add up to its tail, the last one giving way; of a head that can
/// be decoded. `from`: the version it starts at, if that is to be mended too.
void mend_lengths(Said& said, const Version* from);

}  // namespace ecsdb::fuzz
