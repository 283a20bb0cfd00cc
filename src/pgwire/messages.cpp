#include "pgwire/messages.h"

#include <string>

#include "bytes.h"
#include "engine/limits.h"

namespace eventd::pgwire {
namespace {

Status bad(std::string message) { return {sqlstate::kProtocolViolation, std::move(message)}; }

/// Reads fields off the front of a body; every read says whether it was there.
class BodyReader {
 public:
  explicit BodyReader(std::string_view body) : left_(body) {}

  template <class T>
  bool integer(T& out) {
    if (left_.size() < sizeof(T)) return false;
    out = load_be<T>(left_.data());
    left_.remove_prefix(sizeof(T));
    return true;
  }
  bool c_string(std::string_view& out) {
    const size_t end = left_.find('\0');
    if (end == std::string_view::npos) return false;
    out = left_.substr(0, end);
    left_.remove_prefix(end + 1);
    return true;
  }
  bool bytes(size_t count, std::string_view& out) {
    if (left_.size() < count) return false;
    out = left_.substr(0, count);
    left_.remove_prefix(count);
    return true;
  }
  size_t remaining() const { return left_.size(); }
  bool at_end() const { return left_.empty(); }

 private:
  std::string_view left_;
};

constexpr const char* kShort = "insufficient data left in message";
constexpr const char* kTrailing = "invalid message format";
constexpr const char* kNoTerminator = "invalid string in message";

Status read_formats(BodyReader& in, std::vector<int16_t>& out) {
  int16_t count = 0;
  if (!in.integer(count)) return bad(kShort);
  if (count < 0 || in.remaining() / sizeof(int16_t) < static_cast<size_t>(count)) return bad(kShort);
  out.resize(static_cast<size_t>(count));
  for (int16_t& format : out) {
    if (!in.integer(format)) return bad(kShort);
    if (format != 0 && format != 1)
      return {sqlstate::kProtocolViolation, "unsupported format code: " + std::to_string(format)};
  }
  return {};
}

}  // namespace

Status decode_parse(std::string_view body, Parse& out) {
  BodyReader in(body);
  if (!in.c_string(out.statement) || !in.c_string(out.query)) return bad(kNoTerminator);
  uint16_t count = 0;
  if (!in.integer(count) || in.remaining() / sizeof(uint32_t) < count) return bad(kShort);
  out.parameter_types.resize(count);
  for (engine::Oid& type : out.parameter_types) {
    if (!in.integer(type)) return bad(kShort);
  }
  return in.at_end() ? Status() : bad(kTrailing);
}

Status decode_bind(std::string_view body, Bind& out) {
  BodyReader in(body);
  if (!in.c_string(out.destination_portal) || !in.c_string(out.source_statement))
    return bad(kNoTerminator);
  RETURN_IF_ERROR(read_formats(in, out.parameter_formats));
  uint16_t count = 0;
  if (!in.integer(count) || in.remaining() / sizeof(int32_t) < count) return bad(kShort);
  const size_t formats = out.parameter_formats.size();
  if (formats > 1 && formats != count)
    return bad("bind message has " + std::to_string(formats) + " parameter formats but " +
               std::to_string(count) + " parameters");
  out.parameters.resize(count);
  for (size_t i = 0; i < count; ++i) {
    engine::WireParameter& parameter = out.parameters[i];
    int32_t length = 0;
    if (!in.integer(length)) return bad(kShort);
    parameter.format = formats == 0 ? int16_t{0} : out.parameter_formats[formats == 1 ? 0 : i];
    parameter.bytes.reset();
    if (length == -1) continue;
    std::string_view bytes;
    if (length < 0 || !in.bytes(static_cast<size_t>(length), bytes)) return bad(kShort);
    parameter.bytes = bytes;
  }
  RETURN_IF_ERROR(read_formats(in, out.result_formats));
  return in.at_end() ? Status() : bad(kTrailing);
}

Status decode_target(std::string_view body, Target& out) {
  BodyReader in(body);
  if (!in.integer(out.kind)) return bad(kShort);
  if (!in.c_string(out.name)) return bad(kNoTerminator);
  if (out.kind != 'S' && out.kind != 'P')
    return bad("invalid message subtype " + std::to_string(static_cast<unsigned char>(out.kind)));
  return in.at_end() ? Status() : bad(kTrailing);
}

Status decode_execute(std::string_view body, Execute& out) {
  BodyReader in(body);
  int32_t limit = 0;
  if (!in.c_string(out.portal)) return bad(kNoTerminator);
  if (!in.integer(limit)) return bad(kShort);
  out.row_limit = limit > 0 ? static_cast<uint32_t>(limit) : 0;  // PostgreSQL: <= 0 = all
  return in.at_end() ? Status() : bad(kTrailing);
}

Status decode_string(std::string_view body, std::string_view& out) {
  BodyReader in(body);
  if (!in.c_string(out)) return bad(kNoTerminator);
  return in.at_end() ? Status() : bad(kTrailing);
}

Status decode_startup(std::string_view body, StartupPacket& out) {
  BodyReader in(body);
  out.parameters.clear();
  if (!in.integer(out.code)) return bad("invalid length of startup packet");
  if (out.code == kCancelRequestCode) {
    if (!in.integer(out.cancel_pid) || !in.integer(out.cancel_key) || !in.at_end())
      return bad("invalid length of startup packet");
    return {};
  }
  if (out.code == kSslRequestCode || out.code == kGssEncRequestCode)
    return in.at_end() ? Status() : bad("invalid length of startup packet");
  if (out.code >> 16 != 3) return {};  // the caller refuses the version; nothing else is known
  for (;;) {
    std::string_view name, value;
    if (!in.c_string(name)) return bad("invalid startup packet layout: expected terminator as last byte");
    if (name.empty()) break;
    if (!in.c_string(value))
      return bad("invalid startup packet layout: expected terminator as last byte");
    out.parameters.emplace_back(name, value);
  }
  return in.at_end()
             ? Status()
             : bad("invalid startup packet layout: expected terminator as last byte");
}

Status decode_sasl_initial(std::string_view body, SaslInitialResponse& out) {
  BodyReader in(body);
  int32_t length = 0;
  if (!in.c_string(out.mechanism)) return bad(kNoTerminator);
  if (!in.integer(length)) return bad(kShort);
  out.response = {};
  if (length >= 0 && !in.bytes(static_cast<size_t>(length), out.response)) return bad(kShort);
  return in.at_end() ? Status() : bad(kTrailing);
}

}  // namespace eventd::pgwire
