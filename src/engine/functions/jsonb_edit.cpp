// Changing jsonb: || and -.
#include "bytes.h"
#include "engine/functions/jsonb_functions.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/payload/jsonb_map.h"
#include "engine/payload/msgpack_writer.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

MsgpackToken head(MsgpackReader& reader) {
  MsgpackToken token;
  if (!reader.next(token)) token = {};
  return token;
}

bool is_scalar(const MsgpackToken& token) {
  return token.kind != MsgpackKind::kArray && token.kind != MsgpackKind::kMap;
}

std::string_view rest_of(const MsgpackReader& reader, std::string_view value) {
  return value.substr(static_cast<size_t>(reader.position() - as_bytes(value).data()));
}

// The items of `value` as they go into an array: its own, or the value itself.
void append_items(const MsgpackToken& token, const MsgpackReader& reader, std::string_view value, std::string& out) {
  out += token.kind == MsgpackKind::kArray ? rest_of(reader, value) : value;
}

Status concatenate(const StringRef& a, const StringRef& b, StringOut& out) {
  MsgpackReader reader_a(as_bytes(a.view())), reader_b(as_bytes(b.view()));
  const MsgpackToken left = head(reader_a), right = head(reader_b);
  std::string& buffer = out.buffer();
  MsgpackWriter writer(buffer);
  if (uint64_t{a.size} + b.size > kMaxTextBytes) return fault::kRequestedLength.status();
  if (left.kind == MsgpackKind::kMap && right.kind == MsgpackKind::kMap) {
    // Duplicates are fine: the last one is the value.
    writer.map_header(left.count + right.count);
    buffer += rest_of(reader_a, a.view());
    buffer += rest_of(reader_b, b.view());
  } else {
    const uint32_t count_a = left.kind == MsgpackKind::kArray ? left.count : 1;
    const uint32_t count_b = right.kind == MsgpackKind::kArray ? right.count : 1;
    writer.array_header(count_a + count_b);
    append_items(left, reader_a, a.view(), buffer);
    append_items(right, reader_b, b.view(), buffer);
  }
  out.copy(buffer);
  return Status();
}

Status delete_key(const StringRef& value, const StringRef& key, StringOut& out) {
  MsgpackReader reader(as_bytes(value.view()));
  const MsgpackToken token = head(reader);
  if (is_scalar(token)) return Status(sqlstate::kInvalidParameterValue, "cannot delete from scalar");
  std::string& buffer = out.buffer();
  std::string items;
  uint32_t kept = 0;
  if (token.kind == MsgpackKind::kMap) {
    JsonbMapStack map;
    map.push(reader, token.count);
    MsgpackWriter writer(items);
    for (size_t i = 0; i < map.size(); ++i) {
      if (map[i].key == key.view()) continue;
      writer.string(map[i].key);
      items += as_text(map[i].value);
      ++kept;
    }
    MsgpackWriter(buffer).map_header(kept);
  } else {
    for (uint32_t i = 0; i < token.count; ++i) {
      const uint8_t* start = reader.position();
      MsgpackReader element = reader;
      MsgpackToken item;
      const bool match = element.next(item) && item.kind == MsgpackKind::kString && item.text() == key.view();
      if (!reader.skip()) break;
      if (match) continue;
      items += as_text({start, static_cast<size_t>(reader.position() - start)});
      ++kept;
    }
    MsgpackWriter(buffer).array_header(kept);
  }
  buffer += items;
  out.copy(buffer);
  return Status();
}

Status delete_index(const StringRef& value, int32_t index, StringOut& out) {
  MsgpackReader reader(as_bytes(value.view()));
  const MsgpackToken token = head(reader);
  if (is_scalar(token)) return Status(sqlstate::kInvalidParameterValue, "cannot delete from scalar");
  if (token.kind == MsgpackKind::kMap)
    return Status(sqlstate::kInvalidParameterValue, "cannot delete from object using integer index");
  const int64_t wanted = index < 0 ? int64_t{index} + token.count : index;
  if (wanted < 0 || wanted >= token.count) {
    out.keep(value.view());
    return Status();
  }
  std::string& buffer = out.buffer();
  MsgpackWriter(buffer).array_header(token.count - 1);
  for (uint32_t i = 0; i < token.count; ++i) {
    const uint8_t* start = reader.position();
    if (!reader.skip()) break;
    if (i != wanted) buffer += as_text({start, static_cast<size_t>(reader.position() - start)});
  }
  out.copy(buffer);
  return Status();
}

}  // namespace

void register_jsonb_edit(Builder& builder) {
  builder.builtin("jsonb_concat(jsonb,jsonb)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& a, const StringRef& b, StringOut& out) {
                    return concatenate(a, b, out);
                  }));
  builder.builtin("jsonb_delete(jsonb,text)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& v, const StringRef& key, StringOut& out) {
                    return delete_key(v, key, out);
                  }));
  builder.builtin("jsonb_delete(jsonb,int4)",
                  row_kernel<StringRef, StringRef, int32_t>([](const StringRef& v, int32_t index, StringOut& out) {
                    return delete_index(v, index, out);
                  }));
}

}  // namespace eventd::engine
