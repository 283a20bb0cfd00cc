#include "engine/session/parameter_decoder.h"

#include <algorithm>

#include "engine/functions/function.h"
#include "engine/functions/value_binary.h"
#include "kmes/validate.h"

namespace eventd::engine {
namespace {

bool is_utf8(std::string_view text) {
  return kmes_utf8_valid(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

Result<Datum> decode_binary(Oid type, std::string_view bytes, size_t number) {
  Result<Datum> value = datum_from_binary({type, -1}, bytes);
  if (!value.ok() && value.error().code == sqlstate::kInvalidBinaryRepresentation) {
    value.error().context = "bind parameter $" + std::to_string(number);
  }
  return value;
}

}  // namespace

Result<Datum> decode_parameter(const EvalContext& context, Oid type, const WireParameter& parameter,
                               size_t number) {
  if (!parameter.bytes) return Datum::null(type);
  if (parameter.format == 1) return decode_binary(type, *parameter.bytes, number);
  if (parameter.format != 0) {
    return Status(sqlstate::kInvalidParameterValue,
                  "unsupported format code: " + std::to_string(parameter.format));
  }
  if (!is_utf8(*parameter.bytes)) {
    return Status(sqlstate::kCharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"");
  }
  if (std::find(parameter.bytes->begin(), parameter.bytes->end(), '\0') != parameter.bytes->end()) {
    return Status(sqlstate::kCharacterNotInRepertoire,
                  "invalid byte sequence for encoding \"UTF8\": 0x00");
  }
  return datum_from_text(context, {type, -1}, *parameter.bytes);
}

}  // namespace eventd::engine
