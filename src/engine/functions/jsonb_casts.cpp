// jsonb → numbers and booleans. (Text ↔ jsonb are the input and output functions.)
#include "bytes.h"
#include "engine/functions/jsonb_functions.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/payload/jsonb_text.h"
#include "engine/payload/msgpack_reader.h"
#include "engine/types/numeric.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

Status cannot_cast(const MsgpackToken& token, std::string_view target) {
  std::string_view kind = "string";
  if (token.kind == MsgpackKind::kNil) kind = "null";
  if (token.kind == MsgpackKind::kBool) kind = "boolean";
  if (token.kind <= MsgpackKind::kFloat && token.kind >= MsgpackKind::kInt) kind = "numeric";
  if (token.kind == MsgpackKind::kExt && token.ext_type == kMsgpackDecimalExt) kind = "numeric";
  if (token.kind == MsgpackKind::kArray) kind = "array";
  if (token.kind == MsgpackKind::kMap) kind = "object";
  std::string message = "cannot cast jsonb ";
  return Status(sqlstate::kInvalidParameterValue,
                message.append(kind).append(" to type ").append(target));
}

Result<Numeric> number(const StringRef& value, std::string_view target) {
  MsgpackReader reader(as_bytes(value.view()));
  MsgpackToken token;
  if (!reader.next(token)) token = {};
  switch (token.kind) {
    case MsgpackKind::kInt: return Numeric::from_int64(token.integer);
    case MsgpackKind::kUint: return Numeric::from_int128(token.unsigned_integer(), 0);
    case MsgpackKind::kFloat:
      if (token.real - token.real == 0) return Numeric::from_double_shortest(token.real);
      token.kind = MsgpackKind::kString;
      break;
    case MsgpackKind::kExt:
      if (token.ext_type == kMsgpackDecimalExt) return Numeric::parse(token.text());
      break;
    default: break;
  }
  return cannot_cast(token, target);
}

}  // namespace

void register_jsonb_casts(Builder& builder) {
  builder.builtin("bool(jsonb)", row_kernel<uint8_t, StringRef>([](const StringRef& v, uint8_t& out) -> Status {
                    MsgpackReader reader(as_bytes(v.view()));
                    MsgpackToken token;
                    if (!reader.next(token) || token.kind != MsgpackKind::kBool) return cannot_cast(token, "boolean");
                    out = token.boolean;
                    return Status();
                  }));
  builder.builtin("numeric(jsonb)", row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) -> Status {
                    ASSIGN_OR_RETURN(const Numeric n, number(v, "numeric"));
                    out.copy(n.text());
                    return Status();
                  }));
  builder.builtin("int2(jsonb)", row_kernel<int16_t, StringRef>([](const StringRef& v, int16_t& out) -> Status {
                    ASSIGN_OR_RETURN(const Numeric n, number(v, "smallint"));
                    ASSIGN_OR_RETURN(out, n.to_int16());
                    return Status();
                  }));
  builder.builtin("int4(jsonb)", row_kernel<int32_t, StringRef>([](const StringRef& v, int32_t& out) -> Status {
                    ASSIGN_OR_RETURN(const Numeric n, number(v, "integer"));
                    ASSIGN_OR_RETURN(out, n.to_int32());
                    return Status();
                  }));
  builder.builtin("int8(jsonb)", row_kernel<int64_t, StringRef>([](const StringRef& v, int64_t& out) -> Status {
                    ASSIGN_OR_RETURN(const Numeric n, number(v, "bigint"));
                    ASSIGN_OR_RETURN(out, n.to_int64());
                    return Status();
                  }));
  builder.builtin("float8(jsonb)", row_kernel<double, StringRef>([](const StringRef& v, double& out) -> Status {
                    ASSIGN_OR_RETURN(const Numeric n, number(v, "double precision"));
                    out = n.to_double();
                    if (out - out != 0) return fault::kFloatOverflow.status();
                    return Status();
                  }));
  builder.builtin("float4(jsonb)", row_kernel<float, StringRef>([](const StringRef& v, float& out) -> Status {
                    ASSIGN_OR_RETURN(const Numeric n, number(v, "real"));
                    out = static_cast<float>(n.to_double());
                    if (out - out != 0) return fault::kFloatOverflow.status();
                    return Status();
                  }));
}

}  // namespace eventd::engine
