#include "ecsdb/server/handshake.h"

#include <algorithm>
#include <cstring>

#include "ecsdb/schema/canonical.h"

namespace ecsdb {

Result<std::optional<Preface>> PrefaceReader::take(ByteSpan& bytes) {
  const size_t n = std::min(bytes.size(), kPrefaceBytes - size_);
  std::copy_n(bytes.begin(), n, bytes_.begin() + static_cast<ptrdiff_t>(size_));
  size_ += n;
  bytes = bytes.subspan(n);
  const auto expected = encode_preface(Preface{});
  if (std::memcmp(bytes_.data(), expected.data(), std::min<size_t>(size_, 8)) != 0) {
    return fail(ErrorCode::kBadPreface, "the stream does not begin with an ecsdb preface");
  }
  if (size_ < kPrefaceBytes) return std::optional<Preface>{};
  auto preface = decode_preface(bytes_);
  if (!preface.ok()) return preface.error();
  if (preface->protocol_min > kProtocolVersion || preface->protocol_max < kProtocolVersion) {
    return fail(ErrorCode::kProtocolUnsupported,
                "client speaks " + std::to_string(preface->protocol_min) + " to " +
                    std::to_string(preface->protocol_max) + ", this server " +
                    std::to_string(kProtocolVersion));
  }
  return std::optional<Preface>(*preface);
}

void send_preface(uint32_t features, Outbox& out) {
  const auto preface = encode_preface(Preface{.features = features});
  Bytes& own = out.own();
  own.insert(own.end(), preface.begin(), preface.end());
  out.own_done();
}

void send_auth_reply(const Database& db, const ServerOptions& options, const Auth& auth,
                     const Identity& identity, const SessionTable::Admission& admission,
                     const Now& now, Outbox& out) {
  const bool is_known = auth.schema_known == db.schema().fingerprint();
  const Bytes schema = is_known ? Bytes() : encode_schema(db.schema().def());
  AuthReply reply;
  reply.database_id = db.options().id;
  reply.epoch = db.options().epoch;
  reply.client = admission.client;
  reply.principal = identity.principal;
  reply.schema_fingerprint = db.schema().fingerprint();
  reply.schema_bytes = static_cast<uint32_t>(schema.size());
  reply.server_time_ns = static_cast<uint64_t>(now.steady.ns);
  reply.heartbeat_ms = static_cast<uint32_t>(options.heartbeat_interval.to_ms());
  reply.frame_head_bytes_max = kFrameHeadBytesMax;
  reply.unacked_bytes_max = static_cast<uint32_t>(options.unacked_bytes_max);
  reply.subscriptions_max = kSubscriptionsMax;
  reply.echo_ns = auth.client_time_ns;
  reply.ticket = admission.ticket;
  reply.is_resumed = admission.is_resumed;
  reply.budget_bytes = options.client_budget_bytes;
  reply.client_bytes = options.intake_bytes;
  reply.client_changes = options.intake_changes;
  reply.stall_ms = static_cast<uint32_t>(options.stall_timeout.to_ms());
  reply.server_wall_ms = static_cast<uint64_t>(std::max<int64_t>(now.wall_ms, 0));
  if (auth.database == kUserDatabase) {  // nobody writes to the other
    reply.writes_waiting_max = static_cast<uint32_t>(options.writes_waiting_max);
  }
  append_message(out.own(), MessageType::kAuthReply, reply);
  out.own_done();
  for (size_t at = 0; at < schema.size(); at += kSchemaPartBytesMax) {
    SchemaPart part;
    part.offset = static_cast<uint32_t>(at);
    const size_t n = std::min(kSchemaPartBytesMax, schema.size() - at);
    part.bytes.assign(schema.begin() + static_cast<ptrdiff_t>(at),
                      schema.begin() + static_cast<ptrdiff_t>(at + n));
    append_message(out.own(), MessageType::kSchemaPart, part);
    out.own_done();
  }
}

}  // namespace ecsdb
