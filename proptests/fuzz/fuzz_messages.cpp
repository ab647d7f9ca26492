// Every message: what is accepted encodes to the same bytes, and its text stays on one line.
//
//   input: number of the message u8 | its bytes
#include "ecsdb/wire/messages.h"

#include "fuzz_input.h"

namespace ecsdb::fuzz {
namespace {

template <class M>
void check_message(ByteSpan bytes) {
  M message;
  if (!decode_message(bytes, message).ok()) return;
  Bytes again;
  ByteWriter writer(again);
  encode_fields(message, writer);
  ECSDB_CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
  for (const char c : print_message(message)) {
    ECSDB_CHECK(static_cast<unsigned char>(c) >= ' ');
  }
}

void check_texts(ByteSpan bytes) {
  for (const size_t most : {size_t{0}, size_t{7}, kReasonBytesMax}) {
    const std::string text = message_text(as_text(bytes), most);
    ECSDB_CHECK(text.size() <= most && is_utf8(text));
    ECSDB_CHECK(message_text(text, most) == text);
  }
}

constexpr void (*kChecks[])(ByteSpan) = {check_message<Auth>,
                                         check_message<AuthReply>,
                                         check_message<SchemaPart>,
                                         check_message<Subscribe>,
                                         check_message<SubscribeReply>,
                                         check_message<SyncBegin>,
                                         check_message<Advance>,
                                         check_message<Ack>,
                                         check_message<ClientHeartbeat>,
                                         check_message<ServerHeartbeat>,
                                         check_message<Goodbye>,
                                         check_message<Resume>,
                                         check_message<Refetch>,
                                         check_message<ClientReady>,
                                         check_message<ResumeReply>,
                                         check_message<SyncMark>,
                                         check_texts,
                                         check_message<Writes>,
                                         check_message<Write>,
                                         check_message<Outcomes>,
                                         check_message<WriteRefused>,
                                         check_message<Events>,
                                         check_message<ClientEvents>};

}  // namespace
}  // namespace ecsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ecsdb::fuzz::Input in(data, size);
  const auto check = ecsdb::fuzz::kChecks[in.below(std::size(ecsdb::fuzz::kChecks))];
  check(in.rest());
  return 0;
}
