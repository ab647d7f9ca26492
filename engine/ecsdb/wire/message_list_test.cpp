#include "ecsdb/wire/message_list.h"

#include <gtest/gtest.h>
#include <map>
#include <string>

namespace ecsdb {
namespace {

/// Without a default: the compiler names an enumerator that is missing here.
bool is_enumerator(MessageType type) {
  switch (type) {
    case MessageType::kAuth:
    case MessageType::kSubscribe:
    case MessageType::kAck:
    case MessageType::kClientHeartbeat:
    case MessageType::kResume:
    case MessageType::kRefetch:
    case MessageType::kClientReady:
    case MessageType::kGoodbye:
    case MessageType::kAuthReply:
    case MessageType::kSchemaPart:
    case MessageType::kSubscribeReply:
    case MessageType::kSyncBegin:
    case MessageType::kSyncChunk:
    case MessageType::kAdvance:
    case MessageType::kServerHeartbeat:
    case MessageType::kResumeReply:
    case MessageType::kSyncMark:
    case MessageType::kWrites:
    case MessageType::kOutcomes:
    case MessageType::kWriteRefused:
    case MessageType::kEvents:
    case MessageType::kClientEvents:
      return true;
  }
  return false;
}

std::map<int, std::string> listed() {
  std::map<int, std::string> names;
  int last = -1;
  auto one = [&](const auto& entry) {
    const int number = static_cast<int>(entry.type);
    EXPECT_GT(number, last) << entry.name;
    last = number;
    names[number] = entry.name;
  };
  std::apply([&](const auto&... entry) { (one(entry), ...); }, kMessageList);
  return names;
}

TEST(MessageList, HasEveryTypeOnceInOrder) {
  const auto names = listed();
  for (int number = 0; number <= 255; ++number) {
    EXPECT_EQ(names.contains(number), is_enumerator(static_cast<MessageType>(number))) << number;
  }
}

TEST(MessageList, NamesAreThoseOfTheMessagesButForSyncChunks) {
  auto one = [&](const auto& entry) {
    using M = typename std::remove_cvref_t<decltype(entry)>::Message;
    const bool is_chunk = entry.type == MessageType::kSyncChunk;
    EXPECT_EQ(std::string(entry.name), is_chunk ? "sync_chunk" : Describe<M>::name);
  };
  std::apply([&](const auto&... entry) { (one(entry), ...); }, kMessageList);
}

}  // namespace
}  // namespace ecsdb
