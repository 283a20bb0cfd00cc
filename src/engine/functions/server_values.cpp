#include "engine/functions/server_values.h"

#include <string>

#include "engine/functions/kernel_helpers.h"
#include "engine/functions/text_helpers.h"
#include "engine/types/numeric.h"

namespace eventd::engine {
namespace {

// Source: PostgreSQL manual, 9.27.7.
struct SizeUnit {
  std::string_view name;
  int shift;  ///< bits of the unit before it
};
constexpr SizeUnit kSizeUnits[] = {{"bytes", 0}, {"kB", 10}, {"MB", 10}, {"GB", 10}, {"TB", 10}, {"PB", 10}};
constexpr int64_t kUnitLimit = 10 * 1024, kHalvesLimit = 20 * 1024 - 1;

int64_t half_rounded(int64_t v) { return (v + (v < 0 ? -1 : 1)) / 2; }

/// Doubles are kept for one rounding at the end, as PostgreSQL does.
std::string size_text(int64_t size) {
  int64_t value = size;
  constexpr size_t kUnits = std::size(kSizeUnits);
  for (size_t unit = 0; unit < kUnits; ++unit) {
    const bool rounds = unit > 0;
    const uint64_t magnitude = value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
    const auto limit = static_cast<uint64_t>(rounds ? kHalvesLimit : kUnitLimit);
    if (unit + 1 == kUnits || magnitude < limit)
      return std::to_string(rounds ? half_rounded(value) : value) + " " + std::string(kSizeUnits[unit].name);
    // The next unit, with one bit left for rounding.
    value /= int64_t{1} << (kSizeUnits[unit + 1].shift - (rounds ? 0 : 1));
  }
  return {};
}

Result<std::string> size_text(Numeric size) {
  constexpr size_t kUnits = std::size(kSizeUnits);
  for (size_t unit = 0;; ++unit) {
    const bool rounds = unit > 0;
    const bool last = unit + 1 == kUnits;
    if (last || size.abs() < Numeric::from_int64(rounds ? kHalvesLimit : kUnitLimit)) {
      if (rounds) {
        ASSIGN_OR_RETURN(const Numeric nudged, size.add(Numeric::from_int64(size.sign() < 0 ? -1 : 1)));
        ASSIGN_OR_RETURN(size, nudged.divide_truncate(Numeric::from_int64(2)));
      }
      return size.text() + " " + std::string(kSizeUnits[unit].name);
    }
    ASSIGN_OR_RETURN(size, size.divide_truncate(Numeric::from_int64(int64_t{1} << (kSizeUnits[unit + 1].shift - (rounds ? 0 : 1)))));
  }
}

Status invalid_size(std::string_view text, std::string_view unit) {
  Error error{sqlstate::kInvalidParameterValue, "invalid size: \"" + std::string(text) + "\"", {}, {}, {}, 0};
  if (!unit.empty()) {
    error.detail = "Invalid size unit: \"" + std::string(unit) + "\".";
    error.hint = "Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".";
  }
  return Status(std::move(error));
}

std::string_view trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

Result<int64_t> size_bytes(std::string_view whole) {
  const std::string_view text = trimmed(whole);
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at > begin;
  };
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  bool any = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    any |= digits();
  }
  if (!any) return invalid_size(whole, {});
  if (at < text.size() && ascii_lower(text[at]) == 'e') {
    size_t mark = at + 1;
    if (mark < text.size() && (text[mark] == '-' || text[mark] == '+')) ++mark;
    if (mark < text.size() && text[mark] >= '0' && text[mark] <= '9') {
      at = mark;
      digits();
    }
  }
  ASSIGN_OR_RETURN(Numeric number, Numeric::parse(text.substr(0, at)));
  const std::string_view unit = trimmed(text.substr(at));
  if (!unit.empty()) {
    int shift = 0;
    bool known = false;
    for (const SizeUnit& candidate : kSizeUnits) {
      shift += candidate.shift;
      if (!equal_ignoring_ascii_case(unit, candidate.name)) continue;
      known = true;
      break;
    }
    if (!known) return invalid_size(whole, unit);
    ASSIGN_OR_RETURN(number, number.multiply(Numeric::from_int64(int64_t{1} << shift)));
  }
  return number.to_int64();
}

/// The type's OID, or false: not one of ours. Modifiers in parentheses don't count.
bool type_by_name(std::string_view text, int32_t& out) {
  std::string name;
  append_lower(trimmed(text), name);
  if (name.starts_with("pg_catalog.")) name.erase(0, 11);
  if (const size_t open = name.find('('), close = name.find(')'); open != std::string::npos && close != std::string::npos && close > open)
    name.erase(open, close - open + 1);
  const TypeInfo* info = find_type_by_name(name);
  if (info == nullptr) return false;
  out = static_cast<int32_t>(info->id);
  return true;
}

/// PostgreSQL's numbers of encodings: the few clients ask for.
constexpr std::pair<int32_t, std::string_view> kEncodingNumbers[] = {{0, "SQL_ASCII"}, {1, "EUC_JP"}, {6, "UTF8"}, {8, "LATIN1"},
                                                                     {9, "LATIN2"},    {16, "LATIN9"}, {24, "WIN1252"}};

/// Numbers and booleans, and arrays of them.
bool shows_no_modifier(Oid type) {
  const TypeInfo* info = find_type(type);
  if (info != nullptr && info->category == 'A' && info->element != 0) type = info->element;
  return type == oid::kBool || type == oid::kInt2 || type == oid::kInt4 || type == oid::kInt8 ||
         type == oid::kFloat4 || type == oid::kFloat8;
}

Status format_type_rows(const CallFrame& frame, Vector& result) {
  const auto types = frame.arguments[0].view<int32_t>(), modifiers = frame.arguments[1].view<int32_t>();
  return each_row(frame, result, [&](uint32_t row, Vector& out) {
    if (!types.valid(row)) {
      out.set_null(row);
      return Status();
    }
    const auto type = static_cast<Oid>(types[row]);
    if (type == 0 || !modifiers.valid(row)) {
      out.set_string(row, type == 0 ? std::string("-") : format_type({type, -1}));
      return Status();
    }
    out.set_string(row, shows_no_modifier(type) ? format_type({type, -1}) : format_type({type, modifiers[row]}));
    return Status();
  });
}

}  // namespace

void register_server_values(FunctionCatalog::Builder& builder) {
  builder.builtin("format_type(oid,int4)", format_type_rows);
  builder.builtin("pg_size_pretty(int8)",
                  row_kernel<StringRef, int64_t>([](int64_t size, StringOut& out) { out.copy(size_text(size)); }));
  builder.builtin("pg_size_pretty(numeric)", row_kernel<StringRef, StringRef>([](const StringRef& size, StringOut& out) -> Status {
                    ASSIGN_OR_RETURN(const std::string text, size_text(Numeric::from_canonical(size.view())));
                    out.copy(text);
                    return Status();
                  }));
  builder.builtin("pg_size_bytes(text)", row_kernel<int64_t, StringRef>([](const StringRef& text, int64_t& out) -> Status {
                    ASSIGN_OR_RETURN(out, size_bytes(text.view()));
                    return Status();
                  }));
  builder.builtin("pg_encoding_to_char(int4)", row_kernel<StringRef, int32_t>([](int32_t number, StringOut& out) {
                    out.keep({});
                    for (const auto& [known, name] : kEncodingNumbers)
                      if (known == number) out.keep(name);
                  }));
  builder.builtin("pg_char_to_encoding(name)", row_kernel<int32_t, StringRef>([](const StringRef& text, int32_t& out) {
                    out = -1;
                    for (const auto& [known, name] : kEncodingNumbers)
                      if (equal_ignoring_ascii_case(text.view(), name)) out = known;
                    if (equal_ignoring_ascii_case(text.view(), "UTF-8")) out = 6;
                  }));
  builder.builtin("to_regtype(text)", row_kernel<int32_t, StringRef>([](const StringRef& text, int32_t& out) {
                    return type_by_name(text.view(), out);
                  }));
  builder.builtin("getdatabaseencoding()", [](const CallFrame& frame, Vector& result) {
    result = Vector::constant(Datum(oid::kName, std::string("UTF8")), frame.rows);
    return Status();
  });
  builder.builtin("int4(char)", row_kernel<int32_t, StringRef>([](const StringRef& v, int32_t& out) {
                    out = v.size == 0 ? 0 : static_cast<int8_t>(v.data[0]);
                  }));
  builder.builtin("char(int4)", row_kernel<StringRef, int32_t>([](int32_t v, StringOut& out) -> Status {
                    if (v < INT8_MIN || v > INT8_MAX) return Status(sqlstate::kNumericValueOutOfRange, "\"char\" out of range");
                    const char c = static_cast<char>(v);
                    out.copy(v == 0 ? std::string_view() : std::string_view(&c, 1));
                    return Status();
                  }));
  register_event_values(builder);
}

}  // namespace eventd::engine
