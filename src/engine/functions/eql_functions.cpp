// The comparison operators of the event query language. SQL has none of these names; the EQL
// binder finds them with FunctionCatalog::find().
//
// Names: eql_eq eql_ne eql_lt eql_le eql_gt eql_ge eql_contains eql_starts_with eql_ends_with
//        eql_glob eql_has
// Left:  text (columns, messages, labels) or jsonb (a field's value, extracted as jsonb)
// Right: the literal: text, int8, float8, bool, or jsonb for integers beyond int8
//
//  - Strings compare ASCII case-insensitively. `eql_glob`: `*` is any run of characters, nothing
//    else is special.
//  - Numbers compare by value across integers, floats and decimals. NaN equals nothing and
//    satisfies no ordering.
//  - Values of different kinds are unequal: eql_eq false, eql_ne true, the rest false. Orderings
//    of strings are false. (text, number) orderings read the text as a number, for metric labels.
//  - SQL NULL and JSON null give NULL, which WHERE takes as false: a missing field satisfies only
//    IS NULL, eql_ne on it is not true either.
//  - eql_has(jsonb array, literal): some element equals the literal; false for other kinds.
//  - eql_in(jsonb, jsonb array): as eql_eq with some element (eql_set.h).
//  - eql_number(jsonb) is the value as float8, eql_numeric(jsonb) exactly; NULL for non-numbers
//    (what SUM, AVG, MIN, MAX of a field aggregate).
#include <charconv>
#include <cmath>
#include <string>

#include "engine/functions/eql_compare.h"
#include "engine/functions/eql_set.h"
#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/like_pattern.h"
#include "engine/functions/text_helpers.h"
#include "engine/functions/vector_map.h"
#include "engine/types/numeric.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

enum class Comparison { kEq, kNe, kLt, kLe, kGt, kGe };

bool holds(Comparison comparison, std::partial_ordering order) {
  switch (comparison) {
    case Comparison::kLt: return order < 0;
    case Comparison::kLe: return order <= 0;
    case Comparison::kGt: return order > 0;
    case Comparison::kGe: return order >= 0;
    default: return false;
  }
}

MsgpackToken literal(const StringRef& text) {
  MsgpackToken token;
  token.kind = MsgpackKind::kString;
  token.bytes = as_bytes(text.view());
  return token;
}
MsgpackToken literal(int64_t value) {
  MsgpackToken token;
  token.kind = MsgpackKind::kInt;
  token.integer = value;
  return token;
}
MsgpackToken literal(double value) {
  MsgpackToken token;
  token.kind = MsgpackKind::kFloat;
  token.real = value;
  return token;
}
MsgpackToken literal(uint8_t value) {
  MsgpackToken token;
  token.kind = MsgpackKind::kBool;
  token.boolean = value != 0;
  return token;
}

/// False (NULL) for JSON null.
template <Comparison kComparison>
bool compare_field(const StringRef& value, const MsgpackToken& other, uint8_t& out) {
  const MsgpackToken token = eql_token(as_bytes(value.view()));
  if (token.kind == MsgpackKind::kNil) return false;
  if constexpr (kComparison == Comparison::kEq) {
    out = eql_equal(token, other);
  } else if constexpr (kComparison == Comparison::kNe) {
    out = !eql_equal(token, other);
  } else {
    out = holds(kComparison, eql_compare_numbers(token, other));
  }
  return true;
}

/// A metric label read as a number; NaN if it is none, which satisfies nothing.
double label_number(std::string_view text) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && stop == text.data() + text.size() ? value : std::nan("");
}

template <Comparison kComparison, class Literal>
Kernel field_kernel() {
  return row_kernel<uint8_t, StringRef, Literal>(
      [](const StringRef& value, const Literal& other, uint8_t& out) -> bool {
        return compare_field<kComparison>(value, literal(other), out);
      });
}

/// The literal is a number in msgpack: an integer beyond int8.
template <Comparison kComparison>
Kernel field_jsonb_kernel() {
  return row_kernel<uint8_t, StringRef, StringRef>(
      [](const StringRef& value, const StringRef& other, uint8_t& out) -> bool {
        return compare_field<kComparison>(value, eql_token(as_bytes(other.view())), out);
      });
}

template <Comparison kComparison, class Literal>
Kernel label_kernel() {
  return row_kernel<uint8_t, StringRef, Literal>(
      [](const StringRef& text, const Literal& other, uint8_t& out) -> bool {
        out = holds(kComparison,
                    eql_compare_numbers(literal(label_number(text.view())), literal(other)));
        return true;
      });
}

// --- string tests ---

size_t find_ignoring_case(std::string_view text, std::string_view sought) {
  if (sought.empty()) return 0;
  const auto at = std::search(text.begin(), text.end(), sought.begin(), sought.end(),
                              [](char a, char b) { return ascii_lower(a) == ascii_lower(b); });
  return at == text.end() ? text.npos : static_cast<size_t>(at - text.begin());
}

struct Contains {
  static bool test(std::string_view text, std::string_view sought) {
    return find_ignoring_case(text, sought) != text.npos;
  }
};
struct StartsWith {
  static bool test(std::string_view text, std::string_view sought) {
    return text.size() >= sought.size() &&
           equal_ignoring_ascii_case(text.substr(0, sought.size()), sought);
  }
};
struct EndsWith {
  static bool test(std::string_view text, std::string_view sought) {
    return text.size() >= sought.size() &&
           equal_ignoring_ascii_case(text.substr(text.size() - sought.size()), sought);
  }
};
struct Equals {
  static bool test(std::string_view a, std::string_view b) {
    return equal_ignoring_ascii_case(a, b);
  }
};
struct Differs {
  static bool test(std::string_view a, std::string_view b) {
    return !equal_ignoring_ascii_case(a, b);
  }
};
struct Never {
  static bool test(std::string_view, std::string_view) { return false; }
};

template <class Test>
Kernel text_kernel() {
  return row_kernel<uint8_t, StringRef, StringRef>(
      [](const StringRef& a, const StringRef& b, uint8_t& out) {
        out = Test::test(a.view(), b.view());
      });
}

template <class Test>
Kernel field_text_kernel() {
  return row_kernel<uint8_t, StringRef, StringRef>(
      [](const StringRef& value, const StringRef& other, uint8_t& out) -> bool {
        const MsgpackToken token = eql_token(as_bytes(value.view()));
        if (token.kind == MsgpackKind::kNil) return false;
        std::string buffer;
        const auto text = eql_text(token, buffer);
        out = text.has_value() && Test::test(*text, other.view());
        return true;
      });
}

/// A glob as a LIKE pattern in lower case.
std::string like_of_glob(std::string_view glob) {
  std::string out;
  for (const char c : glob) {
    if (c == '*') {
      out += '%';
    } else {
      if (c == '%' || c == '_' || c == '\\') out += '\\';
      out += ascii_lower(c);
    }
  }
  return out;
}

template <bool kField>
Status glob(const CallFrame& frame, Vector& result) {
  const Vector& patterns = frame.arguments[1];
  if (patterns.form() != Vector::Form::kConstant || patterns.is_null(0)) {
    if (patterns.all_null_constant()) {
      result = Vector::null_constant(oid::kBool, frame.rows);
      return Status();
    }
    return Status(sqlstate::kFeatureNotSupported, "a pattern that is not a constant");
  }
  const LikePattern pattern(like_of_glob(patterns.view<StringRef>()[0].view()),
                            LikePattern::Unit::kCharacter);
  std::string buffer, lowered;
  return map_vector(
      frame, result,
      [&](const CallFrame&, const Vector& in, uint32_t rows, Vector& out) -> Status {
        const auto values = in.view<StringRef>();
        uint8_t* data = out.data<uint8_t>();
        RowGuard guard(frame.context, rows);
        for (uint32_t i = 0; i < rows; ++i) {
          RETURN_IF_ERROR(guard.step(values[i].size, nullptr));
          data[i] = 0;
          if (!values.valid(i)) {
            out.set_null(i);
            continue;
          }
          std::string_view text = values[i].view();
          if constexpr (kField) {
            const MsgpackToken token = eql_token(as_bytes(text));
            if (token.kind == MsgpackKind::kNil) {
              out.set_null(i);
              continue;
            }
            const auto field_text = eql_text(token, buffer);
            if (!field_text.has_value()) continue;
            text = *field_text;
          }
          lowered.clear();
          append_lower(text, lowered);
          ASSIGN_OR_RETURN(const bool matched, pattern.matches(lowered));
          data[i] = matched;
        }
        return Status();
      });
}

// --- arrays and numbers ---

template <class Literal>
Kernel has_kernel() {
  return row_kernel<uint8_t, StringRef, Literal>(
      [](const StringRef& value, const Literal& other, uint8_t& out) -> bool {
        MsgpackReader reader(as_bytes(value.view()));
        MsgpackToken array;
        if (!reader.next(array) || array.kind == MsgpackKind::kNil) return false;
        out = 0;
        if (array.kind != MsgpackKind::kArray) return true;
        const MsgpackToken sought = literal(other);
        for (uint32_t i = 0; i < array.count && out == 0; ++i) {
          MsgpackReader element(std::span(
              reader.position(),
              as_bytes(value.view()).data() + value.size));  // the elements still to come
          MsgpackToken token;
          if (!element.next(token)) break;
          out = eql_equal(token, sought);
          if (!reader.skip()) break;
        }
        return true;
      });
}

Kernel has_jsonb_kernel() {
  return row_kernel<uint8_t, StringRef, StringRef>(
      [](const StringRef& value, const StringRef& other, uint8_t& out) -> bool {
        MsgpackReader reader(as_bytes(value.view()));
        MsgpackToken array;
        if (!reader.next(array) || array.kind == MsgpackKind::kNil) return false;
        out = 0;
        if (array.kind != MsgpackKind::kArray) return true;
        const MsgpackToken sought = eql_token(as_bytes(other.view()));
        const uint8_t* end = as_bytes(value.view()).data() + value.size;
        for (uint32_t i = 0; i < array.count && out == 0; ++i) {
          const MsgpackToken token = eql_token(ByteSpan(reader.position(), end));
          out = eql_equal(token, sought);
          if (!reader.skip()) break;
        }
        return true;
      });
}

bool number_text(const StringRef& value, std::string& out) {
  const MsgpackToken token = eql_token(as_bytes(value.view()));
  Numeric number;
  switch (token.kind) {
    case MsgpackKind::kInt: number = Numeric::from_int64(token.integer); break;
    case MsgpackKind::kUint:
      number = Numeric::from_int128(static_cast<Int128>(token.unsigned_integer()), 0);
      break;
    case MsgpackKind::kFloat:
      if (!std::isfinite(token.real)) return false;
      number = Numeric::from_double_shortest(token.real);
      break;
    case MsgpackKind::kExt:
      if (token.ext_type != kMsgpackDecimalExt) return false;
      number = Numeric::from_canonical(token.text());
      break;
    default: return false;
  }
  number.append_text(out);
  return true;
}

bool number_float8(const StringRef& value, double& out) {
  const MsgpackToken token = eql_token(as_bytes(value.view()));
  switch (token.kind) {
    case MsgpackKind::kInt: out = static_cast<double>(token.integer); return true;
    case MsgpackKind::kUint: out = static_cast<double>(token.unsigned_integer()); return true;
    case MsgpackKind::kFloat: out = token.real; return true;
    case MsgpackKind::kExt:
      if (token.ext_type != kMsgpackDecimalExt) return false;
      out = Numeric::from_canonical(token.text()).to_double();
      return true;
    default: return false;
  }
}

// --- registration ---

void add(Builder& builder, std::string_view name, std::vector<Oid> arguments, Kernel kernel,
         Oid result = oid::kBool) {
  ScalarFunction function;
  function.name = name;
  function.arguments = std::move(arguments);
  function.result = result;
  function.kernel = kernel;
  builder.add_function(std::move(function));
}

template <Comparison kComparison>
void add_comparison(Builder& builder, std::string_view name) {
  add(builder, name, {oid::kJsonb, oid::kText}, field_kernel<kComparison, StringRef>());
  add(builder, name, {oid::kJsonb, oid::kInt8}, field_kernel<kComparison, int64_t>());
  add(builder, name, {oid::kJsonb, oid::kFloat8}, field_kernel<kComparison, double>());
  add(builder, name, {oid::kJsonb, oid::kBool}, field_kernel<kComparison, uint8_t>());
  add(builder, name, {oid::kJsonb, oid::kJsonb}, field_jsonb_kernel<kComparison>());
}

template <Comparison kComparison>
void add_ordering(Builder& builder, std::string_view name) {
  add_comparison<kComparison>(builder, name);
  add(builder, name, {oid::kText, oid::kText}, text_kernel<Never>());
  add(builder, name, {oid::kText, oid::kInt8}, label_kernel<kComparison, int64_t>());
  add(builder, name, {oid::kText, oid::kFloat8}, label_kernel<kComparison, double>());
}

template <class Test>
void add_string_test(Builder& builder, std::string_view name) {
  add(builder, name, {oid::kText, oid::kText}, text_kernel<Test>());
  add(builder, name, {oid::kJsonb, oid::kText}, field_text_kernel<Test>());
}

}  // namespace

void register_eql(Builder& builder) {
  add(builder, "eql_eq", {oid::kText, oid::kText}, text_kernel<Equals>());
  add(builder, "eql_ne", {oid::kText, oid::kText}, text_kernel<Differs>());
  add_comparison<Comparison::kEq>(builder, "eql_eq");
  add_comparison<Comparison::kNe>(builder, "eql_ne");
  add_ordering<Comparison::kLt>(builder, "eql_lt");
  add_ordering<Comparison::kLe>(builder, "eql_le");
  add_ordering<Comparison::kGt>(builder, "eql_gt");
  add_ordering<Comparison::kGe>(builder, "eql_ge");
  add_string_test<Contains>(builder, "eql_contains");
  add_string_test<StartsWith>(builder, "eql_starts_with");
  add_string_test<EndsWith>(builder, "eql_ends_with");
  add(builder, "eql_glob", {oid::kText, oid::kText}, glob<false>);
  add(builder, "eql_glob", {oid::kJsonb, oid::kText}, glob<true>);
  add(builder, "eql_has", {oid::kJsonb, oid::kText}, has_kernel<StringRef>());
  add(builder, "eql_has", {oid::kJsonb, oid::kInt8}, has_kernel<int64_t>());
  add(builder, "eql_has", {oid::kJsonb, oid::kFloat8}, has_kernel<double>());
  add(builder, "eql_has", {oid::kJsonb, oid::kBool}, has_kernel<uint8_t>());
  add(builder, "eql_has", {oid::kJsonb, oid::kJsonb}, has_jsonb_kernel());
  add(builder, "eql_number", {oid::kJsonb},
      row_kernel<double, StringRef>(
          [](const StringRef& v, double& out) -> bool { return number_float8(v, out); }),
      oid::kFloat8);
  add(builder, "eql_numeric", {oid::kJsonb},
      row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) -> bool {
        std::string& buffer = out.buffer();
        if (!number_text(v, buffer)) return false;
        out.copy(buffer);
        return true;
      }),
      oid::kNumeric);
  register_eql_in(builder);
}

}  // namespace eventd::engine
