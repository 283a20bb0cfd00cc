// Result<T>: a value or an Error. Bad input and failed I/O travel in it; broken invariants assert.
#pragma once

#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "sqlstate.h"

namespace eventd {

/// What a client is told when something fails: the fields of PostgreSQL's ErrorResponse.
struct Error {
  SqlState code = sqlstate::kInternalError;
  std::string message;
  std::string detail;
  std::string hint;
  std::string context;
  /// 1-based character (not byte) position in the statement's text; 0 = none.
  int position = 0;
};

/// Success, or an owned Error. One pointer wide; success costs nothing. Not copyable.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::make_unique<Error>(std::move(error))) {}  // NOLINT
  Status(SqlState code, std::string message)
      : error_(std::make_unique<Error>(Error{code, std::move(message), {}, {}, {}, 0})) {}

  bool ok() const { return error_ == nullptr; }
  /// REQUIRES: !ok().
  const Error& error() const& { return *error_; }
  Error& error() & { return *error_; }
  /// The error, moved out. REQUIRES: !ok().
  Error take_error() && { return std::move(*error_); }

 private:
  std::unique_ptr<Error> error_;
};

/// A `T`, or an Error. REQUIRES for value access: ok().
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {  // NOLINT
    assert(!std::get<1>(state_).ok());
  }
  Result(Error error) : state_(std::in_place_index<1>, Status(std::move(error))) {}  // NOLINT
  template <class U>
    requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::decay_t<U>, T> &&
             !std::is_same_v<std::decay_t<U>, Status> && !std::is_same_v<std::decay_t<U>, Error> &&
             !std::is_same_v<std::decay_t<U>, Result>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT
  Result(SqlState code, std::string message)
      : state_(std::in_place_index<1>, Status(code, std::move(message))) {}

  bool ok() const { return state_.index() == 0; }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  /// REQUIRES: !ok().
  const Error& error() const { return std::get<1>(state_).error(); }
  Error& error() { return std::get<1>(state_).error(); }
  /// The failure as a Status, moved out. REQUIRES: !ok().
  Status take_status() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Status> state_;
};

#define EVENTD_CONCAT_(a, b) a##b
#define EVENTD_CONCAT(a, b) EVENTD_CONCAT_(a, b)

/// Returns from the enclosing function when `expression` (a Status) failed.
#define RETURN_IF_ERROR(expression)                                        \
  do {                                                                     \
    if (::eventd::Status return_if_error_ = (expression); !return_if_error_.ok()) \
      return return_if_error_;                                             \
  } while (false)

/// `ASSIGN_OR_RETURN(auto x, f())`: x = the value of f(), or return its error.
#define ASSIGN_OR_RETURN(target, expression)                                              \
  ASSIGN_OR_RETURN_(EVENTD_CONCAT(assign_or_return_, __LINE__), target, expression)
#define ASSIGN_OR_RETURN_(temporary, target, expression)                                  \
  auto temporary = (expression);                                                          \
  if (!temporary.ok()) return std::move(temporary).take_status();                         \
  target = std::move(temporary).value()

}  // namespace eventd
