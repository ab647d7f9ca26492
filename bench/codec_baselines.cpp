#include "codec_baselines.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "ecsdb/wire/compress.h"

#if defined(ECSDB_BENCH_PROTOBUF)
#include <change.pb.h>
#endif

namespace bench {

using ecsdb::Status;

bool has_zstd() { return (ecsdb::built_in_features() & ecsdb::kFeatureZstd) != 0; }

bool has_protobuf() {
#if defined(ECSDB_BENCH_PROTOBUF)
  return true;
#else
  return false;
#endif
}

namespace {

constexpr int kRepeats = 4;

/// The rows of a frame that changed, and how: a program would know that before it encodes, as the
/// tiers do, whose publish time is reported apart.
struct Frame {
  std::span<const int32_t> now;
  std::vector<uint32_t> rows;
  std::vector<uint32_t> masks;  // columns that changed, by row
  std::vector<int32_t> deltas;  // of those columns, row by row
};

class RawStructs {
 public:
  explicit RawStructs(const Shape& shape)
      : columns_(shape.columns), buffer_((shape.columns + 1) * sizeof(int32_t) * shape.rows) {}

  size_t struct_bytes() const { return (columns_ + 1) * sizeof(int32_t); }
  size_t encode(const Frame& frame) {
    uint8_t* at = buffer_.data();
    for (const uint32_t row : frame.rows) {
      std::memcpy(at, &row, sizeof(row));
      std::memcpy(at + sizeof(row), &frame.now[row * columns_], columns_ * sizeof(int32_t));
      at += struct_bytes();
    }
    keep(buffer_.data());
    return static_cast<size_t>(at - buffer_.data());
  }
  void decode(size_t bytes, std::vector<int32_t>& held) const {
    for (const uint8_t* at = buffer_.data(); at < buffer_.data() + bytes; at += struct_bytes()) {
      uint32_t row = 0;
      std::memcpy(&row, at, sizeof(row));
      std::memcpy(&held[row * columns_], at + sizeof(row), columns_ * sizeof(int32_t));
    }
    keep(held.data());
  }
  std::vector<uint8_t>& buffer() { return buffer_; }

 private:
  size_t columns_;
  std::vector<uint8_t> buffer_;
};

/// The engine's own wrapper of zstd: level 1, one frame each. Incompressible changes go as they
/// are.
class ZstdRaw {
 public:
  explicit ZstdRaw(const Shape& shape) : raw_(shape) {}

  size_t encode(const Frame& frame) {
    const size_t bytes = raw_.encode(frame);
    packed_.clear();
    is_packed_ = out_.compress(ecsdb::ByteSpan(raw_.buffer()).first(bytes), packed_);
    return is_packed_ ? packed_.size() : bytes;
  }
  void decode(size_t bytes, std::vector<int32_t>& held) {
    if (is_packed_) {
      if (!in_.decompress(packed_, raw_.buffer().size(), unpacked_).ok()) return;
      bytes = unpacked_.size();
      std::copy(unpacked_.begin(), unpacked_.end(), raw_.buffer().begin());
    }
    raw_.decode(bytes, held);
  }

 private:
  RawStructs raw_;
  ecsdb::Compressor out_;
  ecsdb::Decompressor in_;
  ecsdb::Bytes packed_;
  ecsdb::Bytes unpacked_;
  bool is_packed_ = false;
};

#if defined(ECSDB_BENCH_PROTOBUF)
class Protobuf {
 public:
  explicit Protobuf(const Shape& shape) : columns_(shape.columns) {}
  size_t encode(const Frame& frame) {
    change_.Clear();
    uint32_t next = 0;
    for (const uint32_t row : frame.rows) {
      change_.add_row_gaps(row - next);
      next = row + 1;
    }
    change_.mutable_masks()->Add(frame.masks.begin(), frame.masks.end());
    change_.mutable_deltas()->Add(frame.deltas.begin(), frame.deltas.end());
    change_.SerializeToString(&bytes_);
    return bytes_.size();
  }
  void decode(size_t, std::vector<int32_t>& held) {
    received_.ParseFromString(bytes_);
    uint32_t row = 0;
    int next = 0;
    for (int i = 0; i < received_.row_gaps_size(); ++i, ++row) {
      row += received_.row_gaps(i);
      for (uint32_t rest = received_.masks(i); rest != 0; rest &= rest - 1) {
        int32_t& to = held[row * columns_ + static_cast<size_t>(__builtin_ctz(rest))];
        to = static_cast<int32_t>(static_cast<uint32_t>(to) +
                                  static_cast<uint32_t>(received_.deltas(next++)));
      }
    }
  }

 private:
  size_t columns_;
  Change change_;
  Change received_;
  std::string bytes_;
};
#endif

/// One way beside the others, with the receiver's copy of the rows.
template <class Codec>
class Way {
 public:
  Way(const Shape& shape, std::span<const int32_t> first)
      : codec_(shape), held_(first.begin(), first.end()) {}

  Status step(const Frame& frame, BaselineTotals& totals) {
    size_t bytes = 0;
    totals.encode.add_ns(time_ns([&] {
                           for (int i = 0; i < kRepeats; ++i) bytes = codec_.encode(frame);
                         }) /
                         kRepeats);
    // Deltas can be added once only: every repetition has a copy of what is held. It warms the
    // caches, as repetitions on one state do for the tiers.
    double decode_ns = 0;
    for (int i = 0; i < kRepeats; ++i) {
      decoded_ = held_;
      decode_ns += time_ns([&] { codec_.decode(bytes, decoded_); });
    }
    totals.decode.add_ns(decode_ns / kRepeats);
    held_.swap(decoded_);
    totals.bytes += bytes;
    if (std::equal(held_.begin(), held_.end(), frame.now.begin())) return {};
    return ecsdb::fail(ecsdb::ErrorCode::kDigestMismatch, "a baseline lost a value");
  }

 private:
  Codec codec_;
  std::vector<int32_t> held_;
  std::vector<int32_t> decoded_;
};

class Baselines {
 public:
  Baselines(const Trace& trace, size_t first)
      : trace_(trace),
        raw_(trace.shape, trace.frame(first)),
        zstd_(trace.shape, trace.frame(first)),
#if defined(ECSDB_BENCH_PROTOBUF)
        protobuf_(trace.shape, trace.frame(first)),
#endif
        source_(trace.shape),
        copied_(source_.buffer().size()) {
  }

  Status step(size_t frame, BaselinesTotals& totals) {
    find_changes(frame);
    columns_ += static_cast<double>(frame_.deltas.size());
    ++totals.frames;
    const size_t bytes = source_.encode(frame_);
    totals.copy.add_ns(time_ns([&] {
                         for (int i = 0; i < kRepeats; ++i) {
                           std::memcpy(copied_.data(), source_.buffer().data(), bytes);
                           keep(copied_.data());
                         }
                       }) /
                       kRepeats);
    ECSDB_TRY(raw_.step(frame_, totals.raw_structs));
    ECSDB_TRY(zstd_.step(frame_, totals.zstd_raw));
#if defined(ECSDB_BENCH_PROTOBUF)
    ECSDB_TRY(protobuf_.step(frame_, totals.protobuf));
#endif
    return {};
  }
  void end_block(BaselinesTotals& totals) {
    totals.copy.end_block(columns_);
    for (BaselineTotals* way : {&totals.raw_structs, &totals.zstd_raw, &totals.protobuf}) {
      way->encode.end_block(columns_);
      way->decode.end_block(columns_);
    }
    columns_ = 0;
  }

 private:
  void find_changes(size_t frame) {
    const std::span<const int32_t> before = trace_.frame(frame - 1);
    frame_.now = trace_.frame(frame);
    frame_.rows.clear();
    frame_.masks.clear();
    frame_.deltas.clear();
    for (uint32_t row = 0; row < trace_.shape.rows; ++row) {
      uint32_t mask = 0;
      for (size_t k = 0; k < trace_.shape.columns; ++k) {
        const size_t at = row * trace_.shape.columns + k;
        if (frame_.now[at] == before[at]) continue;
        mask |= 1u << k;
        frame_.deltas.push_back(static_cast<int32_t>(static_cast<uint32_t>(frame_.now[at]) -
                                                     static_cast<uint32_t>(before[at])));
      }
      if (mask == 0) continue;
      frame_.rows.push_back(row);
      frame_.masks.push_back(mask);
    }
  }

  const Trace& trace_;
  Frame frame_;
  Way<RawStructs> raw_;
  Way<ZstdRaw> zstd_;
#if defined(ECSDB_BENCH_PROTOBUF)
  Way<Protobuf> protobuf_;
#endif
  RawStructs source_;
  std::vector<uint8_t> copied_;
  double columns_ = 0;
};

}  // namespace

Status run_baselines(const Trace& trace, size_t first, size_t frames_per_block,
                     BaselinesTotals& totals) {
  Baselines baselines(trace, first);
  size_t in_block = 0;
  for (size_t frame = first + 1; frame < trace.frames(); ++frame) {
    ECSDB_TRY(baselines.step(frame, totals));
    if (++in_block < frames_per_block && frame + 1 < trace.frames()) continue;
    baselines.end_block(totals);
    in_block = 0;
  }
  return {};
}

}  // namespace bench
