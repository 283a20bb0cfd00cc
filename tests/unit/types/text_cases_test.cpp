// Every type's text input and output against what PostgreSQL 15 answered (text_cases.sql).
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "bytes.h"
#include "engine/types/array_format.h"
#include "engine/types/datetime.h"
#include "engine/types/float_text.h"
#include "engine/types/inet_text.h"
#include "engine/types/integer_text.h"
#include "engine/types/interval.h"
#include "engine/types/numeric.h"
#include "engine/types/scalar_text.h"
#include "engine/types/time_zone.h"

namespace eventd::engine {
namespace {

struct Case {
  std::string_view type, input, sqlstate, expected;
};
constexpr Case kCases[] = {
#include "text_cases.inc"
};

const FormatOptions& format() {
  static const FormatOptions options{.time_zone = TimeZone::find("America/New_York")};
  return options;
}
const DateTimeInput kInput{format(), 725'846'400'000'000};  // 2023-01-01

using Text = Result<std::string>;
template <class Parse, class Append>
std::function<Text(std::string_view)> both(Parse parse, Append append) {
  return [=](std::string_view input) -> Text {
    auto value = parse(input);
    if (!value.ok()) return std::move(value).take_status();
    std::string out;
    append(*value, out);
    return out;
  };
}

Text array(std::string_view input, bool integers) {
  Result<ArrayText> parsed = parse_array_text(input);
  if (!parsed.ok()) return std::move(parsed).take_status();
  if (integers) {
    for (auto& e : parsed->elements) {
      if (!e) continue;
      auto value = parse_integer<int32_t>(*e);
      if (!value.ok()) return std::move(value).take_status();
      e = std::to_string(*value);
    }
  }
  // Through the binary form and back.
  ArrayBuilder builder(oid::kText);
  for (const auto& e : parsed->elements) {
    if (e) builder.add(*e);
    else builder.add_null();
  }
  const std::string binary = builder.finish(parsed->dimensions);
  Result<ArrayReader> reader = ArrayReader::open(binary);
  if (!reader.ok()) return std::move(reader).take_status();
  ArrayText again{reader->dimensions(), {}};
  for (int64_t i = 0; i < reader->element_count(); ++i) {
    const auto e = reader->next();
    again.elements.push_back(e ? std::optional<std::string>(*e) : std::nullopt);
  }
  std::string out;
  append_array_text(again, out);
  return out;
}

Text numeric(std::string_view input, int32_t modifier) {
  auto value = Numeric::parse(input);
  if (!value.ok()) return std::move(value).take_status();
  auto fitted = value->apply_modifier(modifier);
  if (!fitted.ok()) return std::move(fitted).take_status();
  // The wire form and the canonical text must give the value back.
  std::string binary;
  fitted->append_binary(binary);
  auto again = Numeric::from_binary(binary);
  if (!again.ok()) return std::move(again).take_status();
  EXPECT_EQ(again->text(), fitted->text());
  EXPECT_EQ(Numeric::from_canonical(fitted->text()).text(), fitted->text());
  return fitted->text();
}

const std::map<std::string_view, std::function<Text(std::string_view)>>& readers() {
  static const auto append_int = [](auto v, std::string& out) { append_integer(v, out); };
  static const std::map<std::string_view, std::function<Text(std::string_view)>> map = {
      {"bool", both(parse_bool, [](bool v, std::string& out) { out += v ? "t" : "f"; })},
      {"int2", both(parse_integer<int16_t>, append_int)},
      {"int4", both(parse_integer<int32_t>, append_int)},
      {"int8", both(parse_integer<int64_t>, append_int)},
      {"oid", both(parse_oid, append_int)},
      {"float8", both(parse_float8, [](double v, std::string& out) { append_float8(v, out); })},
      {"float4", both(parse_float4, [](float v, std::string& out) { append_float4(v, out); })},
      {"numeric", [](std::string_view in) { return numeric(in, -1); }},
      {"numeric(5,2)", [](std::string_view in) { return numeric(in, ((5 << 16) | 2) + 4); }},
      {"numeric(3,-2)", [](std::string_view in) { return numeric(in, ((3 << 16) | (-2 & 0x7ff)) + 4); }},
      {"uuid",
       [](std::string_view in) -> Text {
         uint8_t bytes[16];
         RETURN_IF_ERROR(parse_uuid(in, bytes));
         std::string out;
         append_uuid(bytes, out);
         return out;
       }},
      {"bytea", both(parse_bytea, [](const std::string& v, std::string& out) { append_bytea(ByteaOutput::kHex, v, out); })},
      {"inet", both([](std::string_view in) { return parse_inet(in, false); },
                    [](const std::string& v, std::string& out) {
                      append_inet(v, false, out);
                      // The cast to text, unlike output, always shows the length.
                      if (out.find('/') == std::string::npos) out += v[0] == 2 ? "/32" : "/128";
                    })},
      {"cidr", both([](std::string_view in) { return parse_inet(in, true); },
                    [](const std::string& v, std::string& out) { append_inet(v, true, out); })},
      {"macaddr", both(parse_macaddr, [](const std::string& v, std::string& out) { append_macaddr(v, out); })},
      {"int4[]", [](std::string_view in) { return array(in, true); }},
      {"text[]", [](std::string_view in) { return array(in, false); }},
      {"date", both([](std::string_view in) { return parse_date(kInput, in); },
                    [](int32_t v, std::string& out) { append_date(format(), v, out); })},
      {"time", both([](std::string_view in) { return parse_time(kInput, in); }, append_time)},
      {"time(2)", both([](std::string_view in) { return parse_time(kInput, in, 2); }, append_time)},
      {"timetz", both([](std::string_view in) { return parse_timetz(kInput, in); }, append_timetz)},
      {"timestamp", both([](std::string_view in) { return parse_timestamp(kInput, in); },
                         [](int64_t v, std::string& out) { append_timestamp(format(), v, out); })},
      {"timestamp(3)", both([](std::string_view in) { return parse_timestamp(kInput, in, 3); },
                            [](int64_t v, std::string& out) { append_timestamp(format(), v, out); })},
      {"timestamptz", both([](std::string_view in) { return parse_timestamptz(kInput, in); },
                           [](int64_t v, std::string& out) { append_timestamptz(format(), v, out); })},
      {"interval", both([](std::string_view text) { return parse_interval(text); }, [](const IntervalValue& v, std::string& out) {
         append_interval(IntervalStyle::kPostgres, v, out);
       })},
  };
  return map;
}

TEST(TextCases, AnswerAsPostgresql) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.type) + " '" + std::string(c.input) + "'");
    ASSERT_TRUE(readers().contains(c.type));
    const Text text = readers().at(c.type)(c.input);
    if (c.sqlstate.empty()) {
      if (text.ok()) EXPECT_EQ(*text, c.expected);
      else ADD_FAILURE() << text.error().message << ", expected " << c.expected;
    } else if (text.ok()) {
      ADD_FAILURE() << "gave " << *text << ", expected " << c.expected;
    } else {
      EXPECT_EQ(text.error().code.text(), c.sqlstate);
      EXPECT_EQ(text.error().message, c.expected);
    }
  }
}

}  // namespace
}  // namespace eventd::engine
