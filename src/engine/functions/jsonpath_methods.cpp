// .type() .size() .abs() .floor() .ceiling() .double() .datetime() .keyvalue()
#include <cmath>

#include "engine/functions/jsonpath_executor.h"
#include "engine/payload/jsonb_map.h"
#include "engine/payload/msgpack_writer.h"
#include "engine/types/float_text.h"

namespace eventd::engine {
namespace {

constexpr SqlState kNonNumericItem{"22036"}, kSizeNeedsArray{"22039"}, kKeyValueNeedsObject{"2203C"};

const char* method_name(PathKind kind) {
  switch (kind) {
    case PathKind::kSize: return "size";
    case PathKind::kAbs: return "abs";
    case PathKind::kFloor: return "floor";
    case PathKind::kCeiling: return "ceiling";
    case PathKind::kDouble: return "double";
    case PathKind::kDatetime: return "datetime";
    default: return "keyvalue";
  }
}
std::string item_method(PathKind kind) { return std::string("jsonpath item method .") + method_name(kind) + "() "; }

}  // namespace

PathExecutor::Outcome PathExecutor::method(const PathNode& node, const PathItem& item, PathItems* found, bool unwrap) {
  const bool array = item.kind() == PathItemKind::kArray;
  if (node.kind == PathKind::kType) return next(node, PathItem::of_text(path_type_name(item)), found);
  if (node.kind == PathKind::kSize) {
    int64_t size = 1;
    if (array) {
      MsgpackReader reader(item.value);
      MsgpackToken token;
      size = reader.next(token) ? token.count : 0;
    } else if (!path_.lax) {
      if (ignore_structure_) return Outcome::kNothing;
      return fail(kSizeNeedsArray, item_method(node.kind) + "can only be applied to an array");
    }
    Result<PathItem> number = PathItem::of_number(Numeric::from_int64(size));
    if (!number.ok()) return fail(std::move(number).take_status());
    return next(node, *number, found);
  }
  if (unwrap && array) return unwrap_and_step(node, item, found);
  switch (node.kind) {
    case PathKind::kDouble: return to_double(node, item, found);
    case PathKind::kDatetime: return to_datetime(node, item, found);
    case PathKind::kKeyValue: return key_values(node, item, found);
    default: return numeric_method(node, item, found);
  }
}

PathExecutor::Outcome PathExecutor::numeric_method(const PathNode& node, const PathItem& item, PathItems* found) {
  if (item.kind() != PathItemKind::kNumber)
    return fail(kNonNumericItem, item_method(node.kind) + "can only be applied to a numeric value");
  const Numeric value = item.number();
  Result<PathItem> number = PathItem::of_number(node.kind == PathKind::kAbs     ? value.abs()
                                                : node.kind == PathKind::kFloor ? value.floor()
                                                                                : value.ceil());
  if (!number.ok()) return fail(std::move(number).take_status());
  return next(node, *number, found);
}

PathExecutor::Outcome PathExecutor::to_double(const PathNode& node, const PathItem& item, PathItems* found) {
  if (item.kind() == PathItemKind::kNumber) {
    const Result<double> value = parse_float8(item.number().text());
    if (!value.ok() || !std::isfinite(*value))
      return fail(kNonNumericItem, "numeric argument of " + item_method(node.kind) + "is out of range for type double precision");
    return next(node, item, found);
  }
  if (item.kind() != PathItemKind::kString)
    return fail(kNonNumericItem, item_method(node.kind) + "can only be applied to a string or numeric value");
  const Result<double> value = parse_float8(item.text());
  if (!value.ok() || !std::isfinite(*value))
    return fail(kNonNumericItem,
                "string argument of " + item_method(node.kind) + "is not a valid representation of a double precision number");
  Result<PathItem> number = PathItem::of_number(Numeric::from_double(*value));
  if (!number.ok()) return fail(std::move(number).take_status());
  return next(node, *number, found);
}

PathExecutor::Outcome PathExecutor::to_datetime(const PathNode& node, const PathItem& item, PathItems* found) {
  if (node.left != nullptr)
    return raise(Status(sqlstate::kFeatureNotSupported, "a template for jsonpath item method .datetime() is not supported"));
  if (item.kind() != PathItemKind::kString)
    return fail(SqlState{"22031"}, item_method(node.kind) + "can only be applied to a string");
  Result<PathItem> parsed = parse_path_datetime(context_, item.text());
  if (!parsed.ok()) return fail(std::move(parsed).take_status());
  return next(node, *parsed, found);
}

/// {"key", "value", "id"} of every member.
PathExecutor::Outcome PathExecutor::key_values(const PathNode& node, const PathItem& item, PathItems* found) {
  if (item.kind() != PathItemKind::kObject)
    return fail(kKeyValueNeedsObject, item_method(node.kind) + "can only be applied to an object");
  MsgpackReader reader(item.value);
  MsgpackToken token;
  if (!reader.next(token)) return Outcome::kNothing;
  JsonbMapStack map;
  map.push(reader, token.count);
  // Tells the objects of one value apart: the place of the object in it.
  const auto begin = reinterpret_cast<uintptr_t>(root_.value.data()), at = reinterpret_cast<uintptr_t>(item.value.data());
  const bool inside = at >= begin && at < begin + root_.value.size();
  Outcome outcome = Outcome::kNothing;
  for (size_t i = 0; i < map.size(); ++i) {
    if (found == nullptr && node.next == nullptr) return Outcome::kFound;
    std::string bytes;
    MsgpackWriter writer(bytes);
    writer.map_header(3);
    writer.string("id");
    writer.integer(inside ? static_cast<int64_t>(at - begin) : 0);
    writer.string("key");
    writer.string(map[i].key);
    writer.string("value");
    bytes += as_text(map[i].value);
    PathItem pair;
    pair.owner = std::make_shared<const std::string>(std::move(bytes));
    pair.value = as_bytes(*pair.owner);
    outcome = next(node, pair, found);
    if (outcome == Outcome::kFailed || (outcome == Outcome::kFound && found == nullptr)) return outcome;
  }
  return outcome;
}

}  // namespace eventd::engine
