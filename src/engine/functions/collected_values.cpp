#include "engine/functions/collected_values.h"

#include <type_traits>

namespace eventd::engine {
namespace {

template <class Order>
class ValuesInOrder final : public CollectedValues {
 public:
  using Value = typename Order::Value;
  explicit ValuesInOrder(Oid type) : type_(type) {}

  void add(const Vector& vector, uint32_t row) override { add_value(vector.view<Value>()[row]); }
  void add_rows(const Vector& vector, uint32_t rows, CollectedValues* const* targets) const override {
    const VectorView<Value> view = vector.view<Value>();
    for (uint32_t i = 0; i < rows; ++i) {
      if (targets[i] != nullptr) static_cast<ValuesInOrder*>(targets[i])->add_value(view[i]);
    }
  }
  void add_all(const CollectedValues& other) override {
    for (const Value& value : static_cast<const ValuesInOrder&>(other).values_) add_value(value);
  }
  size_t size() const override { return values_.size(); }
  size_t memory_bytes() const override {
    return sizeof(*this) + values_.capacity() * sizeof(Value) + heap_.bytes_allocated();
  }

  Datum nth(size_t index, bool descending) override {
    const auto place = values_.begin() + static_cast<ptrdiff_t>(index);
    std::nth_element(values_.begin(), place, values_.end(), [descending](const Value& a, const Value& b) {
      return descending ? Order::less(b, a) : Order::less(a, b);
    });
    return datum_of(*place);
  }

  Datum most_frequent(bool descending) override {
    std::stable_sort(values_.begin(), values_.end(), [descending](const Value& a, const Value& b) {
      return descending ? Order::less(b, a) : Order::less(a, b);
    });
    size_t best = 0, best_count = 0;
    for (size_t i = 0; i < values_.size();) {
      size_t end = i + 1;
      while (end < values_.size() && Order::equal(values_[i], values_[end])) ++end;
      if (end - i > best_count) {
        best = i;
        best_count = end - i;
      }
      i = end;
    }
    return datum_of(values_[best]);
  }

 private:
  void add_value(const Value& value) {
    if constexpr (std::is_same_v<Value, StringRef>) {
      values_.push_back(heap_.add(value.view()));
    } else {
      values_.push_back(value);
    }
  }
  Datum datum_of(const Value& value) const {
    if constexpr (std::is_same_v<Value, StringRef>) {
      return {type_, std::string(value.view())};
    } else if constexpr (std::is_same_v<Value, uint8_t>) {
      return {type_, value != 0};
    } else {
      return {type_, value};
    }
  }

  const Oid type_;
  std::vector<Value> values_;
  StringHeap heap_;
};

}  // namespace

std::unique_ptr<CollectedValues> CollectedValues::of_type(Oid type) {
  return dispatch_order(type, [type](auto order) -> std::unique_ptr<CollectedValues> {
    return std::make_unique<ValuesInOrder<decltype(order)>>(type);
  });
}

}  // namespace eventd::engine
