#include "engine/functions/jsonpath.h"
#include "engine/payload/jsonb_text.h"

namespace eventd::engine {
namespace {

int priority(PathKind kind) {
  switch (kind) {
    case PathKind::kOr: return 0;
    case PathKind::kAnd: return 1;
    case PathKind::kEqual:
    case PathKind::kNotEqual:
    case PathKind::kLess:
    case PathKind::kLessEqual:
    case PathKind::kGreater:
    case PathKind::kGreaterEqual:
    case PathKind::kStartsWith: return 2;
    case PathKind::kAdd:
    case PathKind::kSubtract: return 3;
    case PathKind::kMultiply:
    case PathKind::kDivide:
    case PathKind::kModulo: return 4;
    case PathKind::kPlus:
    case PathKind::kMinus: return 5;
    default: return 6;
  }
}

const char* operator_text(PathKind kind) {
  switch (kind) {
    case PathKind::kOr: return "||";
    case PathKind::kAnd: return "&&";
    case PathKind::kEqual: return "==";
    case PathKind::kNotEqual: return "!=";
    case PathKind::kLess: return "<";
    case PathKind::kLessEqual: return "<=";
    case PathKind::kGreater: return ">";
    case PathKind::kGreaterEqual: return ">=";
    case PathKind::kStartsWith: return "starts with";
    case PathKind::kAdd:
    case PathKind::kPlus: return "+";
    case PathKind::kSubtract:
    case PathKind::kMinus: return "-";
    case PathKind::kMultiply: return "*";
    case PathKind::kDivide: return "/";
    case PathKind::kModulo: return "%";
    case PathKind::kType: return "type";
    case PathKind::kSize: return "size";
    case PathKind::kAbs: return "abs";
    case PathKind::kFloor: return "floor";
    case PathKind::kCeiling: return "ceiling";
    case PathKind::kDouble: return "double";
    case PathKind::kDatetime: return "datetime";
    case PathKind::kKeyValue: return "keyvalue";
    default: return "";
  }
}

class PathPrinter {
 public:
  explicit PathPrinter(std::string& out) : out_(out) {}

  void print(const PathNode& node, bool after_step, bool brackets) {
    step(node, after_step, brackets);
    for (const PathNode* next = node.next.get(); next != nullptr; next = next->next.get()) step(*next, true, true);
  }

 private:
  void child(const PathNode& parent, const PathNode& node) {
    print(node, false, priority(node.kind) <= priority(parent.kind));
  }
  static std::string level(uint32_t value) { return value == kPathLastLevel ? "last" : std::to_string(value); }

  void any_path(const PathNode& node, bool after_step) {
    if (after_step) out_ += '.';
    out_ += "**";
    if (node.first == 0 && node.last == kPathLastLevel) return;
    out_ += "{" + level(node.first);
    if (node.first != node.last) out_ += " to " + level(node.last);
    out_ += '}';
  }

  void step(const PathNode& node, bool after_step, bool brackets) {
    switch (node.kind) {
      case PathKind::kNull: out_ += "null"; break;
      case PathKind::kBool: out_ += node.boolean ? "true" : "false"; break;
      case PathKind::kNumber: node.number.append_text(out_); break;
      case PathKind::kVariable: out_ += '$'; [[fallthrough]];
      case PathKind::kString: append_json_string(node.text, out_); break;
      case PathKind::kRoot: out_ += '$'; break;
      case PathKind::kCurrent: out_ += '@'; break;
      case PathKind::kLast: out_ += "last"; break;
      case PathKind::kKey:
        if (after_step) out_ += '.';
        append_json_string(node.text, out_);
        break;
      case PathKind::kAnyKey: out_ += after_step ? ".*" : "*"; break;
      case PathKind::kAnyArray: out_ += "[*]"; break;
      case PathKind::kIndexes: indexes(node); break;
      case PathKind::kAnyPath: any_path(node, after_step); break;
      case PathKind::kFilter:
        out_ += "?(";
        print(*node.left, false, false);
        out_ += ')';
        break;
      case PathKind::kNot:
        out_ += "!(";
        print(*node.left, false, false);
        out_ += ')';
        break;
      case PathKind::kIsUnknown:
        out_ += '(';
        print(*node.left, false, false);
        out_ += ") is unknown";
        break;
      case PathKind::kExists:
        out_ += "exists (";
        print(*node.left, false, false);
        out_ += ')';
        break;
      case PathKind::kLikeRegex: like_regex(node, brackets); break;
      case PathKind::kPlus:
      case PathKind::kMinus:
        if (brackets) out_ += '(';
        out_ += operator_text(node.kind);
        child(node, *node.left);
        if (brackets) out_ += ')';
        break;
      case PathKind::kType:
      case PathKind::kSize:
      case PathKind::kAbs:
      case PathKind::kFloor:
      case PathKind::kCeiling:
      case PathKind::kDouble:
      case PathKind::kDatetime:
      case PathKind::kKeyValue:
        out_ += std::string(".") + operator_text(node.kind) + "(";
        if (node.left != nullptr) print(*node.left, false, false);
        out_ += ')';
        break;
      default:
        if (brackets) out_ += '(';
        child(node, *node.left);
        out_ += std::string(" ") + operator_text(node.kind) + " ";
        child(node, *node.right);
        if (brackets) out_ += ')';
    }
  }

  void indexes(const PathNode& node) {
    out_ += '[';
    for (size_t i = 0; i < node.subscripts.size(); ++i) {
      if (i > 0) out_ += ',';
      print(*node.subscripts[i].first, false, false);
      if (node.subscripts[i].second == nullptr) continue;
      out_ += " to ";
      print(*node.subscripts[i].second, false, false);
    }
    out_ += ']';
  }

  void like_regex(const PathNode& node, bool brackets) {
    if (brackets) out_ += '(';
    child(node, *node.left);
    out_ += " like_regex ";
    append_json_string(node.text, out_);
    if (!node.flags.empty()) out_ += " flag \"" + node.flags + "\"";
    if (brackets) out_ += ')';
  }

  std::string& out_;
};

}  // namespace

std::string json_path_text(const JsonPath& path) {
  std::string out;
  if (!path.lax) out += "strict ";
  PathPrinter(out).print(*path.root, false, true);
  return out;
}

}  // namespace eventd::engine
