// Changing jsonb at a path: jsonb_set, jsonb_set_lax, jsonb_insert, #-, - text[], jsonb_strip_nulls.
#include <charconv>

#include "bytes.h"
#include "engine/functions/jsonb_functions.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/payload/jsonb_map.h"
#include "engine/payload/msgpack_writer.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;
using Path = std::vector<std::optional<std::string>>;

enum class Change { kReplace, kCreate, kInsertBefore, kInsertAfter, kDelete };
bool adds(Change change) { return change == Change::kCreate || change == Change::kInsertBefore || change == Change::kInsertAfter; }

Status parameter_error(std::string message, std::string hint = {}) {
  Error error{sqlstate::kInvalidParameterValue, std::move(message), {}, {}, {}, 0};
  error.hint = std::move(hint);
  return Status(std::move(error));
}

Result<Path> read_change_path(std::string_view array) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(array));
  if (reader.dimensions().size() > 1) return Status(sqlstate::kArraySubscriptError, "wrong number of array subscripts");
  Path path;
  for (int64_t i = 0; i < reader.element_count(); ++i) {
    const auto element = reader.next();
    path.push_back(element ? std::optional<std::string>(std::string(*element)) : std::nullopt);
  }
  return path;
}

std::string_view slice(const uint8_t* begin, const MsgpackReader& reader) {
  return as_text({begin, static_cast<size_t>(reader.position() - begin)});
}

/// Writes a value with a change at a path. Nesting is bounded by what jsonb allows.
class PathChanger {
 public:
  PathChanger(const Path& path, Change change, std::string_view value) : path_(path), change_(change), value_(value) {}

  Status apply(ByteSpan from, size_t level, std::string& out) {
    MsgpackReader reader(from);
    MsgpackToken token;
    if (!reader.next(token)) token = {};
    if (token.kind == MsgpackKind::kMap || token.kind == MsgpackKind::kArray) {
      if (!path_[level])
        return Status(sqlstate::kNullValueNotAllowed, "path element at position " + std::to_string(level + 1) + " is null");
      return token.kind == MsgpackKind::kMap ? object(reader, token.count, level, out) : array(reader, token.count, level, out);
    }
    out += as_text(from);
    return Status();
  }

 private:
  bool at_last(size_t level) const { return level + 1 == path_.size(); }

  Status object(MsgpackReader& reader, uint32_t count, size_t level, std::string& out) {
    JsonbMapStack map;
    map.push(reader, count);
    std::string items;
    MsgpackWriter writer(items);
    uint32_t kept = 0;
    bool found = false;
    const std::string& key = *path_[level];
    for (size_t i = 0; i < map.size(); ++i) {
      const bool match = map[i].key == key;
      found |= match;
      if (match && at_last(level)) {
        if (change_ == Change::kInsertBefore || change_ == Change::kInsertAfter)
          return parameter_error("cannot replace existing key", "Try using the function jsonb_set to replace key value.");
        if (change_ == Change::kDelete) continue;
        writer.string(map[i].key);
        items += value_;
      } else {
        writer.string(map[i].key);
        if (match) RETURN_IF_ERROR(apply(map[i].value, level + 1, items));
        else items += as_text(map[i].value);
      }
      ++kept;
    }
    if (!found && at_last(level) && adds(change_)) {
      writer.string(key);
      items += value_;
      ++kept;
    }
    MsgpackWriter(out).map_header(kept);
    out += items;
    return Status();
  }

  Status index_of(size_t level, uint32_t count, int64_t& index) const {
    const std::string& text = *path_[level];
    int32_t number = 0;
    const auto [end, error] = std::from_chars(text.data() + (text.starts_with('+') ? 1 : 0), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
      return Status(sqlstate::kInvalidTextRepresentation, "path element at position " + std::to_string(level + 1) +
                                                              " is not an integer: \"" + text + "\"");
    index = number;
    if (index < 0) index += count;
    if (index > count) index = count;
    return Status();
  }

  Status array(MsgpackReader& reader, uint32_t count, size_t level, std::string& out) {
    int64_t index = 0;
    RETURN_IF_ERROR(index_of(level, count, index));
    std::string items;
    uint32_t kept = 0;
    bool done = false;
    const auto add = [&](std::string_view bytes) {
      items += bytes;
      ++kept;
    };
    if ((index < 0 || count == 0) && at_last(level) && adds(change_)) {
      add(value_);
      done = true;
    }
    for (uint32_t i = 0; i < count; ++i) {
      const uint8_t* begin = reader.position();
      if (!reader.skip()) break;
      const std::string_view element = slice(begin, reader);
      if (i != index) {
        add(element);
      } else if (!at_last(level)) {
        done = true;
        RETURN_IF_ERROR(apply(as_bytes(element), level + 1, items));
        ++kept;
      } else {
        done = true;
        if (change_ == Change::kInsertBefore || change_ == Change::kCreate || change_ == Change::kReplace) add(value_);
        if (change_ == Change::kInsertBefore || change_ == Change::kInsertAfter) add(element);
        if (change_ == Change::kInsertAfter) add(value_);
      }
    }
    if (!done && at_last(level) && adds(change_)) add(value_);
    MsgpackWriter(out).array_header(kept);
    out += items;
    return Status();
  }

  const Path& path_;
  const Change change_;
  const std::string_view value_;
};

MsgpackToken head_of(std::string_view value) {
  MsgpackReader reader(as_bytes(value));
  MsgpackToken token;
  if (!reader.next(token)) token = {};
  return token;
}
bool is_container(const MsgpackToken& token) { return token.kind == MsgpackKind::kArray || token.kind == MsgpackKind::kMap; }

Status change_at(std::string_view target, std::string_view path_array, Change change, std::string_view value, std::string& out) {
  ASSIGN_OR_RETURN(const Path path, read_change_path(path_array));
  const MsgpackToken head = head_of(target);
  if (!is_container(head))
    return parameter_error(change == Change::kDelete ? "cannot delete path in scalar" : "cannot set path in scalar");
  const bool untouched = path.empty() || (head.count == 0 && !adds(change));
  if (untouched) {
    out += target;
    return Status();
  }
  if (uint64_t{target.size()} + value.size() > kMaxTextBytes / 2) return fault::kRequestedLength.status();
  return PathChanger(path, change, value).apply(as_bytes(target), 0, out);
}

Status change_row(const StringRef& target, const StringRef& path, Change change, std::string_view value, StringOut& out) {
  std::string& buffer = out.buffer();
  RETURN_IF_ERROR(change_at(target.view(), path.view(), change, value, buffer));
  out.copy(buffer);
  return Status();
}

constexpr const char* kTreatments =
    "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"";

/// What a NULL for the new value means is the last argument's to say.
Status set_lax(const CallFrame& frame, Vector& result) {
  constexpr std::string_view kJsonNull("\xc0", 1);
  std::string buffer;
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    const auto& a = frame.arguments;
    if (a[0].is_null(row) || a[1].is_null(row) || a[3].is_null(row)) {
      out.set_null(row);
      return Status();
    }
    if (a[4].is_null(row)) return parameter_error(kTreatments);
    const std::string_view target = a[0].view<StringRef>()[row].view(), path = a[1].view<StringRef>()[row].view();
    const std::string_view treatment = a[4].view<StringRef>()[row].view();
    Change change = a[3].view<uint8_t>()[row] != 0 ? Change::kCreate : Change::kReplace;
    std::string_view value = kJsonNull;
    if (!a[2].is_null(row)) {
      value = a[2].view<StringRef>()[row].view();
    } else if (treatment == "raise_exception") {
      Error error{sqlstate::kNullValueNotAllowed, "JSON value must not be null", {}, {}, {}, 0};
      error.detail = "Exception was raised because null_value_treatment is \"raise_exception\".";
      error.hint = "To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.";
      return Status(std::move(error));
    } else if (treatment == "delete_key") {
      change = Change::kDelete;
    } else if (treatment == "return_target") {
      out.set_string(row, target);
      return Status();
    } else if (treatment != "use_json_null") {
      return parameter_error(kTreatments);
    }
    buffer.clear();
    RETURN_IF_ERROR(change_at(target, path, change, value, buffer));
    out.set_string(row, buffer);
    return Status();
  });
}

/// Drops keys, or string elements.
Status delete_keys(const StringRef& value, const StringRef& array, StringOut& out) {
  ASSIGN_OR_RETURN(const Path keys, read_change_path(array.view()));
  MsgpackReader reader(as_bytes(value.view()));
  MsgpackToken token;
  if (!reader.next(token)) token = {};
  if (!is_container(token)) return parameter_error("cannot delete from scalar");
  const auto listed = [&](std::string_view key) {
    for (const auto& name : keys)
      if (name && *name == key) return true;
    return false;
  };
  std::string items;
  uint32_t kept = 0;
  std::string& buffer = out.buffer();
  if (token.kind == MsgpackKind::kMap) {
    JsonbMapStack map;
    map.push(reader, token.count);
    for (size_t i = 0; i < map.size(); ++i) {
      if (listed(map[i].key)) continue;
      MsgpackWriter(items).string(map[i].key);
      items += as_text(map[i].value);
      ++kept;
    }
    MsgpackWriter(buffer).map_header(kept);
  } else {
    for (uint32_t i = 0; i < token.count; ++i) {
      const uint8_t* begin = reader.position();
      if (!reader.skip()) break;
      const std::string_view element = slice(begin, reader);
      const MsgpackToken item = head_of(element);
      if (item.kind == MsgpackKind::kString && listed(item.text())) continue;
      items += element;
      ++kept;
    }
    MsgpackWriter(buffer).array_header(kept);
  }
  buffer += items;
  out.copy(buffer);
  return Status();
}

/// Members that are null go, at every depth; elements stay.
void strip_nulls(ByteSpan value, std::string& out) {
  MsgpackReader reader(value);
  MsgpackToken token;
  if (!reader.next(token) || !is_container(token)) {
    out += as_text(value);
    return;
  }
  if (token.kind == MsgpackKind::kArray) {
    MsgpackWriter(out).array_header(token.count);
    for (uint32_t i = 0; i < token.count; ++i) {
      const uint8_t* begin = reader.position();
      if (!reader.skip()) break;
      strip_nulls(as_bytes(slice(begin, reader)), out);
    }
    return;
  }
  JsonbMapStack map;
  map.push(reader, token.count);
  std::string items;
  uint32_t kept = 0;
  for (size_t i = 0; i < map.size(); ++i) {
    if (head_of(as_text(map[i].value)).kind == MsgpackKind::kNil) continue;
    MsgpackWriter(items).string(map[i].key);
    strip_nulls(map[i].value, items);
    ++kept;
  }
  MsgpackWriter(out).map_header(kept);
  out += items;
}

}  // namespace

void register_jsonb_set(Builder& builder) {
  builder.builtin("jsonb_set(jsonb,_text,jsonb,bool)",
                  row_kernel<StringRef, StringRef, StringRef, StringRef, uint8_t>(
                      [](const StringRef& target, const StringRef& path, const StringRef& value, uint8_t create, StringOut& out) {
                        return change_row(target, path, create != 0 ? Change::kCreate : Change::kReplace, value.view(), out);
                      }));
  builder.builtin("jsonb_set_lax(jsonb,_text,jsonb,bool,text)", set_lax);
  builder.builtin("jsonb_insert(jsonb,_text,jsonb,bool)",
                  row_kernel<StringRef, StringRef, StringRef, StringRef, uint8_t>(
                      [](const StringRef& target, const StringRef& path, const StringRef& value, uint8_t after, StringOut& out) {
                        return change_row(target, path, after != 0 ? Change::kInsertAfter : Change::kInsertBefore, value.view(), out);
                      }));
  builder.builtin("jsonb_delete_path(jsonb,_text)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& target, const StringRef& path, StringOut& out) {
                    return change_row(target, path, Change::kDelete, {}, out);
                  }));
  builder.builtin("jsonb_delete(jsonb,_text)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& value, const StringRef& keys, StringOut& out) {
                    return delete_keys(value, keys, out);
                  }));
  builder.builtin("jsonb_strip_nulls(jsonb)", row_kernel<StringRef, StringRef>([](const StringRef& value, StringOut& out) {
                    std::string& buffer = out.buffer();
                    strip_nulls(as_bytes(value.view()), buffer);
                    out.copy(buffer);
                  }));
}

}  // namespace eventd::engine
