// Frames that a client refuses: the frames of one advance, chunks, and messages in the wrong state.
#include "ecsdb/wire/frame.h"

#include "advance_play.h"

namespace ecsdb::vectors {
namespace {

constexpr const char* kUnknownHandle = "unknown_handle";
constexpr const char* kWrongBaseline = "wrong_baseline";
constexpr const char* kMalformed = "frame_malformed";
constexpr const char* kUnexpected = "unexpected_message";

void reject_sequences(FrameMaker to) {
  const Step step;
  const std::vector<Bytes>& sync = step.sync;
  const Bytes good = step.draft.seal();
  auto with_flags = [&](bool begin, bool end, AdvanceKind kind) {
    Draft draft = step.draft;
    draft.head.set_flags(begin, end, kind);
    return draft;
  };
  const Draft first = with_flags(true, false, AdvanceKind::kStep);
  Draft rest = with_flags(false, true, AdvanceKind::kStep);
  rest.blocks.clear();
  to.bad("frame-without-its-begin", "An advance starts in its middle.", sync, {rest.seal()},
         kMalformed);
  to.bad("advance-inside-another", "An advance begins before the one before has ended.", sync,
         {first.seal(), good}, kMalformed);
  Draft other = rest;
  other.head.distance += 1;
  to.bad("frames-of-other-distance", "Frames of one advance end at different versions.", sync,
         {first.seal(), other.seal()}, kMalformed);
  other = rest;
  other.head.set_flags(false, true, AdvanceKind::kNet);
  to.bad("frames-of-other-kind", "Frames of one advance are of different kinds.", sync,
         {first.seal(), other.seal()}, kMalformed);
  other = rest;
  other.head.commit_time_ns += 1;
  to.bad("frames-of-other-commit-time", "Frames of one advance are of different commits.", sync,
         {first.seal(), other.seal()}, kMalformed);
}

void reject_states(FrameMaker to) {
  const Step step;
  const std::vector<Bytes>& sync = step.sync;
  const Bytes good = step.draft.seal();
  to.bad("advance-before-a-sync", "An advance comes before a sync has begun.", {}, {good},
         kUnexpected);
  to.bad("chunk-before-a-sync", "A chunk comes before a sync has begun.", {}, {sync[1]},
         kUnexpected);
  to.bad("sync-begins-twice", "A sync begins while one goes on.", {}, {sync[0], sync[0]},
         kUnexpected);
  to.bad("sync-begins-twice-when-live", "Of a live connection, too, one sync goes on at a time.",
         sync, {sync[0], sync[0]}, kUnexpected);
  to.bad("chunk-when-live", "A chunk comes behind the end of the sync.", sync, {sync[1]},
         kUnexpected);
  to.bad("sync-ends-twice", "The end of a sync comes again.", sync, {sync[2]}, kUnexpected);
  Draft in_sync = step.draft;
  in_sync.blocks.clear();
  to.bad("step-inside-a-sync", "An advance in step comes before the sync has ended.",
         {sync[0], sync[1]}, {in_sync.seal()}, kUnexpected);
}

void reject_chunks(FrameMaker to) {
  SmallFleet small;
  const Bytes begin = small.fleet.sync_begin();
  const Draft good = small.fleet.chunk();
  auto bad = [&](const char* name, const char* note, const Draft& chunk, const char* error) {
    to.bad(name, note, {begin}, {chunk.seal(MessageType::kSyncChunk)}, error);
  };
  Draft chunk = good;
  chunk.set_span(Version{good.head.from.value - 1}, Version{good.head.from.value - 1});
  bad("chunk-of-another-version", "The scan is from another version.", chunk, kWrongBaseline);
  chunk = good;
  chunk.head.distance = 1;
  bad("chunk-with-a-distance", "A chunk leads nowhere.", chunk, kWrongBaseline);
  chunk = good;
  chunk.head.set_flags(true, true, AdvanceKind::kNet);
  bad("chunk-of-kind-net", "Chunks are of kind step.", chunk, kWrongBaseline);
  chunk.head.set_flags(true, true, AdvanceKind::kSyncEnd);
  bad("chunk-of-kind-sync-end", "Chunks are of kind step.", chunk, kWrongBaseline);
  const std::vector<Bytes> begun = {begin, good.seal(MessageType::kSyncChunk)};
  Draft leave;
  leave.set_span(small.fleet.head(), small.fleet.head());
  leave.head.leaves = {{kHome, 1}};
  to.bad("leave-in-a-chunk", "Nothing leaves in a sync.", begun,
         {leave.seal(MessageType::kSyncChunk)}, kUnknownHandle);
  Draft end = small.fleet.sync_end();
  Draft first = end;
  first.head.set_flags(true, false, AdvanceKind::kSyncEnd);
  Draft nothing;
  nothing.set_span(small.fleet.head(), small.fleet.head());
  to.bad("chunk-inside-the-end", "A chunk comes between the frames of the sync's end.", begun,
         {first.seal(), nothing.seal(MessageType::kSyncChunk)}, kUnexpected);
  first.head.set_flags(true, false, AdvanceKind::kStep);
  to.bad("chunk-inside-an-advance", "The same, whatever kind the advance says it is.", begun,
         {first.seal(), nothing.seal(MessageType::kSyncChunk)}, kUnexpected);
  Bytes empty;
  append_frame(empty, MessageType::kSyncChunk, {});
  to.bad("chunk-too-late-and-malformed", "Two faults: the state is checked first.", begun,
         {first.seal(), empty}, kUnexpected);
  small.fleet.set(kShips, small.anna, "paint", uint64_t{77});
  Draft relative = small.fleet.step();
  relative.head.set_flags(true, true, AdvanceKind::kSyncEnd);
  to.bad("relative-at-the-end-of-a-sync", "The end of a sync has net blocks.", begun,
         {relative.seal()}, kWrongBaseline);
}

void reject_tails(FrameMaker to) {
  const Step step;
  Draft first = step.draft;
  Draft second = step.draft;
  first.head.set_flags(true, false, AdvanceKind::kStep);
  second.head.set_flags(false, true, AdvanceKind::kStep);
  first.blocks.resize(1);
  second.blocks.erase(second.blocks.begin());
  to.good("block-in-each-frame", "Two frames, each with a block in its tail.", step.sync,
          {first.seal(), second.seal()});
  Draft longer = first;
  Draft shorter = second;
  longer.tail_behind = {second.blocks[0].bytes[0]};
  shorter.tail_skipped = 1;
  to.bad("tail-of-the-next-frame", "The first byte of a frame's block is in the frame before.",
         step.sync, {longer.seal(), shorter.seal()}, kMalformed);
  longer = second;
  shorter = first;
  shorter.tail_bytes_more = -1;
  longer.tail_behind = longer.blocks[0].bytes;
  longer.tail_behind.insert(longer.tail_behind.begin(), first.blocks[0].bytes.back());
  longer.tail_skipped = longer.blocks[0].bytes.size();
  to.bad("tail-of-the-frame-before", "The last byte of a frame's block is in the next frame.",
         step.sync, {shorter.seal(), longer.seal()}, kMalformed);
}

void reject_messages(FrameMaker to) {
  const std::vector<Bytes> sync = Step().sync;
  Bytes frame;
  append_frame(frame, MessageType::kServerHeartbeat, Bytes{0, 0}, 1);
  frame.push_back(0);
  to.bad("tail-behind-a-heartbeat", "Only chunks and advances have tails.", sync, {frame},
         kMalformed);
  frame.clear();
  append_frame(frame, static_cast<MessageType>(99), {});
  to.bad("message-unknown", "A frame of type 99.", sync, {frame}, "unknown_message");
  frame.clear();
  append_message(frame, MessageType::kAck, Ack{});
  to.bad("message-of-clients", "A server sends what only clients send.", sync, {frame},
         "unknown_message");
  frame.clear();
  append_message(frame, MessageType::kAuthReply, AuthReply{});
  to.bad("auth-reply-again", "Authentication is over.", sync, {frame}, kUnexpected);
  frame.clear();
  append_message(frame, MessageType::kSchemaPart, SchemaPart{0, {1}});
  to.bad("schema-part-again", "The schema is complete.", sync, {frame}, kUnexpected);
}

}  // namespace

void make_frame_rejects(FrameMaker to) {
  reject_sequences(to);
  reject_tails(to);
  reject_states(to);
  reject_chunks(to);
  reject_messages(to);
}

}  // namespace ecsdb::vectors
