// Messages, their fields and their numbers.
#include <set>
#include <tuple>
#include <type_traits>

#include "ecsdb/wire/compress.h"
#include "ecsdb/wire/message_list.h"

#include "markdown.h"
#include "protocol_tables.h"

namespace ecsdb::protocol {
namespace {

const char* sender_text(MessageSender sender) {
  switch (sender) {
    case MessageSender::kClient:
      return "client to server";
    case MessageSender::kServer:
      return "server to client";
    case MessageSender::kBoth:
      return "both ways";
  }
  return "";
}

/// The described structure that a field holds, directly or in a list; void if it is none.
template <class T>
struct PartOf {
  using type = std::conditional_t<Described<T>, T, void>;
};
template <class T>
struct PartOf<std::vector<T>> {
  using type = typename PartOf<T>::type;
};

template <class F>
std::string limit_text(uint64_t limit) {
  if (limit == 0) return "";
  if constexpr (std::is_same_v<F, std::string> || std::is_same_v<F, Bytes> ||
                std::is_same_v<F, CanonicalValue>) {
    return number(limit) + " bytes";
  } else if constexpr (IsVector<F>::value) {
    return number(limit) + " elements";
  } else {
    return number(limit);
  }
}

template <class M>
std::string field_table() {
  MarkdownTable table({"field", "type", "limit", "meaning"});
  auto one = [&]<class F>(const MessageField<M, F>& f) {
    table.row({code(f.name), code(wire_type_name<F>()), limit_text<F>(f.limit), f.text});
  };
  std::apply([&](const auto&... f) { (one(f), ...); }, Describe<M>::fields);
  return table.text();
}

/// Tables of the structures that a message consists of, those inside first.
template <class M>
void add_parts(std::string& out, std::set<std::string>& done) {
  auto one = [&]<class F>(const MessageField<M, F>&) {
    using Part = typename PartOf<F>::type;
    if constexpr (!std::is_void_v<Part>) {
      add_parts<Part>(out, done);
      if (!done.insert(Describe<Part>::name).second) return;
      out += "`" + std::string(Describe<Part>::name) + "`, a part of messages:\n\n" +
             field_table<Part>() + "\n";
    }
  };
  std::apply([&](const auto&... f) { (one(f), ...); }, Describe<M>::fields);
}

/// What stands as bytes inside of a message.
template <class M>
void add_enclosed(std::string& out, std::set<std::string>& done, const char* where) {
  add_parts<M>(out, done);
  out += "`" + std::string(Describe<M>::name) + "`, " + where + ":\n\n" + field_table<M>() + "\n";
}

std::string messages() {
  std::string out;
  std::set<std::string> done;
  auto one = [&](const auto& entry) {
    using M = typename std::remove_cvref_t<decltype(entry)>::Message;
    if constexpr (std::is_same_v<M, Writes>) {
      add_enclosed<Write>(out, done, "the bytes inside of a `write_entry`");
    }
    add_parts<M>(out, done);
    out += "`" + std::string(entry.name) + "`, number " +
           std::to_string(static_cast<int>(entry.type)) + ":\n\n";
    const bool is_shown = !done.insert(Describe<M>::name).second;
    out += is_shown ? "The same fields as the message before.\n\n" : field_table<M>() + "\n";
  };
  std::apply([&](const auto&... entry) { (one(entry), ...); }, kMessageList);
  out.pop_back();  // the last empty line
  return out;
}

std::string message_numbers() {
  MarkdownTable table({"number", "name", "direction", "tail", "meaning"});
  auto one = [&](const auto& entry) {
    table.row({std::to_string(static_cast<int>(entry.type)), code(entry.name),
               sender_text(entry.sender), entry.has_tail ? "blocks" : "none", entry.text});
  };
  std::apply([&](const auto&... entry) { (one(entry), ...); }, kMessageList);
  return table.text();
}

EnumText selector(SelectorKind kind) {
  switch (kind) {
    case SelectorKind::kAll:
      return {"all", "every cell of the table; no keys"};
    case SelectorKind::kKeys:
      return {"keys", "the cells with these keys, in any order, also such that do not exist yet"};
    case SelectorKind::kBox:
      return {"box", "the grid cells with low <= key <= high in x, y and z; two keys: low, high"};
    case SelectorKind::kBall:
      return {"ball", "the grid cells that touch a ball around a centre; no keys, one area"};
    case SelectorKind::kRange:
      return {"range", "the grid cells that touch a box around a centre; no keys, one area"};
  }
  return {};
}

EnumText reset_reason(ResetReason reason) {
  const std::string_view name = reset_reason_name(reason);
  switch (reason) {
    case ResetReason::kNone:
      return {name, "the client goes on from its cut"};
    case ResetReason::kOtherDatabase:
      return {name, "`database_id` is not the server's"};
    case ResetReason::kPastFork:
      return {name, "the position is not part of the server's history"};
    case ResetReason::kSchemaBreak:
      return {name, "`schema_known` of the `auth` is not the schema in force"};
    case ResetReason::kRightsChanged:
      return {name, "roles or claims of the principal are not those of the session's last `auth`"};
    case ResetReason::kCellsUnknown:
      return {name, "a named cell cannot be, or nothing of what is held is of use"};
  }
  return {};
}

EnumText held_state(HeldState state) {
  switch (state) {
    case HeldState::kHeld:
      return {"held", "at the cut"};
    case HeldState::kSyncDone:
      return {"sync done", "of the unfinished sync, with all of its rows"};
    case HeldState::kSyncBegun:
      return {"sync begun", "likewise, with its rows of entity indices below `next_index`"};
    case HeldState::kSyncWaits:
      return {"sync waits", "likewise, without rows"};
  }
  return {};
}

EnumText advance_kind(AdvanceKind kind) {
  switch (kind) {
    case AdvanceKind::kStep:
      return {"step", "relative blocks, which all clients share that are up to date"};
    case AdvanceKind::kNet:
      return {"net", "net blocks: absolute values of what changed after `from`"};
    case AdvanceKind::kSyncEnd:
      return {"sync_end", "net blocks, and with them a sync is complete"};
  }
  return {};
}

std::string features() {
  MarkdownTable table({"bit", "name", "meaning"});
  static_assert(kFeatureZstd == 1);
  table.row({"0", code("zstd"), "bodies of blocks may be compressed (section 9)"});
  return table.text();
}

}  // namespace

void add_message_sections(std::vector<Section>& out) {
  out.push_back({"features", features()});
  out.push_back({"message-numbers", message_numbers()});
  out.push_back({"messages", messages()});
  out.push_back({"advance-kinds", enum_table(advance_kind)});
  out.push_back({"selector-kinds", enum_table(selector)});
  out.push_back({"reset-reasons", enum_table(reset_reason)});
  out.push_back({"held-states", enum_table(held_state)});
}

}  // namespace ecsdb::protocol
