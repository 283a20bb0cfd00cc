#include "engine/functions/value_hash.h"

#include <vector>

#include "engine/functions/function.h"
#include "engine/functions/ordering.h"

namespace eventd::engine {
namespace {

constexpr uint64_t kNullHash = 0x2d358dccaa6c78a5u;

// One overload per order struct, so that hash and equality are chosen by the same dispatch.
template <class T>
uint64_t hash_of(PlainOrder<T>, T v) {
  return hash_word(static_cast<uint64_t>(static_cast<int64_t>(v)));
}
uint64_t hash_of(OidOrder, int32_t v) { return hash_word(static_cast<uint32_t>(v)); }
template <class T>
uint64_t hash_of(FloatOrder<T>, T v) {
  return hash_double(static_cast<double>(v));
}
uint64_t hash_of(BytesOrder, const StringRef& v) { return hash_bytes(v.view()); }
uint64_t hash_of(BpcharOrder, const StringRef& v) {
  return hash_bytes(without_trailing_spaces(v.view()));
}
uint64_t hash_of(UuidOrder, const UuidValue& v) {
  return hash_bytes({reinterpret_cast<const char*>(v.bytes), 16});
}
uint64_t hash_of(NumericOrder, const StringRef& v) { return hash_numeric_text(v.view()); }
uint64_t hash_of(IntervalOrder, const IntervalValue& v) { return hash_interval(v); }
uint64_t hash_of(TimetzOrder, const TimetzValue& v) {
  return mix_words(static_cast<uint64_t>(v.microseconds),
                   static_cast<uint64_t>(int64_t{v.zone_seconds_west}));
}
uint64_t hash_of(JsonbOrder, const StringRef& v) { return hash_jsonb(as_bytes(v.view())); }
uint64_t hash_of(InetOrder, const StringRef& v) {
  // is_cidr does not count in inet's equality.
  std::string_view bytes = v.view();
  if (bytes.size() < 4) return hash_bytes(bytes);
  return mix_words(hash_bytes(bytes.substr(0, 2)), hash_bytes(bytes.substr(4)));
}
uint64_t hash_of(ArrayOrder, const StringRef& v) { return hash_array(v.view()); }
uint64_t hash_of(RecordOrder, const StringRef& v) { return hash_record(v.view()); }

template <class Order>
void hash_rows(Order order, const VectorView<typename Order::Value>& view, uint64_t* hashes,
               uint32_t rows) {
  if (view.all_valid()) {
    for (uint32_t i = 0; i < rows; ++i) hashes[i] = hash_of(order, view[i]);
  } else {
    for (uint32_t i = 0; i < rows; ++i)
      hashes[i] = view.valid(i) ? hash_of(order, view[i]) : kNullHash;
  }
}

}  // namespace

void hash_vector(const Vector& vector, uint64_t* hashes, uint32_t rows, bool combine) {
  if (rows == 0) return;
  dispatch_order(vector.type(), [&](auto order) {
    using Order = decltype(order);
    using Value = typename Order::Value;
    // Constants and dictionaries: once per distinct value.
    if (vector.form() == Vector::Form::kConstant) {
      uint64_t hash;
      hash_rows(order, vector.view<Value>(), &hash, 1);
      for (uint32_t i = 0; i < rows; ++i) hashes[i] = combine ? mix_words(hashes[i], hash) : hash;
      return;
    }
    if (vector.form() == Vector::Form::kDictionary && vector.dictionary_values().size() <= rows) {
      const Vector& values = vector.dictionary_values();
      std::vector<uint64_t> value_hashes(values.size());
      hash_rows(order, values.view<Value>(), value_hashes.data(), values.size());
      const uint32_t* ids = vector.dictionary_ids();
      for (uint32_t i = 0; i < rows; ++i) {
        const uint64_t hash = value_hashes[ids[i]];
        hashes[i] = combine ? mix_words(hashes[i], hash) : hash;
      }
      return;
    }
    const VectorView<Value> view = vector.view<Value>();
    if (!combine) {
      hash_rows(order, view, hashes, rows);
      return;
    }
    for (uint32_t i = 0; i < rows; ++i)
      hashes[i] = mix_words(hashes[i], view.valid(i) ? hash_of(order, view[i]) : kNullHash);
  });
}

}  // namespace eventd::engine
