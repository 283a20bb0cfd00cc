// jsonb_path_exists, _match, _query, _query_array, _query_first, @? and @@.
#include "engine/functions/jsonb_functions.h"
#include "engine/functions/jsonpath_executor.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/payload/msgpack_reader.h"
#include "engine/payload/msgpack_writer.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;
constexpr char kEmptyMap[] = "\x80";

/// Parses the path once when it is constant.
Result<std::shared_ptr<const CallState>> prepare_path(const ScalarFunction&, std::span<const Datum* const> constants) {
  if (constants.size() < 2 || constants[1] == nullptr || constants[1]->is_null()) return std::shared_ptr<const CallState>();
  ASSIGN_OR_RETURN(std::shared_ptr<const JsonPath> path, parse_json_path(constants[1]->bytes()));
  return std::shared_ptr<const CallState>(std::move(path));
}

Result<PathOptions> path_options(ByteSpan variables, bool silent, bool use_zone) {
  MsgpackReader reader(variables);
  MsgpackToken token;
  if (!reader.next(token) || token.kind != MsgpackKind::kMap) {
    Error error{sqlstate::kInvalidParameterValue, "\"vars\" argument is not an object", {}, {}, {}, 0};
    error.detail = "Jsonpath parameters should be encoded as key-value pairs of \"vars\" object.";
    return Status(std::move(error));
  }
  return PathOptions{variables, silent, use_zone};
}

enum class Ask { kExists, kMatch, kArray, kFirst };

Status answer(const EvalContext& context, Ask ask, const JsonPath& path, ByteSpan target, const PathOptions& options,
              uint32_t row, Vector& out) {
  PathExecutor executor(context, path, target, options);
  if (ask == Ask::kExists) {
    ASSIGN_OR_RETURN(const std::optional<bool> exists, executor.exists());
    if (exists) out.data<uint8_t>()[row] = *exists;
    else out.set_null(row);
    return Status();
  }
  PathItems found;
  RETURN_IF_ERROR(executor.query(found));
  if (ask == Ask::kMatch) {
    if (found.size() == 1 && found[0].kind() == PathItemKind::kBool) {
      out.data<uint8_t>()[row] = found[0].boolean();
      return Status();
    }
    const bool null = found.size() == 1 && found[0].kind() == PathItemKind::kNull;
    if (!null && !options.silent) return Status(SqlState{"22038"}, "single boolean result is expected");
    out.set_null(row);
    return Status();
  }
  std::string bytes;
  if (ask == Ask::kFirst) {
    if (found.empty()) {
      out.set_null(row);
      return Status();
    }
    found.resize(1);
  } else {
    MsgpackWriter(bytes).array_header(static_cast<uint32_t>(found.size()));
  }
  for (const PathItem& item : found) {
    RETURN_IF_ERROR(item.append_msgpack(context.format, bytes));
    if (bytes.size() > kMaxTextBytes) return fault::kRequestedLength.status();
  }
  out.set_string(row, bytes);
  return Status();
}

/// (target, path [, vars, silent]); the operators are always silent.
template <Ask kAsk, bool kUseZone, bool kSilent = false>
Status path_kernel_of(const CallFrame& frame, Vector& result) {
  const auto targets = frame.arguments[0].view<StringRef>(), paths = frame.arguments[1].view<StringRef>();
  std::shared_ptr<const JsonPath> parsed;
  std::string parsed_text;
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    for (const Vector& argument : frame.arguments) {
      if (!argument.is_null(row)) continue;
      out.set_null(row);
      return Status();
    }
    const auto* path = static_cast<const JsonPath*>(frame.state);
    if (path == nullptr) {
      if (parsed == nullptr || parsed_text != paths[row].view()) {
        parsed_text = paths[row].view();
        ASSIGN_OR_RETURN(parsed, parse_json_path(parsed_text));
      }
      path = parsed.get();
    }
    PathOptions options{as_bytes(std::string_view(kEmptyMap, 1)), kSilent, kUseZone};
    if (frame.arguments.size() > 2) {
      ASSIGN_OR_RETURN(options, path_options(as_bytes(frame.arguments[2].view<StringRef>()[row].view()),
                                             frame.arguments[3].view<uint8_t>()[row] != 0, kUseZone));
    }
    return answer(frame.context, kAsk, *path, as_bytes(targets[row].view()), options, row, out);
  });
}

/// The rows of jsonb_path_query(). All are found when it is opened; they lie in what it keeps.
class PathQueryCursor : public TableFunctionCursor {
 public:
  PathQueryCursor(std::shared_ptr<const JsonPath> path, std::string target, std::string variables,
                  const FormatOptions& format)
      : path_(std::move(path)), target_(std::move(target)), variables_(std::move(variables)), format_(format) {}
  const JsonPath& path() const { return *path_; }
  ByteSpan target() const { return as_bytes(std::string_view(target_)); }
  ByteSpan variables() const { return as_bytes(std::string_view(variables_)); }
  PathItems found;

  Result<bool> next(Batch& batch) override {
    if (at_ == found.size()) return false;
    const auto rows = static_cast<uint32_t>(std::min<size_t>(found.size() - at_, kBatchRows));
    Vector column = Vector::flat(oid::kJsonb, rows);
    std::string value;
    for (uint32_t i = 0; i < rows; ++i) {
      value.clear();
      RETURN_IF_ERROR(found[at_++].append_msgpack(format_, value));
      column.set_string(i, value);
    }
    batch.columns = {std::move(column)};
    batch.size = rows;
    return true;
  }

 private:
  const std::shared_ptr<const JsonPath> path_;
  const std::string target_, variables_;
  const FormatOptions format_;
  size_t at_ = 0;
};

/// For NULL arguments.
class NoPathItems : public TableFunctionCursor {
 public:
  Result<bool> next(Batch&) override { return false; }
};

template <bool kUseZone>
Result<std::unique_ptr<TableFunctionCursor>> open_path_query(const EvalContext& context, std::span<const Datum> arguments) {
  for (const Datum& argument : arguments)
    if (argument.is_null()) return std::unique_ptr<TableFunctionCursor>(std::make_unique<NoPathItems>());
  ASSIGN_OR_RETURN(const std::shared_ptr<const JsonPath> path, parse_json_path(arguments[1].bytes()));
  const bool more = arguments.size() > 2;
  auto cursor = std::make_unique<PathQueryCursor>(path, std::string(arguments[0].bytes()),
                                                  more ? std::string(arguments[2].bytes()) : std::string(kEmptyMap, 1),
                                                  context.format);
  PathOptions options{cursor->variables(), false, kUseZone};
  if (more) {
    ASSIGN_OR_RETURN(options, path_options(cursor->variables(), arguments[3].as<bool>(), kUseZone));
  }
  RETURN_IF_ERROR(PathExecutor(context, cursor->path(), cursor->target(), options).query(cursor->found));
  return std::unique_ptr<TableFunctionCursor>(std::move(cursor));
}

template <bool kUseZone>
void register_zone_form(Builder& builder, const std::string& suffix) {
  const std::string arguments = suffix + "(jsonb,jsonpath,jsonb,bool)";
  builder.builtin("jsonb_path_exists" + arguments, path_kernel_of<Ask::kExists, kUseZone>, prepare_path);
  builder.builtin("jsonb_path_match" + arguments, path_kernel_of<Ask::kMatch, kUseZone>, prepare_path);
  builder.builtin("jsonb_path_query_array" + arguments, path_kernel_of<Ask::kArray, kUseZone>, prepare_path);
  builder.builtin("jsonb_path_query_first" + arguments, path_kernel_of<Ask::kFirst, kUseZone>, prepare_path);
  TableFunction query;
  query.columns = {{kUseZone ? "jsonb_path_query_tz" : "jsonb_path_query", oid::kJsonb}};
  query.open = open_path_query<kUseZone>;
  builder.builtin_table_function("jsonb_path_query" + arguments, std::move(query));
}

}  // namespace

void register_jsonb_path(Builder& builder) {
  register_zone_form<false>(builder, "");
  register_zone_form<true>(builder, "_tz");
  builder.builtin("jsonb_path_exists_opr(jsonb,jsonpath)", path_kernel_of<Ask::kExists, false, true>, prepare_path);
  builder.builtin("jsonb_path_match_opr(jsonb,jsonpath)", path_kernel_of<Ask::kMatch, false, true>, prepare_path);
}

}  // namespace eventd::engine
