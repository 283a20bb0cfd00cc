// Single bytes and bits of bytea, and text in other encodings.
#include <iconv.h>

#include <bit>
#include <cerrno>
#include <cstdio>
#include <string>

#include "bytes.h"
#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/text_helpers.h"
#include "kmes/validate.h"

namespace eventd::engine {
namespace {

Status index_error(int64_t index, int64_t last) {
  return Status(sqlstate::kArraySubscriptError,
                "index " + std::to_string(index) + " out of valid range, 0.." + std::to_string(last));
}

Status check_index(int64_t index, int64_t count) {
  if (index < 0 || index >= count) return index_error(index, count - 1);
  return Status();
}

Status overlay_bytes(std::string_view bytes, std::string_view placed, int32_t start, int64_t length, StringOut& out) {
  if (start <= 0) return Status(sqlstate::kSubstringError, "negative substring length not allowed");
  const int64_t resume = int64_t{start} + length;
  if (resume > INT32_MAX) return fault::kIntegerRange.status();
  std::string& buffer = out.buffer();
  const auto clamp = [&](int64_t place) { return static_cast<size_t>(std::clamp<int64_t>(place - 1, 0, static_cast<int64_t>(bytes.size()))); };
  buffer += bytes.substr(0, clamp(start));
  buffer += placed;
  buffer += bytes.substr(clamp(resume));
  out.copy(buffer);
  return Status();
}

// --- encodings ---

struct TextEncoding {
  std::string_view key;   ///< PostgreSQL's name, lower case, letters and digits only
  std::string_view name;  ///< as PostgreSQL prints it
  const char* iconv_name;
};
constexpr TextEncoding kEncodings[] = {
    {"utf8", "UTF8", "UTF-8"},           {"unicode", "UTF8", "UTF-8"},
    {"sqlascii", "SQL_ASCII", nullptr},  {"latin1", "LATIN1", "ISO-8859-1"},
    {"iso88591", "LATIN1", "ISO-8859-1"}, {"latin2", "LATIN2", "ISO-8859-2"},
    {"iso88592", "LATIN2", "ISO-8859-2"}, {"latin3", "LATIN3", "ISO-8859-3"},
    {"latin4", "LATIN4", "ISO-8859-4"},  {"latin5", "LATIN5", "ISO-8859-9"},
    {"latin6", "LATIN6", "ISO-8859-10"}, {"latin7", "LATIN7", "ISO-8859-13"},
    {"latin8", "LATIN8", "ISO-8859-14"}, {"latin9", "LATIN9", "ISO-8859-15"},
    {"latin10", "LATIN10", "ISO-8859-16"}, {"iso885915", "LATIN9", "ISO-8859-15"},
    {"iso88595", "ISO_8859_5", "ISO-8859-5"}, {"iso88596", "ISO_8859_6", "ISO-8859-6"},
    {"iso88597", "ISO_8859_7", "ISO-8859-7"}, {"iso88598", "ISO_8859_8", "ISO-8859-8"},
    {"win1250", "WIN1250", "CP1250"},    {"windows1250", "WIN1250", "CP1250"},
    {"win1251", "WIN1251", "CP1251"},    {"windows1251", "WIN1251", "CP1251"},
    {"win", "WIN1251", "CP1251"},        {"win1252", "WIN1252", "CP1252"},
    {"windows1252", "WIN1252", "CP1252"}, {"win1253", "WIN1253", "CP1253"},
    {"win1254", "WIN1254", "CP1254"},    {"win1255", "WIN1255", "CP1255"},
    {"win1256", "WIN1256", "CP1256"},    {"win1257", "WIN1257", "CP1257"},
    {"win1258", "WIN1258", "CP1258"},    {"win866", "WIN866", "CP866"},
    {"win874", "WIN874", "CP874"},       {"koi8r", "KOI8R", "KOI8-R"},
    {"koi8", "KOI8R", "KOI8-R"},         {"koi8u", "KOI8U", "KOI8-U"},
    {"eucjp", "EUC_JP", "EUC-JP"},       {"euccn", "EUC_CN", "GB2312"},
    {"euckr", "EUC_KR", "EUC-KR"},       {"euctw", "EUC_TW", "EUC-TW"},
    {"big5", "BIG5", "BIG5"},            {"gbk", "GBK", "GBK"},
    {"gb18030", "GB18030", "GB18030"},   {"sjis", "SJIS", "CP932"},
    {"shiftjis", "SJIS", "CP932"},       {"uhc", "UHC", "CP949"},
    {"johab", "JOHAB", "JOHAB"},
};

Result<const TextEncoding*> find_encoding(std::string_view name, const char* role) {
  std::string key;
  for (const char c : name) {
    const char low = ascii_lower(c);
    if ((low >= 'a' && low <= 'z') || (low >= '0' && low <= '9')) key.push_back(low);
  }
  for (const TextEncoding& encoding : kEncodings)
    if (encoding.key == key) return &encoding;
  return {sqlstate::kInvalidParameterValue,
          std::string("invalid ") + role + "encoding name \"" + std::string(name) + "\""};
}

std::string hex_list(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    char buffer[8];
    snprintf(buffer, sizeof buffer, "%s0x%02x", out.empty() ? "" : " ", static_cast<uint8_t>(c));
    out += buffer;
  }
  return out;
}

Status invalid_bytes(const TextEncoding& encoding, std::string_view rest) {
  size_t size = 1;
  if (encoding.name == "UTF8" && !rest.empty()) {
    const auto first = static_cast<uint8_t>(rest[0]);
    size = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (first >= 0xf8) size = 1;
  }
  return Status(sqlstate::kCharacterNotInRepertoire, "invalid byte sequence for encoding \"" + std::string(encoding.name) +
                                                         "\": " + hex_list(rest.substr(0, size)));
}

Status check_valid(const TextEncoding& encoding, std::string_view bytes) {
  if (const size_t nul = bytes.find('\0'); nul != std::string_view::npos) {
    return Status(sqlstate::kCharacterNotInRepertoire,
                  "invalid byte sequence for encoding \"" + std::string(encoding.name) + "\": 0x00");
  }
  if (encoding.name != "UTF8" || kmes_utf8_valid(as_bytes(bytes).data(), bytes.size())) return Status();
  size_t at = 0;  // the first character that is none
  while (at < bytes.size()) {
    const size_t size = utf8_first_bytes(bytes.substr(at));
    if (!kmes_utf8_valid(as_bytes(bytes.substr(at, size)).data(), size)) break;
    at += size;
  }
  return invalid_bytes(encoding, bytes.substr(at));
}

/// iconv's handle. One thread.
class Converter {
 public:
  Converter(const char* to, const char* from) : handle_(iconv_open(to, from)) {}
  ~Converter() {
    if (open()) iconv_close(handle_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  bool open() const { return handle_ != reinterpret_cast<iconv_t>(-1); }
  iconv_t handle() const { return handle_; }

 private:
  const iconv_t handle_;
};

Status convert_bytes(std::string_view bytes, const TextEncoding& from, const TextEncoding& to, std::string& out) {
  RETURN_IF_ERROR(check_valid(from, bytes));
  if (from.name == to.name || from.iconv_name == nullptr || to.iconv_name == nullptr || is_ascii(bytes)) {
    RETURN_IF_ERROR(check_valid(to, bytes));
    out += bytes;
    return Status();
  }
  const Converter converter(to.iconv_name, from.iconv_name);
  if (!converter.open())
    return Status(sqlstate::kUndefinedFunction, "default conversion function for encoding \"" + std::string(from.name) +
                                                    "\" to \"" + std::string(to.name) + "\" does not exist");
  std::string input(bytes);
  char* in = input.data();
  size_t in_left = input.size();
  char buffer[4096];
  while (in_left > 0) {
    char* to_bytes = buffer;
    size_t room = sizeof buffer;
    const size_t done = iconv(converter.handle(), &in, &in_left, &to_bytes, &room);
    const int error = errno;
    out.append(buffer, sizeof buffer - room);
    if (done != static_cast<size_t>(-1) || error == E2BIG) continue;
    const std::string_view rest(in, in_left);
    if (from.name == "UTF8" && error == EILSEQ) {
      return Status(sqlstate::kUntranslatableCharacter,
                    "character with byte sequence " + hex_list(rest.substr(0, utf8_first_bytes(rest))) +
                        " in encoding \"UTF8\" has no equivalent in encoding \"" + std::string(to.name) + "\"");
    }
    return invalid_bytes(from, rest);
  }
  return Status();
}

Status convert_named(const StringRef& bytes, std::string_view from_name, std::string_view to_name, StringOut& out) {
  ASSIGN_OR_RETURN(const TextEncoding* from, find_encoding(from_name, "source "));
  ASSIGN_OR_RETURN(const TextEncoding* to, find_encoding(to_name, "destination "));
  std::string& buffer = out.buffer();
  RETURN_IF_ERROR(convert_bytes(bytes.view(), *from, *to, buffer));
  out.copy(buffer);
  return Status();
}

void register_bits(FunctionCatalog::Builder& builder) {
  builder.builtin("get_byte(bytea,int4)",
                  row_kernel<int32_t, StringRef, int32_t>([](const StringRef& b, int32_t index, int32_t& out) -> Status {
                    RETURN_IF_ERROR(check_index(index, b.size));
                    out = static_cast<uint8_t>(b.data[index]);
                    return Status();
                  }));
  builder.builtin("get_bit(bytea,int8)",
                  row_kernel<int32_t, StringRef, int64_t>([](const StringRef& b, int64_t index, int32_t& out) -> Status {
                    RETURN_IF_ERROR(check_index(index, int64_t{b.size} * 8));
                    out = static_cast<uint8_t>(b.data[index / 8]) >> (index % 8) & 1;
                    return Status();
                  }));
  builder.builtin("set_byte(bytea,int4,int4)",
                  row_kernel<StringRef, StringRef, int32_t, int32_t>(
                      [](const StringRef& b, int32_t index, int32_t value, StringOut& out) -> Status {
                        RETURN_IF_ERROR(check_index(index, b.size));
                        std::string& buffer = out.buffer();
                        buffer = b.view();
                        buffer[static_cast<size_t>(index)] = static_cast<char>(value);
                        out.copy(buffer);
                        return Status();
                      }));
  builder.builtin("set_bit(bytea,int8,int4)",
                  row_kernel<StringRef, StringRef, int64_t, int32_t>(
                      [](const StringRef& b, int64_t index, int32_t value, StringOut& out) -> Status {
                        RETURN_IF_ERROR(check_index(index, int64_t{b.size} * 8));
                        if (value != 0 && value != 1)
                          return Status(sqlstate::kInvalidParameterValue, "new bit must be 0 or 1");
                        std::string& buffer = out.buffer();
                        buffer = b.view();
                        char& byte = buffer[static_cast<size_t>(index / 8)];
                        const auto mask = static_cast<uint8_t>(1u << (index % 8));
                        byte = static_cast<char>(value == 1 ? static_cast<uint8_t>(byte) | mask : static_cast<uint8_t>(byte) & ~mask);
                        out.copy(buffer);
                        return Status();
                      }));
  builder.builtin("bit_count(bytea)", row_kernel<int64_t, StringRef>([](const StringRef& b, int64_t& out) {
                    out = 0;
                    for (const char c : b.view()) out += std::popcount(static_cast<uint8_t>(c));
                  }));
}

}  // namespace

void register_text_bytes(FunctionCatalog::Builder& builder) {
  register_bits(builder);
  builder.builtin("overlay(bytea,bytea,int4)",
                  row_kernel<StringRef, StringRef, StringRef, int32_t>(
                      [](const StringRef& b, const StringRef& placed, int32_t start, StringOut& out) {
                        return overlay_bytes(b.view(), placed.view(), start, placed.size, out);
                      }));
  builder.builtin("overlay(bytea,bytea,int4,int4)",
                  row_kernel<StringRef, StringRef, StringRef, int32_t, int32_t>(
                      [](const StringRef& b, const StringRef& placed, int32_t start, int32_t length, StringOut& out) {
                        return overlay_bytes(b.view(), placed.view(), start, length, out);
                      }));
  builder.builtin("convert(bytea,name,name)",
                  row_kernel<StringRef, StringRef, StringRef, StringRef>(
                      [](const StringRef& b, const StringRef& from, const StringRef& to, StringOut& out) {
                        return convert_named(b, from.view(), to.view(), out);
                      }));
  builder.builtin("convert_from(bytea,name)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& b, const StringRef& from, StringOut& out) {
                    return convert_named(b, from.view(), "UTF8", out);
                  }));
  builder.builtin("convert_to(text,name)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& text, const StringRef& to, StringOut& out) {
                    return convert_named(text, "UTF8", to.view(), out);
                  }));
  builder.builtin("length(bytea,name)",
                  row_kernel<int32_t, StringRef, StringRef>([](const StringRef& b, const StringRef& name, int32_t& out) -> Status {
                    ASSIGN_OR_RETURN(const TextEncoding* encoding, find_encoding(name.view(), ""));
                    RETURN_IF_ERROR(check_valid(*encoding, b.view()));
                    out = static_cast<int32_t>(encoding->name == "UTF8" ? utf8_length(b.view()) : b.size);
                    return Status();
                  }));
}

}  // namespace eventd::engine
