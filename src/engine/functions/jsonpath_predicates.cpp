// Conditions of jsonpath filters: three-valued.
#include "engine/functions/jsonpath_executor.h"
#include "engine/functions/text_helpers.h"

namespace eventd::engine {
namespace {

/// Order of UTF-16 code units, as SQL/JSON has it: characters above U+FFFF come before U+E000.
int compare_strings(std::string_view a, std::string_view b) {
  const size_t shared = std::min(a.size(), b.size());
  for (size_t i = 0; i < shared; ++i) {
    const auto x = static_cast<uint8_t>(a[i]), y = static_cast<uint8_t>(b[i]);
    if (x == y) continue;
    const auto rank = [](uint8_t byte) { return byte >= 0xf0 ? 0xed'80 : byte == 0xee || byte == 0xef ? 0xee'00 + byte : byte << 8; };
    return rank(x) < rank(y) ? -1 : rank(x) > rank(y) ? 1 : x < y ? -1 : 1;
  }
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

bool order_holds(PathKind kind, int order) {
  switch (kind) {
    case PathKind::kEqual: return order == 0;
    case PathKind::kNotEqual: return order != 0;
    case PathKind::kLess: return order < 0;
    case PathKind::kLessEqual: return order <= 0;
    case PathKind::kGreater: return order > 0;
    default: return order >= 0;
  }
}

}  // namespace

PathExecutor::Truth PathExecutor::compare(PathKind kind, const PathItem& a, const PathItem& b) {
  const PathItemKind left = a.kind(), right = b.kind();
  if (left != right) {
    // null is unequal to everything else, and only that.
    if (left == PathItemKind::kNull || right == PathItemKind::kNull)
      return kind == PathKind::kNotEqual ? Truth::kTrue : Truth::kFalse;
    return Truth::kUnknown;
  }
  int order = 0;
  switch (left) {
    case PathItemKind::kNull: break;
    case PathItemKind::kBool: order = int{a.boolean()} - int{b.boolean()}; break;
    case PathItemKind::kNumber: {
      const auto numbers = a.number() <=> b.number();
      order = numbers < 0 ? -1 : numbers > 0 ? 1 : 0;
      break;
    }
    case PathItemKind::kString: order = compare_strings(a.text(), b.text()); break;
    case PathItemKind::kDatetime: {
      Result<int> times = compare_path_datetimes(context_, *a.datetime, *b.datetime, options_.use_zone);
      if (!times.ok()) {
        raise(std::move(times).take_status());
        return Truth::kUnknown;
      }
      if (*times == kIncomparable) return Truth::kUnknown;
      order = *times;
      break;
    }
    default: return Truth::kUnknown;
  }
  return order_holds(kind, order) ? Truth::kTrue : Truth::kFalse;
}

/// True if the test order_holds for a pair; errors and unknown pairs make it unknown.
template <class Test>
PathExecutor::Truth PathExecutor::any_pair(const PathNode& node, const PathItem& item, bool unwrap_right, const Test& test) {
  PathItems left, right;
  if (quiet_operand(*node.left, item, true, &left) == Outcome::kFailed) return Truth::kUnknown;
  if (node.right != nullptr) {
    if (quiet_operand(*node.right, item, unwrap_right, &right) == Outcome::kFailed) return Truth::kUnknown;
  } else {
    right.resize(1);
  }
  bool found = false, unknown = false;
  for (const PathItem& a : left) {
    for (const PathItem& b : right) {
      if ((++steps_ & 1023) == 0 && context_.cancel != nullptr) {
        Status cancelled = context_.cancel->check();
        if (!cancelled.ok()) raise(std::move(cancelled));
      }
      const Truth result = test(a, b);
      if (!error_.ok()) return Truth::kUnknown;
      if (result == Truth::kUnknown) {
        if (!path_.lax) return Truth::kUnknown;
        unknown = true;
      } else if (result == Truth::kTrue) {
        if (path_.lax) return Truth::kTrue;
        found = true;
      }
    }
  }
  return found ? Truth::kTrue : unknown ? Truth::kUnknown : Truth::kFalse;
}

PathExecutor::Truth PathExecutor::exists_truth(const PathNode& node, const PathItem& item) {
  if (path_.lax) {
    const Outcome outcome = quiet_operand(*node.left, item, false, nullptr);
    return outcome == Outcome::kFailed ? Truth::kUnknown : outcome == Outcome::kFound ? Truth::kTrue : Truth::kFalse;
  }
  PathItems found;
  if (quiet_operand(*node.left, item, false, &found) == Outcome::kFailed) return Truth::kUnknown;
  return found.empty() ? Truth::kFalse : Truth::kTrue;
}

PathExecutor::Truth PathExecutor::truth(const PathNode& node, const PathItem& item) {
  switch (node.kind) {
    case PathKind::kAnd: {
      const Truth left = truth(*node.left, item);
      if (left == Truth::kFalse) return left;
      const Truth right = truth(*node.right, item);
      return right == Truth::kTrue ? left : right;
    }
    case PathKind::kOr: {
      const Truth left = truth(*node.left, item);
      if (left == Truth::kTrue) return left;
      const Truth right = truth(*node.right, item);
      return right == Truth::kFalse ? left : right;
    }
    case PathKind::kNot: {
      const Truth inner = truth(*node.left, item);
      return inner == Truth::kUnknown ? inner : inner == Truth::kTrue ? Truth::kFalse : Truth::kTrue;
    }
    case PathKind::kIsUnknown: return truth(*node.left, item) == Truth::kUnknown ? Truth::kTrue : Truth::kFalse;
    case PathKind::kExists: return exists_truth(node, item);
    case PathKind::kStartsWith:
      return any_pair(node, item, false, [](const PathItem& whole, const PathItem& initial) {
        if (whole.kind() != PathItemKind::kString || initial.kind() != PathItemKind::kString) return Truth::kUnknown;
        return whole.text().starts_with(initial.text()) ? Truth::kTrue : Truth::kFalse;
      });
    case PathKind::kLikeRegex:
      return any_pair(node, item, false, [&](const PathItem& text, const PathItem&) {
        if (text.kind() != PathItemKind::kString) return Truth::kUnknown;
        return node.regex->matches(text.text()) ? Truth::kTrue : Truth::kFalse;
      });
    default:
      return any_pair(node, item, true,
                      [&](const PathItem& a, const PathItem& b) { return compare(node.kind, a, b); });
  }
}

}  // namespace eventd::engine
