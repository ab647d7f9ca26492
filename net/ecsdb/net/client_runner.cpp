#include "ecsdb/net/client_runner.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <utility>
#include <vector>

#include "ecsdb/net/asio_loop.h"

namespace ecsdb::net {
namespace {

using boost::asio::ip::tcp;

/// The text may quote the peer, which may not reach for a terminal.
std::string printable(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

class ClientRunnerImpl final : public ClientRunner, private ConnectionHandler {
 public:
  ClientRunnerImpl(EventLoop& loop, ConnectionOptions options, ClientRunnerCallbacks callbacks)
      : loop_(loop), options_(std::move(options)), callbacks_(std::move(callbacks)) {
    hook_ = loop_.add_batch_end([this] { drain_touched(); });
  }
  ~ClientRunnerImpl() override {
    loop_.remove_batch_end(hook_);
    for (const auto& connection : connections_) connection->abandon();
  }
  ClientRunnerImpl(const ClientRunnerImpl&) = delete;
  ClientRunnerImpl& operator=(const ClientRunnerImpl&) = delete;

  Result<size_t> add(Client client, const StreamUrl& url) override;
  size_t size() const override { return entries_.size(); }
  Client& client(size_t index) override { return entries_[index]->client; }
  void touch(size_t index) override;
  void connect(size_t index) override {
    entries_[index]->client.connect(loop_.now());
    touch(index);
  }
  void disconnect(size_t index) override {
    entries_[index]->client.disconnect(loop_.now());
    touch(index);
  }
  void set_reading(size_t index, bool reading) override {
    Entry& entry = *entries_[index];
    entry.reads = reading;
    if (entry.connection != nullptr) entry.connection->set_reading(reading);
  }
  size_t socket_count() const override { return connections_.size(); }
  const std::string& last_problem(size_t index) const override { return entries_[index]->problem; }
  TransportKind transport(size_t index) const override { return entries_[index]->transport; }

 private:
  struct Entry {
    explicit Entry(Client made) : client(std::move(made)) {}

    Client client;
    TransportKind transport = TransportKind::kTcp;
    std::vector<Connection::Target> targets;  // one for each address of the host
    size_t next_target = 0;
    Connection* connection = nullptr;  // of the link dialled last, until it is closed
    LinkId link;
    std::string problem;
    bool reads = true;
    bool touched = false;
    std::unique_ptr<LoopTimer> timer;
  };

  // ConnectionHandler.
  void on_open(Connection& connection) override;
  void on_bytes(Connection& connection, ByteSpan bytes) override;
  void on_writable(Connection& connection) override { mark(connection.tag); }
  void on_closed(Connection& connection) override;
  void on_finished(Connection& connection) override;

  void mark(size_t index);
  Status resolve(const StreamUrl& url, Entry& entry);
  void drain_touched();
  void drain(size_t index);
  void serve_output(Entry& entry);
  void dial(size_t index, LinkId link);

  EventLoop& loop_;
  ConnectionOptions options_;
  ClientRunnerCallbacks callbacks_;
  EventLoop::HookId hook_ = 0;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::vector<size_t> touched_;
  std::vector<SharedConnection> connections_;
};

Status ClientRunnerImpl::resolve(const StreamUrl& url, Entry& entry) {
  boost::system::error_code error;
  tcp::resolver resolver(loop_.asio().io);
  // This machine, which some cannot look up (RFC 6761, 6.3): to Asio, no name.
  const std::string name = url.at.host == "localhost" ? "" : url.at.host;
  const auto found = resolver.resolve(name, std::to_string(url.at.port), error);
  if (error) {
    return fail(ErrorCode::kConnectFailed, "resolve '" + url.at.host + "': " + error.message());
  }
  for (const auto& result : found) {
    const tcp::endpoint endpoint = result.endpoint();
    entry.targets.push_back({endpoint.address().to_string(), endpoint.port(), url.transport,
                             url.at.to_text(), url.path});
  }
  if (entry.targets.empty()) return fail(ErrorCode::kConnectFailed, "no address: " + url.at.host);
  return {};
}

Result<size_t> ClientRunnerImpl::add(Client client, const StreamUrl& url) {
  auto entry = std::make_unique<Entry>(std::move(client));
  entry->transport = url.transport;
  ECSDB_TRY(resolve(url, *entry));
  const size_t index = entries_.size();
  entry->timer = std::make_unique<LoopTimer>(loop_, [this, index] {
    entries_[index]->client.on_timer(loop_.now());
    mark(index);
  });
  entries_.push_back(std::move(entry));
  touch(index);
  return index;
}

void ClientRunnerImpl::touch(size_t index) {
  mark(index);
  loop_.post([] {});  // a batch must end for the hook to run, also when nothing else happens
}

void ClientRunnerImpl::mark(size_t index) {
  if (!std::exchange(entries_[index]->touched, true)) touched_.push_back(index);
}

// --- connections ---

void ClientRunnerImpl::dial(size_t index, LinkId link) {
  Entry& entry = *entries_[index];
  if (entry.connection != nullptr) {
    std::exchange(entry.connection, nullptr)->close({ErrorCode::kClientLeft, "dialling anew"});
  }
  entry.link = link;
  const Connection::Target& target = entry.targets[entry.next_target % entry.targets.size()];
  auto connection = Connection::dial(loop_, target, options_, *this);
  connection->tag = index;
  connection->set_reading(entry.reads);
  entry.connection = connection.get();
  connections_.push_back(std::move(connection));
}

void ClientRunnerImpl::on_open(Connection& connection) {
  Entry& entry = *entries_[connection.tag];
  entry.problem.clear();
  entry.client.on_connected(entry.link, loop_.now());
  mark(connection.tag);
}

void ClientRunnerImpl::on_bytes(Connection& connection, ByteSpan bytes) {
  Entry& entry = *entries_[connection.tag];
  entry.client.on_bytes(entry.link, bytes, loop_.now());
  mark(connection.tag);
}

void ClientRunnerImpl::on_closed(Connection& connection) {
  Entry& entry = *entries_[connection.tag];
  if (entry.connection != &connection) return;
  if (connection.info().code == ErrorCode::kConnectFailed) ++entry.next_target;
  entry.connection = nullptr;
  entry.problem = printable(connection.info().reason);
  entry.client.on_closed(entry.link, loop_.now());
  mark(connection.tag);
}

void ClientRunnerImpl::on_finished(Connection& connection) {
  // Kept alive by its caller until this returns.
  std::erase_if(connections_, [&](const auto& other) { return other.get() == &connection; });
}

// --- draining ---

void ClientRunnerImpl::drain_touched() {
  // What callbacks touch joins the end of the list and is served in this pass as well.
  for (size_t i = 0; i < touched_.size(); ++i) {
    entries_[touched_[i]]->touched = false;
    drain(touched_[i]);
  }
  touched_.clear();
}

void ClientRunnerImpl::drain(size_t index) {
  Entry& entry = *entries_[index];
  const Now now = loop_.now();
  const size_t cuts = entry.client.poll(now);
  while (const auto event = entry.client.next_event()) {
    if (callbacks_.event) callbacks_.event(index, *event);
  }
  if (cuts > 0 && callbacks_.polled) callbacks_.polled(index, cuts, now);
  serve_output(entry);
  if (const auto link = entry.client.next_dial()) dial(index, *link);
  while (const auto event = entry.client.next_event()) {
    if (callbacks_.event) callbacks_.event(index, *event);
  }
  entry.timer->arm(entry.client.next_deadline());
}

void ClientRunnerImpl::serve_output(Entry& entry) {
  while (entry.connection != nullptr) {
    const StreamOutput output = entry.client.output(entry.link, loop_.now());
    const size_t offered = output.bytes();
    const bool close = output.close;
    const size_t accepted = offered == 0 ? 0 : entry.connection->offer(output.parts);
    if (accepted > 0) entry.client.on_sent(entry.link, accepted, loop_.now());
    if (accepted < offered) return;  // on_writable follows
    if (close) {
      Connection* const connection = std::exchange(entry.connection, nullptr);
      entry.client.on_closed(entry.link, loop_.now());
      connection->close({ErrorCode::kClientLeft, "the client closed the link"});
      return;
    }
    if (offered == 0) return;
  }
}

}  // namespace

std::unique_ptr<ClientRunner> ClientRunner::create(EventLoop& loop, ConnectionOptions options,
                                                   ClientRunnerCallbacks callbacks) {
  return std::make_unique<ClientRunnerImpl>(loop, std::move(options), std::move(callbacks));
}

}  // namespace ecsdb::net
