// Codec tiers, block forms and the constants of the packed tier.
#include "ecsdb/store/history.h"
#include "ecsdb/wire/block.h"
#include "ecsdb/wire/block_packed.h"
#include "ecsdb/wire/block_packed_history.h"
#include "ecsdb/wire/block_quaternion.h"

#include "markdown.h"
#include "protocol_tables.h"

namespace ecsdb::protocol {
namespace {

EnumText codec_tier(CodecTier tier) {
  switch (tier) {
    case CodecTier::kPlain:
      return {"plain", "columns of bytes, section 10"};
    case CodecTier::kPacked:
      return {"packed", "bit strings with predictions, sections 11 to 13"};
  }
  return {};
}

EnumText block_form(BlockForm form) {
  switch (form) {
    case BlockForm::kRelative:
      return {"relative", "changes of the cell since its previous publish"};
    case BlockForm::kNet:
      return {"net", "absolute values of what changed after the advance's `from`"};
    case BlockForm::kRows:
      return {"rows", "absolute values of rows of a cell that has just entered"};
  }
  return {};
}

Lane lane_of(uint8_t width, LaneKind kind) {
  Lane lane;
  lane.width = width;
  lane.kind = kind;
  return lane;
}

void add_cold(const char* what, const Lane& lane, MarkdownTable& table) {
  const ColdParameter cold = ColdParameter::of(lane);
  table.row({std::string("bits of the parameter of a cold ") + what, number(cold.bits)});
  table.row({std::string("k of a cold ") + what + " without a parameter", number(cold.absent)});
  table.row({std::string("largest k of a cold ") + what, number(cold.most)});
}

std::string packed_constants() {
  MarkdownTable table({"constant", "value"});
  table.row({"zeros of a magnitude code before the number itself", number(kZerosMax)});
  table.row({"largest state of a run code", number(kRunStateMax)});
  table.row({"first state of runs of steady flags, R(6)", number(kSteadyRun)});
  table.row({"first state of other runs, R(0)", number(kUnsteadyRun)});
  table.row({"rows from which a class has a flag", number(kClassFlagRows)});
  table.row({"classes", number(kClasses)});
  table.row({"tag before the first one", number(kFirstTag)});
  table.row({"bits of k in lists and narrow columns", number(kParameterBits<uint32_t>)});
  table.row({"bits of k in wide columns", number(kParameterBits<uint64_t>)});
  table.row({"bits of the width of a narrow column", number(kWidthBits<uint32_t>)});
  table.row({"bits of the width of a wide column", number(kWidthBits<uint64_t>)});
  table.row({"mode of a raw column", number(kColumnRaw)});
  table.row({"mode of a column by span", number(kColumnSpan)});
  table.row({"mode of a column by steps", number(kColumnSteps)});
  add_cold("narrow lane", lane_of(4, LaneKind::kSigned), table);
  add_cold("wide lane", lane_of(8, LaneKind::kSigned), table);
  add_cold("narrow float", lane_of(4, LaneKind::kFloat), table);
  add_cold("wide float", lane_of(8, LaneKind::kFloat), table);
  table.row({"k of a turn without a magnitude", number(kQuaternionParameter)});
  table.row({"publishes that history reaches back", number(kHistoryPublishes)});
  table.row({"largest magnitude", number(kMagnitudeMax)});
  table.row({"largest trend", std::to_string(kTrendMax)});
  table.row({"bits of an age", number(kAgeBits)});
  table.row({"bits of a trend", number(kTrendBits)});
  table.row({"bits of k of magnitudes", number(kMagnitudeStepBits)});
  table.row({"low bits of the number of publishes in the chain", number(kChainMask) + " (mask)"});
  return table.text();
}

}  // namespace

void add_block_sections(std::vector<Section>& out) {
  out.push_back({"codec-tiers", enum_table(codec_tier)});
  out.push_back({"block-forms", enum_table(block_form)});
  out.push_back({"packed-constants", packed_constants()});
}

}  // namespace ecsdb::protocol
