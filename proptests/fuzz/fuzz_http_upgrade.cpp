// The HTTP upgrade, both ends: a head cut anywhere gives the same verdict as in one piece, and what
// our client asks our server answers so that the client takes it.
//
//   input: kind u8 | count u8, sizes of pieces | a request, a response, or host u8 length and path
#include <optional>
#include <string>

#include "ecsdb/net/http_upgrade.h"

#include "fuzz_input.h"

namespace ecsdb::fuzz {
namespace {

constexpr std::array<uint64_t, 2> kKeyWords = {1, 2};

UpgradeServerOptions server_options() {
  UpgradeServerOptions options;
  options.allowed_origins = {"https://play.example.org"};
  return options;
}
const UpgradeServerOptions kServerOptions = server_options();

/// Bytes of the head that stands at the front, nothing if its end is missing.
std::optional<size_t> head_size(ByteSpan bytes) {
  const size_t end = as_text(bytes).find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  return end + 4;
}

UpgradeServer judge(ByteSpan request, Pieces pieces) {
  UpgradeServer server(kServerOptions);
  pieces.cut(request,
             [&](const Bytes& piece) { return server.on_bytes(piece) == UpgradeState::kNeedMore; });
  return server;
}

void check_verdict(const UpgradeServer& server) {
  const bool is_open = server.state() == UpgradeState::kNeedMore;
  ECSDB_CHECK(server.response().empty() == is_open && (server.status() == 0) == is_open);
  ECSDB_CHECK((server.status() == 101) == (server.state() == UpgradeState::kUpgraded));
  ECSDB_CHECK(server.refusal().empty() == (server.state() != UpgradeState::kRefused));
  if (is_open) return;
  ECSDB_CHECK(head_size(as_bytes(server.response())).has_value());
}

void check_request(ByteSpan request, const Pieces& pieces) {
  const std::optional<size_t> head = head_size(request);
  const UpgradeServer extra = judge(request, Pieces());
  check_verdict(extra);
  if (head && *head < request.size()) {
    ECSDB_CHECK(extra.state() == UpgradeState::kRefused);
    request = request.first(*head);
  }
  const UpgradeServer whole = judge(request, Pieces());
  const UpgradeServer cut = judge(request, pieces);
  check_verdict(whole);
  ECSDB_CHECK(whole.state() == cut.state() && whole.status() == cut.status());
  ECSDB_CHECK(whole.response() == cut.response() && whole.refusal() == cut.refusal());
  const bool is_judged = head.has_value() || request.size() > kHttpHeadBytesMax;
  ECSDB_CHECK((whole.state() != UpgradeState::kNeedMore) == is_judged);
  if (request.size() > kHttpHeadBytesMax) ECSDB_CHECK(whole.status() == 431);
}

struct Answer {
  UpgradeState state = UpgradeState::kNeedMore;
  size_t consumed = 0;
  Error error;
  bool operator==(const Answer& o) const {
    return state == o.state && consumed == o.consumed && error.code == o.error.code &&
           error.context == o.error.context;
  }
};

Answer take_response(UpgradeClient client, ByteSpan response, Pieces pieces) {
  Answer out;
  pieces.cut(response, [&](const Bytes& piece) {
    const auto progress = client.on_bytes(piece);
    if (!progress.ok()) {
      out.error = progress.error();
      out.consumed = 0;  // how far it came does not matter
      return false;
    }
    ECSDB_CHECK(progress->consumed <= piece.size());
    out.state = progress->state;
    out.consumed += progress->consumed;
    return out.state == UpgradeState::kNeedMore;
  });
  return out;
}

void check_response(ByteSpan response, const Pieces& pieces) {
  const UpgradeClient client = UpgradeClient::create("127.0.0.1", "/", kKeyWords).value();
  const Answer whole = take_response(client, response, Pieces());
  ECSDB_CHECK(whole == take_response(client, response, pieces));
  ECSDB_CHECK(whole.state != UpgradeState::kRefused);
  if (whole.state != UpgradeState::kUpgraded) return;
  ECSDB_CHECK(whole.consumed == head_size(response) && whole.consumed <= kHttpHeadBytesMax);
}

void check_both(ByteSpan host, ByteSpan path, const Pieces& pieces) {
  auto client = UpgradeClient::create(as_text(host), as_text(path), kKeyWords);
  if (!client.ok()) return;
  UpgradeServerOptions options = kServerOptions;
  const std::string_view target = as_text(path);
  options.paths = {std::string(target.substr(0, target.find('?')))};
  UpgradeServer server(options);
  const std::string_view request = client->request();
  ECSDB_CHECK(head_size(as_bytes(request)) == request.size());
  server.on_bytes(as_bytes(request));
  check_verdict(server);
  ECSDB_CHECK(server.state() != UpgradeState::kNeedMore);
  const Answer answer = take_response(*client, as_bytes(server.response()), pieces);
  if (server.state() == UpgradeState::kRefused) {
    ECSDB_CHECK(answer.error.code == ErrorCode::kConnectFailed);
  } else {
    ECSDB_CHECK(answer.state == UpgradeState::kUpgraded);
    ECSDB_CHECK(answer.consumed == server.response().size());
  }
}

}  // namespace
}  // namespace ecsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ecsdb::fuzz::Input in(data, size);
  const size_t kind = in.below(3);
  const ecsdb::fuzz::Pieces pieces = ecsdb::fuzz::read_pieces(in);
  if (kind == 0) {
    ecsdb::fuzz::check_request(in.rest(), pieces);
  } else if (kind == 1) {
    ecsdb::fuzz::check_response(in.rest(), pieces);
  } else {
    const ecsdb::ByteSpan host = in.take(in.u8());
    ecsdb::fuzz::check_both(host, in.rest(), pieces);
  }
  return 0;
}
