// `ecsdb load` as a user runs it: what it measures, and what it puts its clients through.
#include <gtest/gtest.h>

#include "tools/load_run.h"
#include "tools/test_programs.h"

namespace ecsdb {
namespace {

TEST(LoadProgram, ReportsOneObject) {
  RunningServer running({"--feed", "cubes"});
  ASSERT_NE(running.port(), "");
  const ProgramOutcome outcome = ecsdb(
      {"load", "--url", running.tcp(), "--mix", "--clients", "6", "--seconds", "0.5", "--json"});
  EXPECT_EQ(outcome.exit, 0) << outcome.error;
  EXPECT_EQ(count_lines(outcome.out), 1u);
  EXPECT_TRUE(outcome.out.starts_with(
      "{\"clients\": 6, \"synced\": 6, \"digest_mismatches\": 0, \"p50_ms\": "))
      << outcome.out;
  size_t at = 0;
  for (const char* key : {"clients", "synced", "digest_mismatches", "p50_ms", "p99_ms", "p999_ms",
                          "bytes_per_client_per_s", "advances", "lag"}) {
    at = outcome.out.find("\"" + std::string(key) + "\": ", at);
    ASSERT_NE(at, std::string::npos) << key << " in " << outcome.out;
  }
}

TEST(LoadProgram, StallsSomeClientsAndMeasuresTheOthers) {
  // Thresholds that no noise reaches: what counts here is that all of it happens.
  const ProgramOutcome outcome =
      ecsdb({"load", "--clients", "6", "--mix", "--stall", "2:1", "--p99-ratio-max", "1000",
             "--stall-kib-max", "100000", "--json"});
  EXPECT_TRUE(outcome.exit == 0 || contains(outcome.error, "missed: backlog_bytes"))
      << outcome.error;
  EXPECT_EQ(count_lines(outcome.out), 1u);
  EXPECT_TRUE(outcome.out.starts_with(
      "{\"clients\": 6, \"synced\": 6, \"stalled\": 2, \"stall_seconds\": 1.000, "
      "\"tick_hz\": 60, \"disconnects\": 0, "))
      << outcome.out;
  EXPECT_TRUE(has_keys(outcome.out,
                       {"server_kib_per_stalled", "p99_before_ms", "p99_during_ms", "p99_ratio",
                        "blocks", "caught_up", "backlog_bytes", "snapshot_bytes", "digests_equal"}))
      << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "\"caught_up\": 2, ")) << outcome.out;
  EXPECT_FALSE(contains(outcome.out, "\"snapshot_bytes\": 0, ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "\"digests_equal\": true, ")) << outcome.out;
}

TEST(LoadProgram, AMissedThresholdOfAStallExitsWithEleven) {
  RunningServer running({"--feed", "cubes"});
  ASSERT_NE(running.port(), "");
  const std::string pid = std::to_string(running.process().pid());
  const ProgramOutcome outcome =
      ecsdb({"load", "--url", running.tcp(), "--server-pid", pid, "--clients", "3", "--stall",
             "1:0.5", "--p99-ratio-max", "0.000001"});
  EXPECT_EQ(outcome.exit, 11) << outcome.error;
  EXPECT_TRUE(contains(outcome.error, "missed: p99_ratio: ")) << outcome.error;
  EXPECT_TRUE(contains(outcome.out, "digests            equal after ")) << outcome.out;
}

TEST(LoadProgram, CutsClientsOffAndWaitsForThem) {
  const ProgramOutcome outcome =
      ecsdb({"load", "--clients", "4", "--mix", "--cut", "0.5", "--json"});
  EXPECT_EQ(count_lines(outcome.out), 1u);
  EXPECT_TRUE(outcome.out.starts_with(
      "{\"clients\": 4, \"synced\": 4, \"cut_seconds\": 0.500, \"bound_ms\": 7000.0, "
      "\"reset\": {\"resumes\": "))
      << outcome.out << outcome.error;
  // So short a silence breaks no connection.
  EXPECT_TRUE(contains(outcome.out, "\"blackhole\": {\"resumes\": 0, \"kept\": 4, "))
      << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "\"digest_mismatches\": 0}")) << outcome.out;
}

TEST(LoadProgram, SeesReplicasThatDiffer) {
  // Two servers with other data stand in for one that does not serve all clients alike.
  const TemporaryFile trace("");
  const std::string slice = std::string(ECSDB_CUBES_DIR) + "/slice.bin";
  ASSERT_EQ(ecsdb({"cubes-slice", slice, trace.path(), "--frames", "60..119"}).exit, 0);
  RunningServer first({"--feed", "cubes"});
  RunningServer second({"--feed", "cubes", "--feed-data", trace.path()});
  LoadOptions options;
  options.clients = 2;
  options.urls = {net::parse_stream_url(first.tcp()).value(),
                  net::parse_stream_url(second.ws()).value()};
  net::EventLoop loop;
  LoadRun run(loop, options);
  ASSERT_TRUE(run.start().ok());
  const Instant deadline = loop.now().steady + Duration::ms(kPatienceMs);
  while (run.figures(false).digest_mismatches == 0 && loop.now().steady < deadline) {
    loop.run_batch(Duration::ms(100));
  }
  EXPECT_GT(run.figures(false).digest_mismatches, 0u);
  EXPECT_FALSE(run.failure());
  EXPECT_TRUE(run.all_live());
}

TEST(LoadProgram, AgreesOnAServerThatRests) {
  const TemporaryFile schema(
      "[schema]\nname = \"a\"\nversion = 1\n[table.t]\nid = 1\n"
      "fields.x = { id = 1, type = \"u8\" }\n");
  RunningServer running({"--schema", schema.path()});
  ASSERT_NE(running.port(), "");
  const ProgramOutcome outcome =
      ecsdb({"load", "--url", running.ws(), "--clients", "3", "--seconds", "0.1"});
  EXPECT_EQ(outcome.exit, 0) << outcome.error;
  EXPECT_TRUE(contains(outcome.out, "3, 3 synced")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "p50 - ms, p99 - ms")) << outcome.out;
}

}  // namespace
}  // namespace ecsdb
