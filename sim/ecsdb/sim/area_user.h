// The habit of simulated applications to look at what is near a point or an entity.
#pragma once

#include <vector>

#include "ecsdb/sim/checkers/area_agreement.h"
#include "ecsdb/sim/client_interest.h"

namespace ecsdb::sim {

/// Draws areas of one client, moves them while it runs, and checks what it is told of them. A
/// stream of its own: what else the client does is the same without it.
class AreaUser {
 public:
  AreaUser(const Model& model, ClientInterest& interest, Prng rng, uint32_t client,
           ViolationLog& violations);

  /// The client shows another history from now on.
  void show(const Model& model) {
    model_ = &model;
    checker_.show(model.schema());
  }
  /// Whether this application looks at areas at all.
  bool is_one() const { return is_one_; }
  Duration draw_pause();
  /// What it asks for when it runs first.
  std::vector<InterestEntry> first();
  /// The client's process is gone.
  void forget() { checker_.forget(); }
  SubscriptionId subscribe(Client& client, const InterestEntry& entry, const Now& now);
  void on_unsubscribed(SubscriptionId id) { checker_.on_unsubscribed(id); }

  /// What it does next: to move an area, or to end one, or to begin one.
  struct Act {
    SubscriptionId ended;                // or zero
    std::optional<InterestEntry> begun;  // to be subscribed to
  };
  Act act(Client& client, const Now& now);
  /// Looks whether moves were answered by now.
  void on_events(const Client& client, Version published);
  void on_polled(const Client& client, Instant at) { checker_.on_polled(client, at); }

 private:
  InterestEntry draw();

  const Model* model_;
  ClientInterest& interest_;
  Prng rng_;
  bool is_one_;
  AreaAgreement checker_;
};

}  // namespace ecsdb::sim
