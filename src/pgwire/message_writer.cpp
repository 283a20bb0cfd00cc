#include "pgwire/message_writer.h"

#include <algorithm>

namespace eventd::pgwire {

size_t MessageWriter::begin(BackendType type) {
  const size_t start = out_.size();
  out_.append({static_cast<char>(type), 0, 0, 0, 0});
  return start;
}

void MessageWriter::end(size_t start) {
  store_be(out_.data() + start + 1, static_cast<uint32_t>(out_.size() - start - 1));
}

/// A zero byte inside `text` would end it early on the client: it is cut there.
void MessageWriter::c_string(std::string_view text) {
  out_.append(text.substr(0, std::min(text.find('\0'), text.size())));
  out_.push_back('\0');
}

void MessageWriter::field(char code, std::string_view text) {
  out_.push_back(code);
  c_string(text);
}

void MessageWriter::authentication(uint32_t code, std::string_view data) {
  const size_t start = begin(BackendType::kAuthentication);
  append_be(out_, code);
  out_.append(data);
  end(start);
}

void MessageWriter::authentication_sasl(std::string_view mechanism) {
  const size_t start = begin(BackendType::kAuthentication);
  append_be(out_, uint32_t{10});
  c_string(mechanism);
  out_.push_back('\0');
  end(start);
}

void MessageWriter::negotiate_protocol_version(std::span<const std::string_view> unknown_options) {
  const size_t start = begin(BackendType::kNegotiateProtocolVersion);
  append_be(out_, kProtocolVersion30);
  append_be(out_, static_cast<uint32_t>(unknown_options.size()));
  for (const std::string_view option : unknown_options) c_string(option);
  end(start);
}

void MessageWriter::parameter_status(std::string_view name, std::string_view value) {
  const size_t start = begin(BackendType::kParameterStatus);
  c_string(name);
  c_string(value);
  end(start);
}

void MessageWriter::backend_key_data(int32_t pid, int32_t key) {
  const size_t start = begin(BackendType::kBackendKeyData);
  append_be(out_, pid);
  append_be(out_, key);
  end(start);
}

void MessageWriter::ready_for_query(engine::TransactionState state) {
  const size_t start = begin(BackendType::kReadyForQuery);
  out_.push_back(static_cast<char>(state));
  end(start);
}

void MessageWriter::empty(BackendType type) { end(begin(type)); }

void MessageWriter::parameter_description(std::span<const engine::Oid> types) {
  const size_t start = begin(BackendType::kParameterDescription);
  append_be(out_, static_cast<uint16_t>(types.size()));
  for (const engine::Oid type : types) append_be(out_, type);
  end(start);
}

void MessageWriter::row_description(std::span<const engine::OutputColumn> columns,
                                    std::span<const int16_t> formats) {
  const size_t start = begin(BackendType::kRowDescription);
  append_be(out_, static_cast<uint16_t>(columns.size()));
  for (size_t i = 0; i < columns.size(); ++i) {
    const engine::OutputColumn& column = columns[i];
    const engine::TypeInfo* type = engine::find_type(column.type.id);
    c_string(column.name);
    append_be(out_, column.relation_oid);
    append_be(out_, column.attribute_number);
    append_be(out_, column.type.id);
    append_be(out_, type != nullptr ? type->length : int16_t{-1});
    append_be(out_, column.type.modifier);
    append_be(out_, format_of(formats, i));
  }
  end(start);
}

void MessageWriter::command_complete(std::string_view tag) {
  const size_t start = begin(BackendType::kCommandComplete);
  c_string(tag);
  end(start);
}

void MessageWriter::copy_response(BackendType type, int format_code, size_t columns) {
  const size_t start = begin(type);
  out_.push_back(static_cast<char>(format_code));
  append_be(out_, static_cast<uint16_t>(columns));
  for (size_t i = 0; i < columns; ++i) append_be(out_, static_cast<uint16_t>(format_code));
  end(start);
}

void MessageWriter::error(Severity severity, const Error& error) {
  const std::string_view word = severity == Severity::kFatal ? "FATAL" : "ERROR";
  const size_t start = begin(BackendType::kErrorResponse);
  field('S', word);
  field('V', word);
  field('C', error.code.text());
  field('M', error.message);
  if (!error.detail.empty()) field('D', error.detail);
  if (!error.hint.empty()) field('H', error.hint);
  if (error.position > 0) field('P', std::to_string(error.position));
  if (!error.context.empty()) field('W', error.context);
  out_.push_back('\0');
  end(start);
}

void MessageWriter::notice(const engine::Notice& notice) {
  const size_t start = begin(BackendType::kNoticeResponse);
  field('S', notice.severity);
  field('V', notice.severity);
  field('C', notice.code.text());
  field('M', notice.message);
  out_.push_back('\0');
  end(start);
}

}  // namespace eventd::pgwire
