#include "engine/functions/jsonpath_executor.h"

#include "engine/functions/row_guard.h"
#include "engine/payload/jsonb_map.h"
#include "engine/payload/msgpack_path.h"
#include "interrupt.h"

namespace eventd::engine {
namespace {

constexpr SqlState kInvalidSubscript{"22033"}, kNumberNotFound{"2203B"}, kSingletonRequired{"22038"},
    kArrayNotFound{"22039"}, kMemberNotFound{"2203A"}, kObjectNotFound{"2203C"};
/// Nested steps and levels of `**`: what a stack of 1 MB holds, and more than jsonb can be nested.
constexpr int kPathDepthMax = 300;

ByteSpan span_from(const uint8_t* begin, const MsgpackReader& reader) {
  return {begin, static_cast<size_t>(reader.position() - begin)};
}

/// How many items may be held at once: as many as the values of an expression may take.
size_t items_max(const EvalContext& context) { return context.value_bytes_limit / sizeof(PathItem); }

/// The values of an array or object in jsonb's order. Errors: values_too_large(), interruption.
Result<PathItems> children_of(const PathItem& item, const EvalContext& context) {
  PathItems children;
  MsgpackReader reader(item.value);
  MsgpackToken token;
  if (item.datetime != nullptr || !reader.next(token)) return children;
  if (token.count > items_max(context)) return values_too_large(context);
  InterruptPacer pacer;
  const auto add = [&](ByteSpan value) {
    PathItem child;
    child.value = value;
    child.owner = item.owner;
    children.push_back(std::move(child));
  };
  if (token.kind == MsgpackKind::kArray) {
    for (uint32_t i = 0; i < token.count; ++i) {
      if (pacer.step(20)) return check_interrupt();
      const uint8_t* begin = reader.position();
      if (!reader.skip()) break;
      add(span_from(begin, reader));
    }
  } else if (token.kind == MsgpackKind::kMap) {
    JsonbMapStack map;
    map.push(reader, token.count);
    for (size_t i = 0; i < map.size(); ++i) add(map[i].value);
  }
  return children;
}

}  // namespace

PathExecutor::PathExecutor(const EvalContext& context, const JsonPath& path, ByteSpan target, PathOptions options)
    : context_(context),
      path_(path),
      options_(options),
      root_{target, nullptr, nullptr},
      current_(root_),
      throws_(!options.silent),
      ignore_structure_(path.lax) {}

PathExecutor::Outcome PathExecutor::fail(SqlState code, std::string message) {
  if (throws_ && error_.ok()) error_ = Status(code, std::move(message));
  return Outcome::kFailed;
}
PathExecutor::Outcome PathExecutor::fail(Status status) {
  if (throws_ && error_.ok()) error_ = std::move(status);
  return Outcome::kFailed;
}
PathExecutor::Outcome PathExecutor::raise(Status status) {
  if (error_.ok()) error_ = std::move(status);
  return Outcome::kFailed;
}

Status PathExecutor::query(PathItems& found) {
  step(*path_.root, root_, &found);
  return std::move(error_);
}

Result<std::optional<bool>> PathExecutor::exists() {
  Outcome outcome = Outcome::kNothing;
  if (path_.lax) {
    outcome = step(*path_.root, root_, nullptr);
  } else {
    // Strict mode wants to know that nothing fails.
    PathItems found;
    outcome = step(*path_.root, root_, &found);
    if (outcome != Outcome::kFailed) outcome = found.empty() ? Outcome::kNothing : Outcome::kFound;
  }
  if (!error_.ok()) return std::move(error_);
  if (outcome == Outcome::kFailed) return std::optional<bool>();
  return std::optional<bool>(outcome == Outcome::kFound);
}

PathExecutor::Outcome PathExecutor::next(const PathNode& node, const PathItem& item, PathItems* found) {
  if (node.next != nullptr) return step(*node.next, item, found);
  if (found != nullptr) return keep(item, *found);
  return Outcome::kFound;
}

PathExecutor::Outcome PathExecutor::keep(const PathItem& item, PathItems& found) {
  if (found.size() >= items_max(context_)) return raise(values_too_large(context_));
  found.push_back(item);
  return Outcome::kFound;
}

PathExecutor::Outcome PathExecutor::step(const PathNode& node, const PathItem& item, PathItems* found, bool unwrap) {
  if (!error_.ok()) return Outcome::kFailed;
  if ((++steps_ & 1023) == 0 && context_.cancel != nullptr) {
    Status cancelled = context_.cancel->check();
    if (!cancelled.ok()) return raise(std::move(cancelled));
  }
  if (depth_ >= kPathDepthMax)
    return raise(Status(sqlstate::kStatementTooComplex, "stack depth limit exceeded"));
  ++depth_;
  const auto run = [&]() -> Outcome {
    switch (node.kind) {
      case PathKind::kNull:
      case PathKind::kBool:
      case PathKind::kNumber:
      case PathKind::kString:
      case PathKind::kVariable:
      case PathKind::kLast: return literal(node, found);
      case PathKind::kRoot: return next(node, root_, found);
      case PathKind::kCurrent: return next(node, current_, found);
      case PathKind::kKey: return member(node, item, found, unwrap);
      case PathKind::kAnyKey: return every_member(node, item, found, unwrap);
      case PathKind::kAnyArray: return every_element(node, item, found);
      case PathKind::kIndexes: return subscripts(node, item, found);
      case PathKind::kAnyPath: return any_level(node, item, found);
      case PathKind::kFilter: return filter(node, item, found, unwrap);
      case PathKind::kAdd:
      case PathKind::kSubtract:
      case PathKind::kMultiply:
      case PathKind::kDivide:
      case PathKind::kModulo: return arithmetic(node, item, found);
      case PathKind::kPlus:
      case PathKind::kMinus: return sign(node, item, found);
      case PathKind::kType:
      case PathKind::kSize:
      case PathKind::kAbs:
      case PathKind::kFloor:
      case PathKind::kCeiling:
      case PathKind::kDouble:
      case PathKind::kDatetime:
      case PathKind::kKeyValue: return method(node, item, found, unwrap);
      default: {
        const Truth result = truth(node, item);
        if (!error_.ok()) return Outcome::kFailed;
        if (node.next == nullptr && found == nullptr) return Outcome::kFound;
        return next(node, result == Truth::kUnknown ? PathItem::null() : PathItem::of_bool(result == Truth::kTrue), found);
      }
    }
  };
  const Outcome outcome = run();
  --depth_;
  return outcome;
}

PathExecutor::Outcome PathExecutor::literal(const PathNode& node, PathItems* found) {
  PathItem item;
  switch (node.kind) {
    case PathKind::kNull: item = PathItem::null(); break;
    case PathKind::kBool: item = PathItem::of_bool(node.boolean); break;
    case PathKind::kString: item = PathItem::of_text(node.text); break;
    case PathKind::kVariable: {
      const std::optional<ByteSpan> value = find_key(options_.variables, node.text);
      if (!value)
        return raise(Status(sqlstate::kUndefinedObject, "could not find jsonpath variable \"" + node.text + "\""));
      item.value = *value;
      break;
    }
    default: {
      Result<PathItem> number = PathItem::of_number(node.kind == PathKind::kLast ? Numeric::from_int64(array_size_ - 1) : node.number);
      if (!number.ok()) return raise(std::move(number).take_status());
      item = std::move(number).value();
    }
  }
  return next(node, item, found);
}

PathExecutor::Outcome PathExecutor::member(const PathNode& node, const PathItem& item, PathItems* found, bool unwrap) {
  const PathItemKind kind = item.kind();
  if (kind == PathItemKind::kObject) {
    if (const std::optional<ByteSpan> value = find_key(item.value, node.text)) {
      PathItem child;
      child.value = *value;
      child.owner = item.owner;
      return next(node, child, found);
    }
    if (ignore_structure_) return Outcome::kNothing;
    return fail(kMemberNotFound, "JSON object does not contain key \"" + node.text + "\"");
  }
  if (unwrap && kind == PathItemKind::kArray) return unwrap_and_step(node, item, found);
  if (ignore_structure_) return Outcome::kNothing;
  return fail(kMemberNotFound, "jsonpath member accessor can only be applied to an object");
}

PathExecutor::Outcome PathExecutor::every_member(const PathNode& node, const PathItem& item, PathItems* found, bool unwrap) {
  const PathItemKind kind = item.kind();
  if (kind == PathItemKind::kObject) return walk(node.next.get(), item, found, 1, 1, 1, false, path_.lax);
  if (unwrap && kind == PathItemKind::kArray) return unwrap_and_step(node, item, found);
  if (ignore_structure_) return Outcome::kNothing;
  return fail(kObjectNotFound, "jsonpath wildcard member accessor can only be applied to an object");
}

PathExecutor::Outcome PathExecutor::every_element(const PathNode& node, const PathItem& item, PathItems* found) {
  if (item.kind() == PathItemKind::kArray) return walk(node.next.get(), item, found, 1, 1, 1, false, path_.lax);
  if (path_.lax) return next(node, item, found);
  if (ignore_structure_) return Outcome::kNothing;
  return fail(kArrayNotFound, "jsonpath wildcard array accessor can only be applied to an array");
}

PathExecutor::Outcome PathExecutor::index(const PathNode& node, const PathItem& item, int64_t& out) {
  PathItems values;
  if (step(node, item, &values) == Outcome::kFailed) return Outcome::kFailed;
  if (values.size() != 1 || values[0].kind() != PathItemKind::kNumber)
    return fail(kInvalidSubscript, "jsonpath array subscript is not a single numeric value");
  const Result<int32_t> number = values[0].number().truncate(0).to_int32();
  if (!number.ok()) return fail(kInvalidSubscript, "jsonpath array subscript is out of integer range");
  out = *number;
  return Outcome::kFound;
}

PathExecutor::Outcome PathExecutor::subscripts(const PathNode& node, const PathItem& item, PathItems* found) {
  const bool array = item.kind() == PathItemKind::kArray;
  if (!array && !path_.lax) {
    return fail(kArrayNotFound, "jsonpath array accessor can only be applied to an array");
  }
  Result<PathItems> children = array ? children_of(item, context_) : Result<PathItems>(PathItems{item});
  if (!children.ok()) return raise(Status(children.error()));
  const PathItems elements = std::move(*children);
  const auto size = static_cast<int64_t>(elements.size());
  const int64_t outer = array_size_;
  array_size_ = size;
  Outcome outcome = Outcome::kNothing;
  for (const auto& [from_node, to_node] : node.subscripts) {
    int64_t from = 0;
    outcome = index(*from_node, item, from);
    if (outcome == Outcome::kFailed) break;
    int64_t to = from;
    if (to_node != nullptr) outcome = index(*to_node, item, to);
    if (outcome == Outcome::kFailed) break;
    if (!ignore_structure_ && (from < 0 || from > to || to >= size)) {
      outcome = fail(kInvalidSubscript, "jsonpath array subscript is out of bounds");
      break;
    }
    from = std::max<int64_t>(from, 0);
    to = std::min(to, size - 1);
    outcome = Outcome::kNothing;
    for (int64_t i = from; i <= to; ++i) {
      outcome = next(node, elements[static_cast<size_t>(i)], found);
      if (outcome == Outcome::kFailed || (outcome == Outcome::kFound && found == nullptr)) break;
    }
    if (outcome == Outcome::kFailed || (outcome == Outcome::kFound && found == nullptr)) break;
  }
  array_size_ = outer;
  return outcome;
}

PathExecutor::Outcome PathExecutor::any_level(const PathNode& node, const PathItem& item, PathItems* found) {
  Outcome outcome = Outcome::kNothing;
  if (node.first == 0) {
    const bool outer = ignore_structure_;
    ignore_structure_ = true;
    outcome = next(node, item, found);
    ignore_structure_ = outer;
    if (outcome == Outcome::kFailed || (outcome == Outcome::kFound && found == nullptr)) return outcome;
  }
  if (!item.is_container()) return outcome;
  return walk(node.next.get(), item, found, 1, node.first, node.last, true, path_.lax);
}

PathExecutor::Outcome PathExecutor::filter(const PathNode& node, const PathItem& item, PathItems* found, bool unwrap) {
  if (unwrap && item.kind() == PathItemKind::kArray) return unwrap_and_step(node, item, found);
  const PathItem outer = current_;
  current_ = item;
  const Truth passes = truth(*node.left, item);
  current_ = outer;
  if (!error_.ok()) return Outcome::kFailed;
  return passes == Truth::kTrue ? next(node, item, found) : Outcome::kNothing;
}

/// What lies in an array or object, down to `last` levels.
PathExecutor::Outcome PathExecutor::walk(const PathNode* following, const PathItem& item, PathItems* found, uint32_t level,
                                         uint32_t first, uint32_t last, bool ignore_structure, bool unwrap_next) {
  if (level > last) return Outcome::kNothing;
  if (depth_ >= kPathDepthMax) return raise(Status(sqlstate::kStatementTooComplex, "stack depth limit exceeded"));
  const Result<PathItems> children = children_of(item, context_);
  if (!children.ok()) return raise(Status(children.error()));
  ++depth_;
  Outcome outcome = Outcome::kNothing;
  const auto done = [&] { return outcome == Outcome::kFailed || (outcome == Outcome::kFound && found == nullptr); };
  for (const PathItem& child : *children) {
    const bool container = child.is_container();
    const bool leaves_only = first == kPathLastLevel && last == kPathLastLevel;
    if (level >= first || (leaves_only && !container)) {
      if (following != nullptr) {
        const bool outer = ignore_structure_;
        if (ignore_structure) ignore_structure_ = true;
        outcome = step(*following, child, found, unwrap_next);
        ignore_structure_ = outer;
      } else {
        outcome = found != nullptr ? keep(child, *found) : Outcome::kFound;
      }
      if (done()) break;
    }
    if (level < last && container) {
      outcome = walk(following, child, found, level + 1, first, last, ignore_structure, unwrap_next);
      if (done()) break;
    }
  }
  --depth_;
  return outcome;
}

PathExecutor::Outcome PathExecutor::operand(const PathNode& node, const PathItem& item, bool unwrap, PathItems* found) {
  if (!unwrap || !path_.lax) return step(node, item, found);
  PathItems values;
  const Outcome outcome = step(node, item, &values);
  if (outcome == Outcome::kFailed) return outcome;
  for (const PathItem& value : values) {
    PathItems elements{value};
    if (value.kind() == PathItemKind::kArray) {
      Result<PathItems> children = children_of(value, context_);
      if (!children.ok()) return raise(Status(children.error()));
      elements = std::move(*children);
    }
    for (const PathItem& element : elements) {
      if (keep(element, *found) == Outcome::kFailed) return Outcome::kFailed;
    }
  }
  return Outcome::kFound;
}

PathExecutor::Outcome PathExecutor::quiet_operand(const PathNode& node, const PathItem& item, bool unwrap, PathItems* found) {
  const bool outer = throws_;
  throws_ = false;
  const Outcome outcome = operand(node, item, unwrap, found);
  throws_ = outer;
  return outcome;
}

PathExecutor::Outcome PathExecutor::arithmetic(const PathNode& node, const PathItem& item, PathItems* found) {
  static constexpr const char* kSigns[] = {"+", "-", "*", "/", "%"};
  const char* const name = kSigns[static_cast<int>(node.kind) - static_cast<int>(PathKind::kAdd)];
  PathItems left, right;
  if (operand(*node.left, item, true, &left) == Outcome::kFailed) return Outcome::kFailed;
  if (operand(*node.right, item, true, &right) == Outcome::kFailed) return Outcome::kFailed;
  if (left.size() != 1 || left[0].kind() != PathItemKind::kNumber)
    return fail(kSingletonRequired, std::string("left operand of jsonpath operator ") + name + " is not a single numeric value");
  if (right.size() != 1 || right[0].kind() != PathItemKind::kNumber)
    return fail(kSingletonRequired, std::string("right operand of jsonpath operator ") + name + " is not a single numeric value");
  const Numeric a = left[0].number(), b = right[0].number();
  Result<Numeric> value = node.kind == PathKind::kAdd        ? a.add(b)
                          : node.kind == PathKind::kSubtract ? a.subtract(b)
                          : node.kind == PathKind::kMultiply ? a.multiply(b)
                          : node.kind == PathKind::kDivide   ? a.divide(b)
                                                             : a.modulo(b);
  if (!value.ok()) return fail(std::move(value).take_status());
  if (node.next == nullptr && found == nullptr) return Outcome::kFound;
  Result<PathItem> number = PathItem::of_number(*value);
  if (!number.ok()) return fail(std::move(number).take_status());
  return next(node, *number, found);
}

PathExecutor::Outcome PathExecutor::sign(const PathNode& node, const PathItem& item, PathItems* found) {
  PathItems values;
  if (operand(*node.left, item, true, &values) == Outcome::kFailed) return Outcome::kFailed;
  const bool only_asked = found == nullptr && node.next == nullptr;
  Outcome outcome = Outcome::kNothing;
  for (const PathItem& value : values) {
    if (value.kind() != PathItemKind::kNumber) {
      if (only_asked) continue;
      return fail(kNumberNotFound, std::string("operand of unary jsonpath operator ") +
                                       (node.kind == PathKind::kMinus ? "-" : "+") + " is not a numeric value");
    }
    if (only_asked) return Outcome::kFound;
    Result<PathItem> number = PathItem::of_number(node.kind == PathKind::kMinus ? -value.number() : value.number());
    if (!number.ok()) return fail(std::move(number).take_status());
    const Outcome one = next(node, *number, found);
    if (one == Outcome::kFailed) return one;
    if (one == Outcome::kFound) {
      if (found == nullptr) return one;
      outcome = one;
    }
  }
  return outcome;
}

}  // namespace eventd::engine
