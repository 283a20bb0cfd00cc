#include "engine/functions/unicode_normalize.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "engine/functions/kernel_helpers.h"
#include "engine/functions/text_helpers.h"

namespace eventd::engine {
namespace {

/// NFC, NFD, NFKC or NFKD, in any case; 22023.
Result<utf8proc_option_t> normalization_form(std::string_view name) {
  std::string lower;
  for (const char c : name) lower.push_back(ascii_lower(c));
  const auto options = [](int value) { return static_cast<utf8proc_option_t>(value); };
  if (lower == "nfc") return options(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  if (lower == "nfd") return options(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
  if (lower == "nfkc") return options(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
  if (lower == "nfkd") return options(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
  return Status(sqlstate::kInvalidParameterValue, "invalid normalization form: " + std::string(name));
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

/// nullopt: nothing changes, as in all plain ASCII.
Result<std::optional<std::string>> normalized(std::string_view text, std::string_view form) {
  ASSIGN_OR_RETURN(const utf8proc_option_t options, normalization_form(form));
  if (is_ascii(text)) return std::optional<std::string>();
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (size == UTF8PROC_ERROR_NOMEM || size == UTF8PROC_ERROR_OVERFLOW) {
    return Status(sqlstate::kOutOfMemory, "out of memory");
  }
  if (size < 0) {
    return Status(sqlstate::kCharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"");
  }
  return std::optional<std::string>(std::string(reinterpret_cast<const char*>(mapped), static_cast<size_t>(size)));
}

}  // namespace

void register_normalization(FunctionCatalog::Builder& builder) {
  builder.builtin("normalize(text,text)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& text, const StringRef& form, StringOut& out) -> Status {
                    ASSIGN_OR_RETURN(const std::optional<std::string> result, normalized(text.view(), form.view()));
                    out.copy(result ? std::string_view(*result) : text.view());
                    return Status();
                  }));
  builder.builtin("is_normalized(text,text)",
                  row_kernel<uint8_t, StringRef, StringRef>([](const StringRef& text, const StringRef& form, uint8_t& out) -> Status {
                    ASSIGN_OR_RETURN(const std::optional<std::string> result, normalized(text.view(), form.view()));
                    out = !result || *result == text.view() ? 1 : 0;
                    return Status();
                  }));
}

}  // namespace eventd::engine
