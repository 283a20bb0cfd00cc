// jsonb as rows: jsonb_array_elements, jsonb_each, jsonb_object_keys.
#include <algorithm>

#include "bytes.h"
#include "engine/functions/jsonb_functions.h"
#include "engine/payload/jsonb_map.h"
#include "engine/payload/jsonb_text.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

enum class Shape { kElements, kElementsText, kEach, kEachText, kKeys };

/// Rows of one value. One thread; owns a copy of the value.
class JsonbCursor : public TableFunctionCursor {
 public:
  JsonbCursor(Shape shape, std::string value) : shape_(shape), value_(std::move(value)), reader_(as_bytes(value_)) {}

  Status open() {
    MsgpackToken token;
    if (!reader_.next(token)) token = {};
    const bool wants_array = shape_ == Shape::kElements || shape_ == Shape::kElementsText;
    if (wants_array && token.kind == MsgpackKind::kArray) {
      left_ = token.count;
      return Status();
    }
    if (!wants_array && token.kind == MsgpackKind::kMap) {
      map_.push(reader_, token.count);
      return Status();
    }
    const bool scalar = token.kind != MsgpackKind::kArray && token.kind != MsgpackKind::kMap;
    const char* message = wants_array ? (scalar ? "cannot extract elements from a scalar" : "cannot extract elements from an object")
                          : shape_ == Shape::kKeys
                              ? (scalar ? "cannot call jsonb_object_keys on a scalar" : "cannot call jsonb_object_keys on an array")
                          : shape_ == Shape::kEach ? "cannot call jsonb_each on a non-object"
                                                   : "cannot call jsonb_each_text on a non-object";
    return Status(sqlstate::kInvalidParameterValue, message);
  }

  Result<bool> next(Batch& batch) override {
    const bool elements = shape_ == Shape::kElements || shape_ == Shape::kElementsText;
    const bool pairs = shape_ == Shape::kEach || shape_ == Shape::kEachText;
    const bool text = shape_ != Shape::kElements && shape_ != Shape::kEach;
    // No larger than what is left: most values have few members, and a query opens one for each.
    const size_t left = elements ? left_ : map_.size() - at_;
    if (left == 0) return false;
    const uint32_t room = static_cast<uint32_t>(std::min<size_t>(left, kBatchRows));
    batch.columns.clear();
    if (pairs) batch.columns.push_back(Vector::flat(oid::kText, room));
    batch.columns.push_back(Vector::flat(text ? oid::kText : oid::kJsonb, room));
    uint32_t rows = 0;
    for (; rows < room; ++rows) {
      if (elements) {
        --left_;
        const uint8_t* start = reader_.position();
        if (!reader_.skip()) {
          left_ = 0;
          break;
        }
        set(batch.columns[0], rows, {start, static_cast<size_t>(reader_.position() - start)}, text);
        continue;
      }
      const JsonbEntry entry = map_[at_++];
      batch.columns[0].set_string(rows, entry.key);
      if (pairs) set(batch.columns[1], rows, entry.value, text);
    }
    for (Vector& column : batch.columns) column.set_size(rows);
    batch.size = rows;
    return rows > 0;
  }

 private:
  static void set(Vector& column, uint32_t row, ByteSpan value, bool text) {
    if (!text) return column.set_string(row, as_text(value));
    std::string out;
    if (append_jsonb_scalar_text(value, out)) return column.set_string(row, out);
    column.data<StringRef>()[row] = StringRef{};
    column.set_null(row);
  }

  const Shape shape_;
  const std::string value_;
  MsgpackReader reader_;
  uint32_t left_ = 0;
  JsonbMapStack map_;
  size_t at_ = 0;
};

/// No rows: the argument was NULL.
class EmptyJsonCursor : public TableFunctionCursor {
 public:
  Result<bool> next(Batch&) override { return false; }
};

template <Shape kShape>
Result<std::unique_ptr<TableFunctionCursor>> open(const EvalContext&, std::span<const Datum> arguments) {
  if (arguments[0].is_null()) return std::unique_ptr<TableFunctionCursor>(std::make_unique<EmptyJsonCursor>());
  auto cursor = std::make_unique<JsonbCursor>(kShape, std::string(arguments[0].bytes()));
  RETURN_IF_ERROR(cursor->open());
  return std::unique_ptr<TableFunctionCursor>(std::move(cursor));
}

}  // namespace

void register_jsonb_tables(Builder& builder) {
  const auto add = [&](std::string_view signature, std::vector<std::pair<std::string_view, Oid>> columns, auto* opener) {
    TableFunction function;
    function.columns = std::move(columns);
    function.open = opener;
    builder.builtin_table_function(signature, std::move(function));
  };
  add("jsonb_array_elements(jsonb)", {{"value", oid::kJsonb}}, open<Shape::kElements>);
  add("jsonb_array_elements_text(jsonb)", {{"value", oid::kText}}, open<Shape::kElementsText>);
  add("jsonb_each(jsonb)", {{"key", oid::kText}, {"value", oid::kJsonb}}, open<Shape::kEach>);
  add("jsonb_each_text(jsonb)", {{"key", oid::kText}, {"value", oid::kText}}, open<Shape::kEachText>);
  add("jsonb_object_keys(jsonb)", {{"jsonb_object_keys", oid::kText}}, open<Shape::kKeys>);
}

}  // namespace eventd::engine
