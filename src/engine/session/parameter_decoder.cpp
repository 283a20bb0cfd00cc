#include "engine/session/parameter_decoder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "engine/functions/function.h"
#include "engine/payload/json_to_msgpack.h"
#include "kmes/validate.h"

namespace eventd::engine {
namespace {

Status bad_binary(size_t number) {
  return Status(sqlstate::kInvalidBinaryRepresentation,
                "incorrect binary data format in bind parameter " + std::to_string(number));
}

bool is_utf8(std::string_view text) {
  return kmes_utf8_valid(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

Status not_utf8() {
  return Status(sqlstate::kCharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"");
}

// numeric_recv: ndigits, weight, sign, dscale, base-10000 digits. To decimal text, which
// the type's own input then normalises.
Result<std::string> numeric_text(std::string_view bytes, size_t number) {
  if (bytes.size() < 8) return bad_binary(number);
  const auto digits = load_be<int16_t>(bytes.data());
  const auto weight = load_be<int16_t>(bytes.data() + 2);
  const auto sign = load_be<uint16_t>(bytes.data() + 4);
  const auto scale = load_be<int16_t>(bytes.data() + 6);
  if (digits < 0 || scale < 0 || scale > 16'383 || weight > 32'000 ||
      bytes.size() != 8 + 2 * static_cast<size_t>(digits)) {
    return bad_binary(number);
  }
  if (sign == 0xC000) return std::string("NaN");
  if (sign == 0xD000) return std::string("Infinity");
  if (sign == 0xF000) return std::string("-Infinity");
  if (sign != 0 && sign != 0x4000) return bad_binary(number);
  const auto group = [&](int i) -> int {
    return i >= 0 && i < digits ? load_be<int16_t>(bytes.data() + 8 + 2 * i) : 0;
  };
  std::string text = sign == 0x4000 ? "-" : "";
  const auto append_group = [&](int value) {
    char four[5] = {};
    for (int i = 3; i >= 0; --i, value /= 10) four[i] = static_cast<char>('0' + value % 10);
    text += four;
  };
  for (int i = 0; i < digits; ++i) {
    if (group(i) < 0 || group(i) > 9999) return bad_binary(number);
  }
  if (weight < 0) text += '0';
  for (int i = 0; i <= weight; ++i) append_group(group(i));
  if (scale > 0) {
    text += '.';
    const size_t point = text.size();
    for (int i = weight + 1; text.size() - point < static_cast<size_t>(scale); ++i) append_group(group(i));
    text.resize(point + static_cast<size_t>(scale));
  }
  return text;
}

template <class T>
Result<Datum> integer(Oid type, std::string_view bytes, size_t number) {
  if (bytes.size() != sizeof(T)) return bad_binary(number);
  return Datum(type, load_be<T>(bytes.data()));
}

// Arrays are kept in their binary format; only their structure is checked here.
bool array_is_whole(std::string_view bytes, Oid element) {
  if (bytes.size() < 12) return false;
  const auto dimensions = load_be<int32_t>(bytes.data());
  if (dimensions < 0 || dimensions > 6 || load_be<uint32_t>(bytes.data() + 8) != element) return false;
  size_t at = 12;
  uint64_t count = dimensions > 0 ? 1 : 0;
  for (int i = 0; i < dimensions; ++i, at += 8) {
    if (bytes.size() - at < 8) return false;
    const auto length = load_be<int32_t>(bytes.data() + at);
    if (length < 0) return false;
    count *= static_cast<uint64_t>(length);
    if (count > bytes.size()) return false;
  }
  for (uint64_t i = 0; i < count; ++i) {
    if (bytes.size() - at < 4) return false;
    const auto length = load_be<int32_t>(bytes.data() + at);
    at += 4;
    if (length < 0) continue;
    if (bytes.size() - at < static_cast<size_t>(length)) return false;
    at += static_cast<size_t>(length);
  }
  return at == bytes.size();
}

Result<Datum> decode_binary(const EvalContext& context, Oid type, std::string_view bytes, size_t number) {
  const TypeInfo* info = find_type(type);
  if (info == nullptr) return bad_binary(number);
  switch (info->physical) {
    case Physical::kBool:
      if (bytes.size() != 1) return bad_binary(number);
      return Datum(type, bytes[0] != 0);
    case Physical::kInt16: return integer<int16_t>(type, bytes, number);
    case Physical::kInt32: return integer<int32_t>(type, bytes, number);
    case Physical::kInt64: return integer<int64_t>(type, bytes, number);
    case Physical::kFloat32:
      if (bytes.size() != 4) return bad_binary(number);
      return Datum(type, std::bit_cast<float>(load_be<uint32_t>(bytes.data())));
    case Physical::kFloat64:
      if (bytes.size() != 8) return bad_binary(number);
      return Datum(type, std::bit_cast<double>(load_be<uint64_t>(bytes.data())));
    case Physical::kUuid: {
      UuidValue uuid;
      if (bytes.size() != sizeof uuid.bytes) return bad_binary(number);
      std::memcpy(uuid.bytes, bytes.data(), sizeof uuid.bytes);
      return Datum(type, uuid);
    }
    case Physical::kInterval:
      if (bytes.size() != 16) return bad_binary(number);
      return Datum(type, IntervalValue{load_be<int64_t>(bytes.data()), load_be<int32_t>(bytes.data() + 8),
                                       load_be<int32_t>(bytes.data() + 12)});
    case Physical::kTimetz:
      if (bytes.size() != 12) return bad_binary(number);
      return Datum(type, TimetzValue{load_be<int64_t>(bytes.data()), load_be<int32_t>(bytes.data() + 8)});
    case Physical::kBytes: break;
  }
  if (type == oid::kNumeric) {
    ASSIGN_OR_RETURN(const std::string text, numeric_text(bytes, number));
    return datum_from_text(context, {type, -1}, text);
  }
  if (type == oid::kJsonb) {
    if (bytes.empty() || bytes[0] != 1) {
      return Status(sqlstate::kInvalidBinaryRepresentation, "unsupported jsonb version number");
    }
    return datum_from_text(context, {type, -1}, bytes.substr(1));
  }
  if (type == oid::kBytea) return Datum(type, std::string(bytes));
  if (info->element != 0) {
    if (!array_is_whole(bytes, info->element)) return bad_binary(number);
    return Datum(type, std::string(bytes));
  }
  if (info->category == 'S' || type == oid::kJson || type == oid::kUnknown || type == oid::kName ||
      type == oid::kChar) {
    if (!is_utf8(bytes)) return not_utf8();
    return datum_from_text(context, {type, -1}, bytes);
  }
  return Status(sqlstate::kFeatureNotSupported,
                "binary input of type " + std::string(info->display_name) + " is not supported");
}

}  // namespace

Result<Datum> decode_parameter(const EvalContext& context, Oid type, const WireParameter& parameter,
                               size_t number) {
  if (!parameter.bytes) return Datum::null(type);
  if (parameter.format == 1) return decode_binary(context, type, *parameter.bytes, number);
  if (parameter.format != 0) {
    return Status(sqlstate::kInvalidParameterValue,
                  "unsupported format code: " + std::to_string(parameter.format));
  }
  if (!is_utf8(*parameter.bytes)) return not_utf8();
  if (std::find(parameter.bytes->begin(), parameter.bytes->end(), '\0') != parameter.bytes->end()) {
    return Status(sqlstate::kCharacterNotInRepertoire,
                  "invalid byte sequence for encoding \"UTF8\": 0x00");
  }
  return datum_from_text(context, {type, -1}, *parameter.bytes);
}

}  // namespace eventd::engine
