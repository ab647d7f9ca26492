// How a live connection that is behind comes to the published version; see catch_up.h.
#include "ecsdb/server/session.h"

namespace ecsdb {

bool Session::is_near(const SessionContext& context) const {
  return phase_ == Phase::kLive && client_ready_ && !interest_.has_replaced() &&
         interest_.pending().empty() && !interest_.has_leaves() && !interest_.has_skipped() &&
         missed_ < context.options.ring_misses && context.ring.reaches(effective_cut_);
}

/// To be called where nothing is pending and the outbox is empty.
void Session::catch_up(SessionContext& context, const Now& now) {
  CatchUp& planner = context.catch_up;
  const CatchUp::Sources sources{context.db, context.ring, context.blocks};
  const CatchUp::Behind behind{interest_, sent_cut_, effective_cut_, features_};
  switch (planner.choose(sources, behind)) {
    case CatchUp::Way::kNothing:
      break;
    case CatchUp::Way::kChain: {
      const CatchUp::Written written =
          planner.write_chain(sources, behind, context.steps, context.writer, out_);
      context.stats.chain_advances += written.advances;
      on_advance_written(written.end, now);
      break;
    }
    case CatchUp::Way::kNet: {
      for (const uint32_t handle : planner.replaced()) interest_.enter_again(handle);
      add_enters(context, planner.net(), sent_cut_);
      count_conflated(context);
      send_advance(context, planner.net(), now);
      ++context.stats.net_advances;
      return;
    }
  }
  effective_cut_ = context.db.published();
  interest_.forget_skipped();
  missed_ = 0;
}

/// Before an advance with net deltas: of the publishes that it stands for, all but the last.
void Session::count_conflated(SessionContext& context) {
  if (missed_ > 1) context.stats.conflated += missed_ - 1;
}

}  // namespace ecsdb
