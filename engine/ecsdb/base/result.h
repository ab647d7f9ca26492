// Result<T>: a value or an Error, for everything that input can do wrong.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "ecsdb/base/check.h"
#include "ecsdb/base/error.h"

namespace ecsdb {

/// A value, or why there is none. Success costs no allocation. Not thread-safe, like any value.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit on purpose, as return values
  Result(Error error) : error_(std::move(error)) { ECSDB_CHECK(error_.code != ErrorCode::kOk); }

  bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  ErrorCode code() const { return error_.code; }
  const Error& error() const {
    ECSDB_CHECK(!ok());
    return error_;
  }
  /// The value; a check fails if there is none.
  T& value() & {
    ECSDB_CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    ECSDB_CHECK(ok());
    return *value_;
  }
  T&& value() && {
    ECSDB_CHECK(ok());
    return *std::move(value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::optional<T> value_;
  Error error_;
};

/// Nothing, or why not; one word where all went well.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::make_unique<Error>(std::move(error))) {
    ECSDB_CHECK(error_->code != ErrorCode::kOk);
  }
  Result(Result&&) = default;
  Result& operator=(Result&&) = default;
  Result(const Result& other)
      : error_(other.ok() ? nullptr : std::make_unique<Error>(*other.error_)) {}
  Result& operator=(const Result& other) { return *this = Result(other); }

  bool ok() const { return error_ == nullptr; }
  explicit operator bool() const { return ok(); }
  ErrorCode code() const { return ok() ? ErrorCode::kOk : error_->code; }
  const Error& error() const {
    ECSDB_CHECK(!ok());
    return *error_;
  }

 private:
  std::unique_ptr<Error> error_;
};

using Status = Result<void>;

inline Error fail(ErrorCode code, std::string context = {}) {
  return Error{code, std::move(context)};
}

}  // namespace ecsdb

/// Returns the error of a Status or Result expression from the enclosing function, if there is one.
#define ECSDB_TRY(expression)                               \
  do {                                                      \
    if (auto ecsdb_try_ = (expression); !ecsdb_try_.ok()) { \
      return ecsdb_try_.error();                            \
    }                                                       \
  } while (false)
