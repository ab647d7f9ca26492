// What it costs to change rows, make them a version, publish them and keep the digest.
#include <algorithm>
#include <array>

#include "ecsdb/store/transaction.h"

#include "programs.h"
#include "units.h"

namespace bench {
namespace {

using ecsdb::EntityId;
using ecsdb::Prng;
using ecsdb::Status;

/// The same rows as plain arrays.
using RawColumns = std::array<std::vector<int32_t>, kUnitFields>;

/// New values for some rows, the same for the engine and the raw columns.
struct Changes {
  uint16_t field = 0;  // that changes where only one does
  std::vector<uint32_t> rows;
  std::vector<EntityId> entities;
  std::array<std::vector<int32_t>, kUnitFields> steps;
};

enum class Way { kValue, kMany, kStruct };

struct WaySamples {
  Samples change, commit, publish, digest, together, raw, raw_by_entity;
  uint64_t allocations = 0;  // in all four
};

constexpr uint64_t kRoundsIgnored = 100;

class StoreBench {
 public:
  StoreBench(uint64_t rows, uint64_t changes, uint64_t seed)
      : rng_(seed),
        db_(unit_schema(1), ecsdb::DatabaseOptions{}),
        picker_(rows),
        change_count_(changes) {
    ECSDB_CHECK(db_.bind<Unit>().ok());
    ecsdb::Transaction tx = db_.begin();
    entities_ = insert_units(tx, rows, 1, rng_);
    std::move(tx).commit();
    db_.finish_publish();
    cell_ = db_.cells(kUnitTable).find(ecsdb::CellKey::one());
    db_.digest({kUnitTable, cell_});
    for (ecsdb::RowIndex row = 0; row < rows; ++row) {
      const uint32_t index = entities_[row].index();
      if (index >= row_of_index_.size()) row_of_index_.resize(index + 1);
      row_of_index_[index] = row;
    }
    for (uint16_t field = 0; field < kUnitFields; ++field) {
      for (ecsdb::RowIndex row = 0; row < rows; ++row) {
        raw_[field].push_back(static_cast<int32_t>(db_.table(kUnitTable).lane(row, field)));
      }
    }
    truth_ = raw_by_entity_ = raw_;
  }

  /// One commit each way; the engine and the raw columns take turns at being first.
  Status round(uint64_t number, std::span<WaySamples> ways) {
    for (const Way way : {Way::kValue, Way::kMany, Way::kStruct}) {
      draw(static_cast<uint16_t>(number % kUnitFields));
      WaySamples& samples = ways[static_cast<size_t>(way)];
      if (number % 2 == 0) write_raw(way, samples);
      ECSDB_TRY(run_engine(way, samples));
      if (number % 2 == 1) write_raw(way, samples);
      ECSDB_TRY(settle(way));
    }
    return {};
  }

 private:
  double fields_of(Way way) const {
    return static_cast<double>(change_count_) * (way == Way::kStruct ? kUnitFields : 1);
  }
  /// Every field gets a value that it does not have. Reads neither the engine's rows nor the raw
  /// columns, so that both are as cold as a program finds them.
  void draw(uint16_t field) {
    const auto rows = picker_.pick(change_count_, rng_);
    changes_.field = field;
    changes_.rows.assign(rows.begin(), rows.end());
    changes_.entities.clear();
    for (const uint32_t row : rows) changes_.entities.push_back(entities_[row]);
    for (uint16_t f = 0; f < kUnitFields; ++f) {
      changes_.steps[f].clear();
      for (const uint32_t row : rows) {
        const int32_t step = static_cast<int32_t>(rng_.between(1, 100));
        const int32_t old = truth_[f][row];
        changes_.steps[f].push_back(old >= 0 ? old - step : old + step);
      }
    }
  }
  /// Both baselines store the same values; the second finds each row by its entity, as an owner of
  /// plain arrays would have to.
  void write_raw(Way way, WaySamples& samples) {
    const double direct = time_ns([&] {
      for (size_t i = 0; i < changes_.rows.size(); ++i) {
        write_raw_row(way, raw_, changes_.rows[i], i);
      }
    });
    keep(raw_[changes_.field].data());
    const double found = time_ns([&] {
      for (size_t i = 0; i < changes_.rows.size(); ++i) {
        write_raw_row(way, raw_by_entity_, row_of_index_[changes_.entities[i].index()], i);
      }
    });
    keep(raw_by_entity_[changes_.field].data());
    samples.raw.add(direct / fields_of(way));
    samples.raw_by_entity.add(found / fields_of(way));
  }
  void write_raw_row(Way way, RawColumns& columns, uint32_t row, size_t i) const {
    if (way == Way::kStruct) {
      for (uint16_t f = 0; f < kUnitFields; ++f) columns[f][row] = changes_.steps[f][i];
    } else {
      columns[changes_.field][row] = changes_.steps[changes_.field][i];
    }
  }
  Status run_engine(Way way, WaySamples& samples) {
    prepare(way);
    Status status;
    const uint64_t allocations_before = allocations();
    ecsdb::Transaction tx = db_.begin();
    const double change = time_ns([&] { status = apply(way, tx); });
    ECSDB_TRY(status);
    const double commit = time_ns([&] { std::move(tx).commit(); });
    const double publish = time_ns([&] {
      db_.finish_publish();
      db_.trim();
    });
    const double digest = time_ns([&] { db_.digest({kUnitTable, cell_}); });
    samples.allocations += allocations() - allocations_before;
    const double fields = fields_of(way);
    samples.change.add(change / fields);
    samples.commit.add(commit / fields);
    samples.publish.add(publish / fields);
    samples.digest.add(digest / fields);
    samples.together.add((change + commit + publish + digest) / fields);
    return {};
  }
  /// Puts the values in the form that the caller of each way has them in.
  void prepare(Way way) {
    const std::vector<int32_t>& steps = changes_.steps[changes_.field];
    lanes_.clear();
    values_.clear();
    units_.clear();
    for (size_t i = 0; i < changes_.rows.size(); ++i) {
      if (way == Way::kMany) {
        lanes_.push_back(static_cast<uint64_t>(int64_t{steps[i]}));
      } else if (way == Way::kStruct) {
        units_.push_back({static_cast<float>(changes_.steps[0][i] * 0.01),
                          static_cast<float>(changes_.steps[1][i] * 0.01), changes_.steps[2][i]});
      } else if (changes_.field == 2) {
        values_.emplace_back(int64_t{steps[i]});
      } else {
        values_.emplace_back(steps[i] * 0.01);
      }
    }
  }
  Status apply(Way way, ecsdb::Transaction& tx) {
    switch (way) {
      case Way::kValue:
        for (size_t i = 0; i < values_.size(); ++i) {
          ECSDB_TRY(tx.set(kUnitTable, changes_.entities[i], changes_.field, values_[i]));
        }
        return {};
      case Way::kMany:
        return tx.set_many(kUnitTable, changes_.field, changes_.entities, lanes_);
      case Way::kStruct:
        return tx.set_many<Unit>(changes_.entities, units_);
    }
    return {};
  }
  /// The engine and both baselines must show what was drawn, which becomes the truth.
  Status settle(Way way) {
    for (size_t i = 0; i < changes_.rows.size(); ++i) {
      const uint32_t row = changes_.rows[i];
      write_raw_row(way, truth_, row, i);
      for (uint16_t f = 0; f < kUnitFields; ++f) {
        const int32_t held = static_cast<int32_t>(db_.table(kUnitTable).lane(row, f));
        const int32_t expected = truth_[f][row];
        if (held == expected && raw_[f][row] == expected && raw_by_entity_[f][row] == expected) {
          continue;
        }
        return ecsdb::fail(ecsdb::ErrorCode::kDigestMismatch, "row " + std::to_string(row));
      }
    }
    return {};
  }

  Prng rng_;
  ecsdb::Database db_;
  ecsdb::CellIndex cell_ = ecsdb::kNoCell;
  std::vector<EntityId> entities_;
  RawColumns truth_;  // what the engine and both baselines must show after each round
  RawColumns raw_;
  RawColumns raw_by_entity_;
  std::vector<uint32_t> row_of_index_;  // by entity index
  Picker picker_;
  size_t change_count_;
  Changes changes_;
  std::vector<uint64_t> lanes_;
  std::vector<ecsdb::Value> values_;
  std::vector<Unit> units_;
};

void report_way(const char* name, const WaySamples& samples, Report& report) {
  report.section(name);
  report.samples("change", "ns_per_field", samples.change);
  report.samples("commit", "ns_per_field", samples.commit);
  report.samples("publish_bookkeeping", "ns_per_field", samples.publish);
  report.samples("digest", "ns_per_field", samples.digest);
  report.samples("together", "ns_per_field", samples.together);
  report.count("allocations_in_all_rounds", samples.allocations);
  report.samples("baseline_raw_write", "ns_per_field", samples.raw);
  report.samples("baseline_raw_write_by_entity", "ns_per_field", samples.raw_by_entity);
  const Samples tracked = sum_of(samples.change, samples.commit);
  report.samples("change_and_commit_over_raw_by_entity", "ns_per_field",
                 difference_of(tracked, samples.raw_by_entity));
  report.number("change_and_commit_to_raw_ratio", median_ratio(tracked, samples.raw));
  report.number("together_to_raw_ratio", median_ratio(samples.together, samples.raw));
}

Status run(const Options& options, Report& report) {
  const uint64_t rows = options.number("rows", 100'000, 20'000);
  const uint64_t changes = options.number("changes", 10'000, 2'000);
  const uint64_t rounds = options.number("rounds", 200, 5);
  const uint64_t seed = options.number("seed", 1, 1);
  if (changes > rows) {
    return ecsdb::fail(ecsdb::ErrorCode::kUsage, "--changes is more than --rows");
  }
  StoreBench bench(rows, changes, seed);
  WaySamples ignored[3];  // of rounds in which memory is taken that later ones use again
  for (uint64_t i = 0; i < kRoundsIgnored; ++i) ECSDB_TRY(bench.round(i, ignored));
  WaySamples ways[3];
  for (uint64_t i = 0; i < rounds; ++i) ECSDB_TRY(bench.round(i, ways));
  report.count("rows", rows);
  report.count("fields_per_row", kUnitFields);
  report.count("rows_changed_per_commit", changes);
  report.count("rounds", rounds);
  report_way("set_value_one_field", ways[0], report);
  report_way("set_many_one_field", ways[1], report);
  report_way("set_struct_three_fields", ways[2], report);
  return {};
}

constexpr OptionSpec kOptions[] = {
    {"rows", "rows of the table (100000)", 4'000'000},
    {"changes", "rows changed a commit (10000)", 4'000'000},
    {"rounds", "commits measured each way (200)", 1'000'000},
    {"seed", "of the random rows and values (1)", UINT64_MAX},
};

}  // namespace

const Program kStoreProgram = {
    "store", "change, commit, publish bookkeeping and digest of random rows", kOptions, run};

}  // namespace bench
