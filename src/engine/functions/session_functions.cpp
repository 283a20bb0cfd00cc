// What a session tells about itself, random values and pg_sleep.
#include <openssl/rand.h>

#include <cmath>
#include <cstdio>
#include <ctime>
#include <random>
#include <string>

#include "clock.h"
#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/session_random.h"
#include "engine/types/array_format.h"
#include "guid.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

Status no_session() {
  return Status(sqlstate::kInternalError, "this function needs a session");
}

/// A text constant of the session.
template <std::string (SessionFacts::*kFact)() const>
Status session_text(const CallFrame& frame, Vector& result) {
  if (frame.context.session == nullptr) return no_session();
  result = Vector::constant(
      Datum(frame.result_type.id, (frame.context.session->*kFact)()), frame.rows);
  return Status();
}

Status backend_pid(const CallFrame& frame, Vector& result) {
  if (frame.context.session == nullptr) return no_session();
  result = Vector::constant(Datum::int4(frame.context.session->backend_pid()), frame.rows);
  return Status();
}

/// The schemas of search_path: names separated by commas, `"$user"` left out as there is none.
std::vector<std::string> search_path(const EvalContext& context) {
  std::vector<std::string> schemas;
  std::string path = "public";
  if (context.session != nullptr)
    path = context.session->setting("search_path").value_or("public");
  std::string name;
  const auto add = [&] {
    while (!name.empty() && name.front() == ' ') name.erase(name.begin());
    while (!name.empty() && name.back() == ' ') name.pop_back();
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"')
      name = name.substr(1, name.size() - 2);
    if (!name.empty() && name != "$user") schemas.push_back(name);
    name.clear();
  };
  for (const char c : path) {
    if (c == ',') {
      add();
    } else {
      name += c;
    }
  }
  add();
  return schemas;
}

Status current_schema(const CallFrame& frame, Vector& result) {
  const std::vector<std::string> schemas = search_path(frame.context);
  result = schemas.empty() ? Vector::null_constant(oid::kName, frame.rows)
                           : Vector::constant(Datum(oid::kName, schemas.front()), frame.rows);
  return Status();
}

Status current_schemas(const CallFrame& frame, Vector& result) {
  const std::vector<std::string> schemas = search_path(frame.context);
  const auto implicit = frame.arguments[0].view<uint8_t>();
  return each_row(frame, result, [&](uint32_t row, Vector& out) {
    if (!implicit.valid(row)) {
      out.set_null(row);
      return Status();
    }
    ArrayBuilder array(oid::kName);
    bool named = false;
    for (const std::string& schema : schemas) named |= schema == "pg_catalog";
    if (implicit[row] != 0 && !named) array.add("pg_catalog");
    for (const std::string& schema : schemas) array.add(schema);
    out.set_string(row, array.finish());
    return Status();
  });
}

Status current_setting(const CallFrame& frame, Vector& result) {
  if (frame.context.session == nullptr) return no_session();
  const auto names = frame.arguments[0].view<StringRef>();
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    const bool has_flag = frame.arguments.size() > 1;
    if (!names.valid(row) || (has_flag && frame.arguments[1].is_null(row))) {
      out.set_null(row);
      return Status();
    }
    const auto value = frame.context.session->setting(names[row].view());
    if (value.has_value()) {
      out.set_string(row, *value);
      return Status();
    }
    if (has_flag && frame.arguments[1].view<uint8_t>()[row] != 0) {
      out.set_null(row);
      return Status();
    }
    return Status(sqlstate::kUndefinedObject, "unrecognized configuration parameter \"" +
                                                  std::string(names[row].view()) + "\"");
  });
}

/// The session runs the calls it can before the query; one that is left is elsewhere.
Status set_config(const CallFrame&, Vector&) {
  return Status(sqlstate::kFeatureNotSupported,
                "set_config() is only supported in the select list of a query without FROM");
}

/// Sleeps in steps, so that a cancel is obeyed within one.
Status sleep_for(const CallFrame& frame, double seconds) {
  constexpr int64_t kStepNs = 10'000'000;
  if (!(seconds > 0)) return Status();
  const double capped = std::min(seconds, 1e9);
  struct timespec now {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t start = int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  const int64_t end = start + static_cast<int64_t>(capped * 1e9);
  for (int64_t at = start; at < end;) {
    if (frame.context.cancel != nullptr) RETURN_IF_ERROR(frame.context.cancel->check());
    const int64_t step = std::min(kStepNs, end - at);
    const struct timespec wait {.tv_sec = 0, .tv_nsec = step};
    nanosleep(&wait, nullptr);
    clock_gettime(CLOCK_MONOTONIC, &now);
    at = int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }
  return Status();
}

Status pg_sleep(const CallFrame& frame, Vector& result) {
  const auto seconds = frame.arguments[0].view<double>();
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (!seconds.valid(row)) {
      out.set_null(row);
      return Status();
    }
    return sleep_for(frame, seconds[row]);  // void prints as an empty string
  });
}

Status pg_sleep_for(const CallFrame& frame, Vector& result) {
  const auto spans = frame.arguments[0].view<IntervalValue>();
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (!spans.valid(row)) {
      out.set_null(row);
      return Status();
    }
    const IntervalValue& span = spans[row];
    const double days = span.months * 30.0 + span.days;
    return sleep_for(frame, days * 86'400.0 + static_cast<double>(span.microseconds) / 1e6);
  });
}

Status pg_typeof(const CallFrame& frame, Vector& result) {
  const Oid type = frame.arguments[0].type();
  result = Vector::constant(Datum(oid::kRegtype, static_cast<int32_t>(type)), frame.rows);
  return Status();
}

Status gen_random_uuid(const CallFrame& frame, Vector& result) {
  return each_row(frame, result, [&](uint32_t row, Vector& out) {
    const auto bytes = Guid::random().rfc_bytes();
    std::memcpy(out.data<UuidValue>()[row].bytes, bytes.data(), 16);
    return Status();
  });
}

/// Uniform over [0, 1); the session's own numbers once it called setseed().
Status random_value(const CallFrame& frame, Vector& result) {
  thread_local std::mt19937_64 generator(std::random_device{}());
  SessionRandom* const own = frame.context.session == nullptr ? nullptr : frame.context.session->random();
  return each_row(frame, result, [&](uint32_t row, Vector& out) {
    const std::optional<double> next = own == nullptr ? std::nullopt : own->next();
    out.data<double>()[row] = next ? *next : static_cast<double>(generator() >> 11) * 0x1.0p-53;
    return Status();
  });
}

Status setseed(const CallFrame& frame, Vector& result) {
  const auto seeds = frame.arguments[0].view<double>();
  SessionRandom* const own = frame.context.session == nullptr ? nullptr : frame.context.session->random();
  if (own == nullptr) return no_session();
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (!seeds.valid(row)) {
      out.set_null(row);
      return Status();
    }
    const double seed = seeds[row];
    if (!(seed >= -1 && seed <= 1)) {
      char shown[32];
      std::snprintf(shown, sizeof shown, "%g", seed);
      if (!std::isfinite(seed)) std::snprintf(shown, sizeof shown, "%s", std::isnan(seed) ? "NaN" : seed > 0 ? "Infinity" : "-Infinity");
      return Status(sqlstate::kInvalidParameterValue, "setseed parameter " + std::string(shown) +
                                                          " is out of allowed range [-1,1]");
    }
    own->seed(seed);
    out.set_string(row, "");
    return Status();
  });
}

template <bool kValue>
Status boolean_constant(const CallFrame& frame, Vector& result) {
  result = Vector::constant(Datum::boolean(kValue), frame.rows);
  return Status();
}

Status always_null(const CallFrame& frame, Vector& result) {
  result = Vector::null_constant(frame.result_type.id, frame.rows);
  return Status();
}

Status client_encoding(const CallFrame& frame, Vector& result) {
  result = Vector::constant(Datum(oid::kName, std::string("UTF8")), frame.rows);
  return Status();
}

}  // namespace

void register_session(Builder& builder) {
  builder.builtin("current_user()", session_text<&SessionFacts::current_user>);
  builder.builtin("session_user()", session_text<&SessionFacts::session_user>);
  builder.builtin("current_database()", session_text<&SessionFacts::current_database>);
  builder.builtin("version()", session_text<&SessionFacts::server_version_text>);
  builder.builtin("pg_backend_pid()", backend_pid);
  builder.builtin("current_schema()", current_schema);
  builder.builtin("current_schemas(bool)", current_schemas);
  builder.builtins({"current_setting(text)", "current_setting(text,bool)"}, current_setting);
  builder.builtin("set_config(text,text,bool)", set_config);
  builder.builtin("pg_sleep(float8)", pg_sleep);
  builder.builtin("pg_sleep_for(interval)", pg_sleep_for);
  builder.builtin("pg_typeof(any)", pg_typeof);
  builder.builtin("gen_random_uuid()", gen_random_uuid);
  builder.builtin("random()", random_value);
  builder.builtin("setseed(float8)", setseed);
  builder.builtin("pg_is_in_recovery()", boolean_constant<false>);
  builder.builtin("pg_client_encoding()", client_encoding);
  builder.builtins({"inet_server_addr()", "inet_server_port()", "inet_client_addr()",
                    "inet_client_port()"},
                   always_null);
  // Grammar forms without a pg_proc entry of that name.
  const auto add_name = [&](std::string_view name, Kernel kernel) {
    ScalarFunction function;
    function.name = name;
    function.result = oid::kName;
    function.volatility = Volatility::kStable;
    function.kernel = kernel;
    builder.add_function(std::move(function));
  };
  add_name("current_role", session_text<&SessionFacts::current_user>);
  add_name("user", session_text<&SessionFacts::current_user>);
  add_name("current_catalog", session_text<&SessionFacts::current_database>);
}

}  // namespace eventd::engine
