// What examples stand on: a server and clients in one process, joined by memory.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ecsdb/client.h"
#include "ecsdb/server.h"

namespace example {

using ecsdb::Bytes;
using ecsdb::ByteSpan;
using ecsdb::Client;
using ecsdb::ClientOptions;
using ecsdb::Instant;
using ecsdb::LinkId;
using ecsdb::Now;
using ecsdb::PrincipalId;
using ecsdb::Prng;
using ecsdb::ReplicationServer;
using ecsdb::Schema;
using ecsdb::SecretSource;
using ecsdb::ServerOptions;
using ecsdb::StaticAuthenticator;
using ecsdb::StaticToken;
using ecsdb::StreamOutput;
using ecsdb::Transaction;
using ecsdb::Version;

/// Real ones come from the system: nobody may guess them.
class NoSecrets final : public SecretSource {
 public:
  void draw(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = ++last_;
  }

 private:
  uint8_t last_ = 0;
};

/// A client whose name is its token, and its connection.
struct Joined {
  explicit Joined(ClientOptions options)
      : name(options.name), client(std::move(options), Prng(1)) {}
  static ClientOptions options_of(const char* name) {
    ClientOptions out;
    out.name = out.token = name;
    return out;
  }

  std::string name;
  Client client;
  bool is_up = false;
  LinkId client_link;
  LinkId server_link;
};

class InProcess {
 public:
  InProcess(Schema schema, const ServerOptions& options, std::vector<StaticToken> tokens)
      : tokens_(std::move(tokens)), server_(std::move(schema), options, &tokens_, &secrets_) {}

  Now now() const { return {Instant{time_ms_ * 1'000'000}, 1'700'000'000'000 + time_ms_}; }
  void pass(int64_t ms) {
    time_ms_ += ms;
    server_.on_timer(now());
    for (Joined* joined : all_) joined->client.on_timer(now());
  }

  // The loopback: what one end offers, the other takes whole and at once.
  void join(Joined& joined) {
    all_.push_back(&joined);
    joined.client.connect(now());
    deliver(joined);
  }
  void cut(Joined& joined) {
    joined.is_up = false;
    server_.on_closed(joined.server_link, now());
    joined.client.on_closed(joined.client_link, now());
  }
  void deliver(Joined& joined) {
    if (const auto dialled = joined.client.next_dial()) {
      joined.client_link = *dialled;
      joined.server_link = LinkId{next_link_++};
      joined.is_up = true;
      server_.on_connected(joined.server_link, now());
      joined.client.on_connected(joined.client_link, now());
    }
    while (joined.is_up && (to_server(joined) || to_client(joined))) {
    }
    while (server_.next_ready()) {  // both ends are asked all the time
    }
  }

  bool to_server(Joined& joined) {
    const Bytes bytes = gather(joined.client.output(joined.client_link, now()));
    joined.client.on_sent(joined.client_link, bytes.size(), now());
    server_.on_bytes(joined.server_link, bytes, now());
    return !bytes.empty();
  }

  // The server's loop: decide what has come, do its own step, publish.
  template <class Step>
  Version commit(Step&& step) {
    Transaction transaction = server_.begin(now());
    step(transaction);
    return server_.commit(std::move(transaction), now());
  }
  void publish() {
    server_.publish(now());
    for (Joined* joined : all_) deliver(*joined);
  }

  const Schema& schema() const { return server_.database().schema(); }

 private:
  bool to_client(Joined& joined) {
    const Bytes bytes = gather(server_.output(joined.server_link));
    server_.on_sent(joined.server_link, bytes.size(), now());
    joined.client.on_bytes(joined.client_link, bytes, now());
    joined.client.poll(now());
    return !bytes.empty();
  }
  static Bytes gather(const StreamOutput& output) {
    Bytes bytes;
    for (const ByteSpan part : output.parts) bytes.insert(bytes.end(), part.begin(), part.end());
    return bytes;
  }

  NoSecrets secrets_;
  StaticAuthenticator tokens_;
  std::vector<Joined*> all_;
  int64_t time_ms_ = 1000;
  uint64_t next_link_ = 0;

 protected:
  ReplicationServer server_;
};

}  // namespace example
