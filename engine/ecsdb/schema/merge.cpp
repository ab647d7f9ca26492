#include "ecsdb/schema/merge.h"

#include "ecsdb/schema/merge_call.h"

namespace ecsdb {

void MergeSet::add(std::string name, Merge merge) {
  ECSDB_CHECK(is_schema_name(name));
  ECSDB_CHECK(!is_builtin_merge(name));
  ECSDB_CHECK(merge.function != nullptr);
  by_name_.insert_or_assign(std::move(name), std::move(merge));
}

const Merge* MergeSet::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

bool is_builtin_merge(std::string_view name) { return builtin_merge_named(name).has_value(); }

MergeLaws builtin_merge_laws(std::string_view name) {
  const std::optional<BuiltinMerge> merge = builtin_merge_named(name);
  ECSDB_CHECK(merge.has_value());
  return laws_of(*merge);
}

Result<CanonicalValue> merge_field(const FieldDef& def, const MergeSet& merges,
                                   const CanonicalValue& base, const CanonicalValue& server,
                                   const CanonicalValue& mine) {
  ECSDB_CHECK(def.policy == Policy::kMerge);
  const std::optional<BuiltinMerge> builtin = builtin_merge_named(def.merge_name);
  const Merge* custom = builtin ? nullptr : merges.find(def.merge_name);
  if (!builtin && custom == nullptr) {
    return fail(ErrorCode::kUnknownMerge, "field \"" + def.name +
                                              "\": no merge function is registered as \"" +
                                              def.merge_name + "\"");
  }
  if (!base.has_value() || base == server) return mine;
  if (builtin) return call_builtin_merge(*builtin, def, base, server, mine);
  return call_merge(custom->function, def, base, server, mine);
}

Status check_merges(const Schema& schema, const MergeSet& merges) {
  for (const TableDef& table : schema.def().tables) {
    for (const FieldDef& field : table.fields) {
      if (field.policy != Policy::kMerge || is_builtin_merge(field.merge_name) ||
          merges.find(field.merge_name) != nullptr) {
        continue;
      }
      return fail(ErrorCode::kUnknownMerge, "table \"" + table.name + "\", field \"" + field.name +
                                                "\": no merge function is registered as \"" +
                                                field.merge_name + "\"");
    }
  }
  return {};
}

}  // namespace ecsdb
