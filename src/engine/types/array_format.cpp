#include "engine/types/array_format.h"

#include <cassert>
#include <charconv>

#include "bytes.h"
#include "engine/types/integer_text.h"
#include "interrupt.h"

namespace eventd::engine {
namespace {

bool is_null_word(std::string_view word) {
  if (word.size() != 4) return false;
  for (size_t i = 0; i < 4; ++i)
    if ((word[i] | 0x20) != "null"[i]) return false;
  return true;
}

Status malformed(std::string_view text, std::string detail) {
  Error error{sqlstate::kInvalidTextRepresentation, "malformed array literal: \"", {}, {}, {}, 0};
  error.message.append(text).append("\"");
  error.detail = std::move(detail);
  return Status(std::move(error));
}

/// Reads '{…}' with an explicit depth instead of recursion.
class TextParser {
 public:
  TextParser(std::string_view text, char delimiter) : whole_(text), text_(text), delimiter_(delimiter) {}

  Result<ArrayText> run() {
    text_ = trim_input_space(text_);
    RETURN_IF_ERROR(explicit_bounds());
    if (peek() != '{')
      return malformed(whole_, bounds_.empty() ? "Array value must start with \"{\" or dimension information."
                                               : "Array contents must start with \"{\".");
    RETURN_IF_ERROR(body());
    if (at_ != text_.size()) return malformed(whole_, "Junk after closing right brace.");
    if (result_.elements.empty()) {
      result_.dimensions.clear();
      return std::move(result_);
    }
    for (int i = 0; i < dimension_count_; ++i) result_.dimensions.push_back({sizes_[i], 1});
    if (!bounds_.empty()) {
      bool same = bounds_.size() == result_.dimensions.size();
      for (size_t i = 0; same && i < bounds_.size(); ++i) same = bounds_[i].size == result_.dimensions[i].size;
      if (!same) return malformed(whole_, "Specified array dimensions do not match array contents.");
      result_.dimensions = bounds_;
    }
    return std::move(result_);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && is_input_space(text_[at_])) ++at_;
  }

  // "[1:3][0:1]={"
  Status explicit_bounds() {
    while (peek() == '[') {
      const size_t close = text_.find(']', at_), colon = text_.find(':', at_);
      if (close == std::string_view::npos) return malformed(whole_, "Missing \"]\" after array dimensions.");
      const auto bound = [&](size_t from, size_t to, int32_t& value) {
        const auto [end, error] = std::from_chars(text_.data() + from, text_.data() + to, value);
        return error == std::errc() && end == text_.data() + to;
      };
      int32_t lower = 1, upper = 0;
      const bool ranged = colon < close;
      if (!(ranged ? bound(at_ + 1, colon, lower) && bound(colon + 1, close, upper) : bound(at_ + 1, close, upper)))
        return malformed(whole_, "\"[\" must introduce explicitly-specified array dimensions.");
      if (upper < lower)
        return Status(sqlstate::kArraySubscriptError, "upper bound cannot be less than lower bound");
      if (bounds_.size() >= kArrayDimensionsMax) return too_many();
      const int64_t size = int64_t{upper} - lower + 1;
      if (size > kArrayElementsMax) return malformed(whole_, "Specified array dimensions do not match array contents.");
      bounds_.push_back({static_cast<int32_t>(size), lower});
      at_ = close + 1;
      if (peek() == '=') {
        ++at_;
        return Status();
      }
    }
    if (!bounds_.empty()) return malformed(whole_, "Missing \"=\" after array dimensions.");
    return Status();
  }

  static Status too_many() {
    return Status(sqlstate::kProgramLimitExceeded,
                  "number of array dimensions (" + std::to_string(kArrayDimensionsMax + 1) +
                      ") exceeds the maximum allowed (" + std::to_string(kArrayDimensionsMax) + ")");
  }
  Status ragged() const {
    return malformed(whole_, "Multidimensional arrays must have sub-arrays with matching dimensions.");
  }

  Status body() {
    int depth = 0;
    int32_t counts[kArrayDimensionsMax] = {};
    bool expect_item = true;  // after '{' or a delimiter
    bool after_open = false;
    InterruptPacer pacer;
    do {
      if (pacer.step(50)) return check_interrupt();
      skip_space();
      if (at_ >= text_.size()) return malformed(whole_, "Unexpected end of input.");
      const char c = text_[at_];
      if (c == '{') {
        if (!expect_item) return malformed(whole_, "Unexpected \"{\" character.");
        if (depth >= kArrayDimensionsMax) return too_many();
        // Elements and sub-arrays cannot stand side by side.
        if (dimension_count_ > 0 && depth >= dimension_count_ && leaf_seen_) return ragged();
        counts[depth++] = 0;
        if (depth > dimension_count_) dimension_count_ = depth;
        ++at_;
        after_open = true;
      } else if (c == '}') {
        if (expect_item && !after_open) return malformed(whole_, "Unexpected \"}\" character.");
        // Empty sub-arrays are no arrays.
        if (after_open && depth != 1) return malformed(whole_, "Unexpected \"}\" character.");
        const int level = --depth;
        if (sizes_[level] < 0) sizes_[level] = counts[level];
        else if (sizes_[level] != counts[level]) return ragged();
        if (depth > 0) ++counts[depth - 1];
        ++at_;
        expect_item = false;
        after_open = false;
      } else if (c == delimiter_) {
        if (expect_item) return malformed(whole_, std::string("Unexpected \"") + c + "\" character.");
        ++at_;
        expect_item = true;
        after_open = false;
      } else {
        if (!expect_item) return malformed(whole_, "Unexpected array element.");
        if (leaf_seen_ && depth != dimension_count_) return ragged();
        leaf_seen_ = true;
        RETURN_IF_ERROR(element());
        ++counts[depth - 1];
        expect_item = false;
        after_open = false;
      }
    } while (depth > 0);
    return Status();
  }

  Status element() {
    std::string value;
    bool quoted = false;
    size_t keep = 0;  // trailing spaces past here are dropped
    if (peek() == '"') {
      quoted = true;
      for (++at_;; ++at_) {
        if (at_ >= text_.size()) return malformed(whole_, "Unexpected end of input.");
        if (text_[at_] == '"') break;
        if (text_[at_] == '\\' && ++at_ >= text_.size()) return malformed(whole_, "Unexpected end of input.");
        value.push_back(text_[at_]);
      }
      ++at_;
      skip_space();
      const char c = peek();
      if (c != delimiter_ && c != '}') return malformed(whole_, "Incorrectly quoted array element.");
    } else {
      bool escaped = false;
      for (; at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '}'; ++at_) {
        char c = text_[at_];
        if (c == '"' || c == '{') return malformed(whole_, std::string("Unexpected \"") + c + "\" character.");
        if (c == '\\') {
          if (++at_ >= text_.size()) return malformed(whole_, "Unexpected end of input.");
          c = text_[at_];
          escaped = true;
          value.push_back(c);
          keep = value.size();
          continue;
        }
        value.push_back(c);
        if (!is_input_space(c)) keep = value.size();
      }
      value.resize(keep);
      if (!escaped && is_null_word(value)) {
        result_.elements.emplace_back(std::nullopt);
        return Status();
      }
    }
    if (!quoted && value.empty()) return malformed(whole_, "Unexpected array element.");
    if (static_cast<int64_t>(result_.elements.size()) >= kArrayElementsMax)
      return Status(sqlstate::kProgramLimitExceeded, "array size exceeds the maximum allowed (134217727)");
    bytes_ += value.size();
    if (bytes_ + result_.elements.size() * sizeof(result_.elements[0]) > kPartsBytesMax)
      return Status(sqlstate::kOutOfMemory, "out of memory: the text of an array has too many elements");
    result_.elements.emplace_back(std::move(value));
    return Status();
  }

  /// What the elements may take one by one, beside the text they come from.
  static constexpr size_t kPartsBytesMax = size_t{256} << 20;

  std::string_view whole_;
  std::string_view text_;
  const char delimiter_;
  size_t at_ = 0, bytes_ = 0;
  ArrayText result_;
  std::vector<ArrayDimension> bounds_;
  int dimension_count_ = 0;
  bool leaf_seen_ = false;
  int32_t sizes_[kArrayDimensionsMax] = {-1, -1, -1, -1, -1, -1};
};

}  // namespace

Result<ArrayReader> ArrayReader::open(std::string_view bytes) {
  const auto bad = [](const char* message) { return Status(sqlstate::kInvalidBinaryRepresentation, message); };
  if (bytes.size() < 12) return bad("insufficient data left in message");
  ArrayReader reader;
  const auto dimensions = load_be<int32_t>(bytes.data());
  const auto flags = load_be<int32_t>(bytes.data() + 4);
  reader.element_type_ = load_be<uint32_t>(bytes.data() + 8);
  if (dimensions < 0 || dimensions > kArrayDimensionsMax) return bad("invalid number of dimensions");
  if (flags != 0 && flags != 1) return bad("invalid array flags");
  size_t at = 12;
  if (bytes.size() - at < static_cast<size_t>(dimensions) * 8) return bad("insufficient data left in message");
  int64_t count = dimensions == 0 ? 0 : 1;
  for (int32_t i = 0; i < dimensions; ++i, at += 8) {
    const ArrayDimension d{load_be<int32_t>(bytes.data() + at), load_be<int32_t>(bytes.data() + at + 4)};
    if (d.size < 0 || int64_t{d.lower} + d.size > INT32_MAX) return bad("invalid array dimension");
    count *= d.size;
    if (count > kArrayElementsMax) return bad("array size exceeds the maximum allowed (134217727)");
    reader.dimensions_.push_back(d);
  }
  if (static_cast<uint64_t>(count) > (bytes.size() - at) / 4) return bad("insufficient data left in message");
  const char* p = bytes.data() + at;
  const char* const end = bytes.data() + bytes.size();
  reader.at_ = p;
  reader.end_ = end;
  reader.count_ = count;
  for (int64_t i = 0; i < count; ++i) {
    if (end - p < 4) return bad("insufficient data left in message");
    const auto size = load_be<int32_t>(p);
    p += 4;
    if (size < -1 || size > end - p) return bad("insufficient data left in message");
    if (size > 0) p += size;
  }
  if (p != end) return bad("improper binary format in array");
  return reader;
}

std::optional<std::string_view> ArrayReader::next() {
  if (end_ - at_ < 4) return std::nullopt;
  const auto size = load_be<int32_t>(at_);
  at_ += 4;
  if (size < 0 || size > end_ - at_) return std::nullopt;
  const std::string_view element(at_, static_cast<size_t>(size));
  at_ += size;
  return element;
}

void ArrayBuilder::add_null() {
  append_be(elements_, int32_t{-1});
  has_null_ = true;
  ++count_;
}

void ArrayBuilder::add(std::string_view bytes) {
  append_be(elements_, static_cast<int32_t>(bytes.size()));
  elements_ += bytes;
  ++count_;
}

std::string ArrayBuilder::finish() {
  if (count_ == 0) return finish({});
  return finish({{static_cast<int32_t>(count_), 1}});
}

std::string ArrayBuilder::finish(const std::vector<ArrayDimension>& dimensions) {
  std::string out;
  out.reserve(12 + dimensions.size() * 8 + elements_.size());
  append_be(out, static_cast<int32_t>(dimensions.size()));
  append_be(out, int32_t{has_null_});
  append_be(out, element_type_);
  for (const ArrayDimension& d : dimensions) {
    append_be(out, d.size);
    append_be(out, d.lower);
  }
  out += elements_;
  elements_.clear();
  count_ = 0;
  has_null_ = false;
  return out;
}

Result<ArrayText> parse_array_text(std::string_view text, char delimiter) {
  return TextParser(text, delimiter).run();
}

void append_array_element_text(std::string_view element, std::string& out, char delimiter) {
  bool quote = element.empty() || is_null_word(element);
  for (const char c : element) {
    quote = quote || c == '"' || c == '\\' || c == '{' || c == '}' || c == delimiter || is_input_space(c);
  }
  if (!quote) {
    out += element;
    return;
  }
  out.push_back('"');
  for (const char c : element) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

void append_array_text(const ArrayText& array, std::string& out, char delimiter) {
  if (array.elements.empty()) {
    out += "{}";
    return;
  }
  const auto& dims = array.dimensions;
  bool shifted = false;
  for (const ArrayDimension& d : dims) shifted = shifted || d.lower != 1;
  if (shifted) {
    for (const ArrayDimension& d : dims) {
      out.push_back('[');
      append_integer(d.lower, out);
      out.push_back(':');
      append_integer(int64_t{d.lower} + d.size - 1, out);
      out.push_back(']');
    }
    out.push_back('=');
  }
  // Elements per sub-array that starts at each level.
  std::vector<size_t> spans(dims.size());
  size_t span = 1;
  for (size_t i = dims.size(); i-- > 0;) spans[i] = span *= static_cast<size_t>(dims[i].size);
  InterruptPacer pacer;
  for (size_t i = 0; i < array.elements.size() && !pacer.step(20); ++i) {
    if (i > 0) out.push_back(delimiter);
    for (const size_t s : spans)
      if (i % s == 0) out.push_back('{');
    if (array.elements[i]) append_array_element_text(*array.elements[i], out, delimiter);
    else out += "NULL";
    for (const size_t s : spans)
      if ((i + 1) % s == 0) out.push_back('}');
  }
}

}  // namespace eventd::engine
