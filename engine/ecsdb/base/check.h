// Assertions for programmer errors. They are on in release builds and never return.
#pragma once

namespace ecsdb {

/// Called once before the process aborts, so that an owner can log what failed. It must not throw
/// and need not return. Set it before any other use of the library; it is the only process-wide
/// setting there is.
using CheckHandler = void (*)(const char* condition, const char* file, int line);

/// Replaces the handler and returns the previous one (null: print to standard error).
CheckHandler set_check_handler(CheckHandler handler);

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace ecsdb

/// States something that only a bug in this program can make false. Never use it on bytes from a
/// peer, a file or a user: those get a Result.
#define ECSDB_CHECK(condition)                       \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::ecsdb::check_failed(#condition, __FILE__, __LINE__))
