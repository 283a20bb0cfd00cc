// Tokens of a jsonpath.
#pragma once

#include <string>
#include <string_view>

#include "result.h"

namespace eventd::engine {

struct PathToken {
  enum class Kind : uint8_t { kEnd, kSymbol, kName, kString, kVariable, kInteger, kDecimal } kind = Kind::kEnd;
  std::string text;        ///< symbol, name, string's value, digits
  std::string_view raw;    ///< as written, for messages
};

/// One thread; borrows the text.
class PathLexer {
 public:
  explicit PathLexer(std::string_view text) : text_(text) {}
  /// 42601; 22P05 for \u0000.
  Result<PathToken> next();

 private:
  Status skip_blank();
  Status escape(std::string& out);
  Status unicode_escape(std::string& out);
  Result<PathToken> quoted(PathToken::Kind kind, size_t begin);
  Result<PathToken> name(PathToken::Kind kind, size_t begin);
  Result<PathToken> number();
  Status error_here(const char* message, size_t begin) const;

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace eventd::engine
