// What a simulated client has asked for, as the checkers know it: independently of what client and
// server make of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ecsdb/base/error.h"
#include "ecsdb/schema/schema.h"
#include "ecsdb/sim/checkers/model.h"
#include "ecsdb/store/cells.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb::sim {

/// Who a client is: what its token stands for.
struct ClientIdentity {
  std::string token;
  PrincipalId principal;
  std::vector<std::string> roles;
  std::vector<std::pair<std::string, int64_t>> claims;
};

/// Whether the read rules of a table let the identity see cells with this key.
bool identity_may_read(const TableDef& table, const ClientIdentity& identity, const CellKey& key);
/// Whether there is a rule for one of its roles.
bool identity_may_read_some(const TableDef& table, const ClientIdentity& identity);

/// A ball (radius in extent.x) or a range, in steps of the grid's positions.
struct InterestArea {
  EntityId follow;
  GridPoint center;  // as asked for last
  GridPoint extent;
  int64_t margin = 0;
  // Of the table: where its positions are.
  uint16_t grid_table = 0;
  uint16_t grid_field = 0;
  int64_t edge = 1;  // of a cell
};

/// A subscription as asked for.
struct InterestEntry {
  enum class Kind : uint8_t { kAll, kKeys, kBox, kBall, kRange };
  uint16_t table = 0;
  Kind kind = Kind::kAll;
  std::vector<CellKey> keys;                        // a box: its two corners
  std::optional<InterestArea> area = std::nullopt;  // of a ball or range

  /// Of the kinds without an area.
  bool covers(const CellKey& key) const;
  /// Of those with one: whether any point of the cell is inside, were the centre there and the area
  /// larger by `more`.
  bool touches(const CellKey& key, const GridPoint& center, int64_t more) const;
};

/// The subscriptions of one client. An entry is settled once it is certain that every later advance
/// of the connection was built with it in mind; while one is not, the cells it concerns may or may
/// not be held.
///
/// Areas: where the server has the centre is certain once a move was answered and a later cut has
/// come; until then it may be at each of the places asked for. The server follows an entity at each
/// publish; so at a cut it is where it was then, or at a later publish, because advances that catch
/// up come with the cells of the last one. When the entity is gone, it may be anywhere that it ever
/// was. Cells that are within the margin may be held and need not.
class ClientInterest {
 public:
  ClientInterest(const Schema& schema, ClientIdentity identity)
      : schema_(&schema), identity_(std::move(identity)) {}

  const ClientIdentity& identity() const { return identity_; }
  /// From now on cuts are of another connection, to a database with this schema and with the rights
  /// that the server took the client for.
  void show(const Schema& schema, const ClientIdentity& identity);
  /// Rises whenever the answers below may have changed.
  uint64_t revision() const { return revision_; }

  void add(SubscriptionId id, InterestEntry entry);
  void remove(SubscriptionId id);
  /// The process that asked is gone; a new one asks anew.
  void forget();
  /// The server took or refused a subscription; `head` is the version it has published by now.
  void on_reply(SubscriptionId id, ErrorCode code, Version head);
  /// The client itself refused it: this server has no such table. Nothing else is answered by that.
  void on_unknown_table(SubscriptionId id);
  void on_connected() { connected_ = true; }
  /// A link is up: all of it is asked for anew, what was refused before too.
  void on_asking();
  void on_disconnected();
  /// A full sync of the present connection has been applied.
  void on_synced(Version head);
  /// It follows the server: after such a sync, or because it went on from where it was.
  void on_live(Version head) {
    if (!synced_) on_synced(head);
  }
  /// The client stands at `cut`: settles what that settles.
  void on_cut(Version cut);

  // Areas.
  void move(SubscriptionId id, const GridPoint& center);
  /// Ids of areas that were moved and of which it is not known that the server knows.
  std::vector<SubscriptionId> moving() const;
  /// Everything asked about the area was answered when the server had published `head`.
  void on_settled(SubscriptionId id, Version head);
  /// The client may have seen followed entities where they are in the model at its cut: that is
  /// what it begins with on another connection, also to another database.
  void see(const Model& model, Version cut);
  /// The client stands at `cut`: followed entities are where they are in the model at that version
  /// or a later one that is published.
  void follow(const Model& model, Version cut, Version published);

  /// The client may hold the cell.
  bool may_cover(uint16_t table, const CellKey& key) const;
  /// The client must hold the cell if it has rows.
  bool must_cover(uint16_t table, const CellKey& key) const;
  /// The client will hold the cell once nothing is under way, if it has rows.
  bool wants(uint16_t table, const CellKey& key) const;
  /// The client may go on holding the cell once nothing is under way.
  bool allows(uint16_t table, const CellKey& key) const;

  struct Entry {
    SubscriptionId id;
    InterestEntry what;
    uint64_t asked = 0;    // place of the last request about it in the order of requests
    bool removed = false;  // asked for its end
    bool refused = false;
    bool answered = false;  // on this connection or an earlier one
    bool settled = false;   // of an added one: in force; of a removed one: gone
    Version answered_at;    // published head when the answer was seen
    // Of an area.
    std::vector<GridPoint> centers;  // where the server may have it; the last one asked for is last
    bool is_lost = false;            // it follows what is not there, or was not at times
    std::vector<GridPoint> sightings;  // of the followed entity by the client
    bool moves_answered = false;       // up to the last one,
    Version moves_answered_at;         // seen when so much was published
  };
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  static bool may_touch(const Entry& entry, const CellKey& key);
  static bool must_touch(const Entry& entry, const CellKey& key);

  const Schema* schema_;
  ClientIdentity identity_;
  std::vector<Entry> entries_;
  uint64_t requests_ = 0;
  bool connected_ = false;
  bool synced_ = false;
  Version synced_at_;
  uint64_t revision_ = 1;
};

}  // namespace ecsdb::sim
