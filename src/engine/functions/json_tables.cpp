// json as rows: json_array_elements, json_each, json_object_keys.
#include "engine/functions/json_text.h"
#include "engine/functions/jsonb_functions.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;
enum class JsonShape { kElements, kElementsText, kEach, kEachText, kKeys };

/// Rows of one value; owns its text.
class JsonTextCursor : public TableFunctionCursor {
 public:
  JsonTextCursor(JsonShape shape, std::string text) : shape_(shape), text_(std::move(text)) {}

  Status open() {
    const std::string_view value = trim_json(text_);
    const char first = value.empty() ? '\0' : value.front();
    if (shape_ == JsonShape::kElements || shape_ == JsonShape::kElementsText) {
      const char* const name = shape_ == JsonShape::kElements ? "json_array_elements" : "json_array_elements_text";
      if (first == '{') return wrong(std::string("cannot call ") + name + " on a non-array");
      if (first != '[') return wrong(std::string("cannot call ") + name + " on a scalar");
      for (const std::string_view element : json_elements(value)) rows_.push_back({{}, element});
      return Status();
    }
    if (first != '{') {
      const std::string kind = first == '[' ? "an array" : "a scalar";
      if (shape_ == JsonShape::kKeys) return wrong("cannot call json_object_keys on " + kind);
      return wrong(first == '[' ? "cannot deconstruct an array as an object" : "cannot deconstruct a scalar");
    }
    rows_ = json_members(value);
    return Status();
  }

  Result<bool> next(Batch& batch) override {
    const bool pairs = shape_ == JsonShape::kEach || shape_ == JsonShape::kEachText;
    const bool text = shape_ == JsonShape::kElementsText || shape_ == JsonShape::kEachText;
    std::vector<Oid> types;
    if (pairs || shape_ == JsonShape::kKeys) types.push_back(oid::kText);
    if (shape_ != JsonShape::kKeys) types.push_back(text ? oid::kText : oid::kJson);
    BatchBuilder builder(types);
    for (; at_ < rows_.size() && !builder.full(); ++at_) {
      const uint32_t row = builder.add_row();
      size_t column = 0;
      if (types.size() == 2 || shape_ == JsonShape::kKeys) {
        std::string key;
        append_json_unescaped(rows_[at_].key, key);
        builder.column(column++).set_string(row, key);
      }
      if (shape_ == JsonShape::kKeys) continue;
      if (!text) {
        builder.column(column).set_string(row, rows_[at_].value);
      } else if (const auto value = json_scalar_text(rows_[at_].value)) {
        builder.column(column).set_string(row, *value);
      } else {
        builder.column(column).set_null(row);
      }
    }
    const bool any = builder.size() > 0;
    batch = builder.take();
    return any;
  }

 private:
  static Status wrong(std::string message) { return Status(sqlstate::kInvalidParameterValue, std::move(message)); }

  const JsonShape shape_;
  const std::string text_;
  std::vector<JsonMember> rows_;
  size_t at_ = 0;
};

class NoJsonRows : public TableFunctionCursor {
 public:
  Result<bool> next(Batch&) override { return false; }
};

template <JsonShape kShape>
Result<std::unique_ptr<TableFunctionCursor>> open_json(const EvalContext&, std::span<const Datum> arguments) {
  if (arguments[0].is_null()) return std::unique_ptr<TableFunctionCursor>(std::make_unique<NoJsonRows>());
  auto cursor = std::make_unique<JsonTextCursor>(kShape, std::string(arguments[0].bytes()));
  RETURN_IF_ERROR(cursor->open());
  return std::unique_ptr<TableFunctionCursor>(std::move(cursor));
}

}  // namespace

void register_json_tables(Builder& builder) {
  const auto add = [&](std::string_view signature, std::vector<std::pair<std::string_view, Oid>> columns, auto* opener) {
    TableFunction function;
    function.columns = std::move(columns);
    function.open = opener;
    builder.builtin_table_function(signature, std::move(function));
  };
  add("json_array_elements(json)", {{"value", oid::kJson}}, open_json<JsonShape::kElements>);
  add("json_array_elements_text(json)", {{"value", oid::kText}}, open_json<JsonShape::kElementsText>);
  add("json_each(json)", {{"key", oid::kText}, {"value", oid::kJson}}, open_json<JsonShape::kEach>);
  add("json_each_text(json)", {{"key", oid::kText}, {"value", oid::kText}}, open_json<JsonShape::kEachText>);
  add("json_object_keys(json)", {{"json_object_keys", oid::kText}}, open_json<JsonShape::kKeys>);
}

}  // namespace eventd::engine
