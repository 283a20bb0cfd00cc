// Reading jsonb: -> ->> #> #>> ? ?| ?& @> <@ and the functions behind them.
#include "bytes.h"
#include "engine/functions/jsonb_functions.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/payload/jsonb_map.h"
#include "engine/payload/jsonb_text.h"
#include "engine/payload/msgpack_path.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

// The found value is a slice of the argument: no copy.
bool keep(const std::optional<ByteSpan>& found, StringOut& out) {
  if (!found) return false;
  out.keep(as_text(*found));
  return true;
}

bool text_of(const std::optional<ByteSpan>& found, StringOut& out) {
  if (!found) return false;
  MsgpackReader reader(*found);
  MsgpackToken token;
  // ASCII strings, the common case, are slices too.
  if (reader.next(token) && token.kind == MsgpackKind::kString) {
    bool plain = true;
    for (const char c : token.text()) plain &= c > 0;
    if (plain) {
      out.keep(token.text());
      return true;
    }
  }
  std::string& buffer = out.buffer();
  if (!append_jsonb_scalar_text(*found, buffer)) return false;
  out.copy(buffer);
  return true;
}

// -> and ->> by index. A bare scalar counts as an array of itself, as in PostgreSQL.
std::optional<ByteSpan> element_at(ByteSpan value, int32_t index) {
  MsgpackReader reader(value);
  MsgpackToken token;
  const bool scalar = reader.next(token) && token.kind != MsgpackKind::kArray && token.kind != MsgpackKind::kMap;
  if (scalar && (index == 0 || index == -1)) return value;
  return find_index(value, index);
}

// A text[] as path. False: it has a NULL element, so the result is NULL.
Result<bool> read_path(std::string_view array, std::vector<std::string>& path) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(array));
  path.clear();
  for (int64_t i = 0; i < reader.element_count(); ++i) {
    const std::optional<std::string_view> element = reader.next();
    if (!element) return false;
    path.emplace_back(*element);
  }
  return true;
}

// The path functions: the path is read once when it is constant.
template <bool kText>
Status path_kernel(const CallFrame& frame, Vector& result) {
  const auto pick = [](ByteSpan value, const std::vector<std::string>& path, StringOut& out) {
    const std::optional<ByteSpan> found = find_path(value, path);
    return kText ? text_of(found, out) : keep(found, out);
  };
  std::vector<std::string> path;
  if (type_info(frame.arguments[1].type()).category != 'A') {
    // Called with its steps as separate arguments.
    return each_row(frame, result, [&](uint32_t row, Vector& to) -> Status {
      path.clear();
      bool null = false;
      for (const Vector& argument : frame.arguments) null = null || argument.is_null(row);
      std::string buffer;
      StringOut out(to.heap(), buffer);
      if (!null) {
        for (const Vector& step : frame.arguments.subspan(1)) path.emplace_back(step.view<StringRef>()[row].view());
        null = !pick(as_bytes(frame.arguments[0].view<StringRef>()[row].view()), path, out);
      }
      if (null) to.set_null(row);
      else to.set_string(row, out.ref().view());
      return Status();
    });
  }
  if (frame.arguments[1].form() == Vector::Form::kConstant && !frame.arguments[1].is_null(0)) {
    ASSIGN_OR_RETURN(const bool usable, read_path(frame.arguments[1].view<StringRef>()[0].view(), path));
    if (!usable) {
      result = Vector::null_constant(frame.result_type.id, frame.rows);
      return Status();
    }
    const CallFrame inner{frame.context, frame.arguments.first(1), frame.rows, frame.result_type, frame.state};
    return map_rows<StringRef, StringRef>(inner, result, [&](const StringRef& value, StringOut& out) {
      return pick(as_bytes(value.view()), path, out);
    });
  }
  return map_rows<StringRef, StringRef, StringRef>(
      frame, result, [&](const StringRef& value, const StringRef& array, StringOut& out) -> Result<bool> {
        ASSIGN_OR_RETURN(const bool usable, read_path(array.view(), path));
        return usable && pick(as_bytes(value.view()), path, out);
      });
}

// ? : a top-level key, or a string element of an array, or the string itself.
bool exists(ByteSpan value, std::string_view key) {
  MsgpackReader reader(value);
  MsgpackToken token;
  if (!reader.next(token)) return false;
  if (token.kind == MsgpackKind::kMap) return find_key(value, key).has_value();
  if (token.kind == MsgpackKind::kString) return token.text() == key;
  if (token.kind != MsgpackKind::kArray) return false;
  for (uint32_t i = token.count; i > 0; --i) {
    MsgpackReader element = reader;
    MsgpackToken item;
    if (element.next(item) && item.kind == MsgpackKind::kString && item.text() == key) return true;
    if (!reader.skip()) return false;
  }
  return false;
}

template <bool kAll>
Status exists_many(const StringRef& value, const StringRef& array, uint8_t& out) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(array.view()));
  out = kAll;
  for (int64_t i = 0; i < reader.element_count(); ++i) {
    const std::optional<std::string_view> key = reader.next();
    if (key && exists(as_bytes(value.view()), *key) != kAll) {
      out = !kAll;
      break;
    }
  }
  return Status();
}

std::string_view type_name(ByteSpan value) {
  MsgpackReader reader(value);
  MsgpackToken token;
  if (!reader.next(token)) return "null";
  switch (token.kind) {
    case MsgpackKind::kNil: return "null";
    case MsgpackKind::kBool: return "boolean";
    case MsgpackKind::kInt:
    case MsgpackKind::kUint: return "number";
    case MsgpackKind::kFloat: return token.real - token.real == 0 ? "number" : "string";
    case MsgpackKind::kExt: return token.ext_type == kMsgpackDecimalExt ? "number" : "string";
    case MsgpackKind::kString:
    case MsgpackKind::kBinary: return "string";
    case MsgpackKind::kArray: return "array";
    case MsgpackKind::kMap: return "object";
  }
  return "null";
}

}  // namespace

void register_jsonb_access(Builder& builder) {
  builder.builtin("jsonb_object_field(jsonb,text)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& v, const StringRef& key, StringOut& out) {
                    return keep(find_key(as_bytes(v.view()), key.view()), out);
                  }));
  builder.builtin("jsonb_object_field_text(jsonb,text)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& v, const StringRef& key, StringOut& out) {
                    return text_of(find_key(as_bytes(v.view()), key.view()), out);
                  }));
  builder.builtin("jsonb_array_element(jsonb,int4)",
                  row_kernel<StringRef, StringRef, int32_t>([](const StringRef& v, int32_t index, StringOut& out) {
                    return keep(element_at(as_bytes(v.view()), index), out);
                  }));
  builder.builtin("jsonb_array_element_text(jsonb,int4)",
                  row_kernel<StringRef, StringRef, int32_t>([](const StringRef& v, int32_t index, StringOut& out) {
                    return text_of(element_at(as_bytes(v.view()), index), out);
                  }));
  builder.builtin("jsonb_extract_path(jsonb,_text)", path_kernel<false>);
  builder.builtin("jsonb_extract_path_text(jsonb,_text)", path_kernel<true>);
  builder.builtin("jsonb_contains(jsonb,jsonb)",
                  row_kernel<uint8_t, StringRef, StringRef>([](const StringRef& a, const StringRef& b, uint8_t& out) {
                    out = jsonb_contains(as_bytes(a.view()), as_bytes(b.view()));
                  }));
  builder.builtin("jsonb_contained(jsonb,jsonb)",
                  row_kernel<uint8_t, StringRef, StringRef>([](const StringRef& a, const StringRef& b, uint8_t& out) {
                    out = jsonb_contains(as_bytes(b.view()), as_bytes(a.view()));
                  }));
  builder.builtin("jsonb_exists(jsonb,text)",
                  row_kernel<uint8_t, StringRef, StringRef>([](const StringRef& v, const StringRef& key, uint8_t& out) {
                    out = exists(as_bytes(v.view()), key.view());
                  }));
  builder.builtin("jsonb_exists_any(jsonb,_text)",
                  row_kernel<uint8_t, StringRef, StringRef>([](const StringRef& v, const StringRef& keys, uint8_t& out) {
                    return exists_many<false>(v, keys, out);
                  }));
  builder.builtin("jsonb_exists_all(jsonb,_text)",
                  row_kernel<uint8_t, StringRef, StringRef>([](const StringRef& v, const StringRef& keys, uint8_t& out) {
                    return exists_many<true>(v, keys, out);
                  }));
  builder.builtin("jsonb_typeof(jsonb)", row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    out.keep(type_name(as_bytes(v.view())));
                  }));
  builder.builtin("jsonb_array_length(jsonb)",
                  row_kernel<int32_t, StringRef>([](const StringRef& v, int32_t& out) -> Status {
                    const std::string_view kind = type_name(as_bytes(v.view()));
                    if (kind != "array")
                      return Status(sqlstate::kInvalidParameterValue,
                                    kind == "object" ? "cannot get array length of a non-array"
                                                     : "cannot get array length of a scalar");
                    MsgpackReader reader(as_bytes(v.view()));
                    MsgpackToken token;
                    out = reader.next(token) ? static_cast<int32_t>(token.count) : 0;
                    return Status();
                  }));
  builder.builtin("jsonb_pretty(jsonb)", row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    std::string& buffer = out.buffer();
                    append_jsonb_pretty(as_bytes(v.view()), buffer);
                    out.copy(buffer);
                  }));
}

void register_jsonb(Builder& builder) {
  register_jsonb_access(builder);
  register_jsonb_build(builder);
  register_jsonb_casts(builder);
  register_jsonb_edit(builder);
  register_jsonb_tables(builder);
  register_jsonb_path(builder);
  register_jsonb_set(builder);
  register_json_access(builder);
  register_json_build(builder);
  register_json_tables(builder);
}

}  // namespace eventd::engine
