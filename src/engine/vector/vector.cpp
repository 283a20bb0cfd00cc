#include "engine/vector/vector.h"

#include <algorithm>
#include <cassert>

#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {

constexpr size_t words_for(uint32_t rows) { return (size_t{rows} + 63) / 64; }

template <class T>
Datum make_datum(Oid type, const T& value) {
  if constexpr (std::is_same_v<T, StringRef>) {
    return {type, std::string(value.view())};
  } else if constexpr (std::is_same_v<T, uint8_t>) {
    return {type, value != 0};
  } else {
    return {type, value};
  }
}

}  // namespace

size_t physical_size(Physical physical) {
  return dispatch_physical(physical, [](auto tag) { return sizeof(typename decltype(tag)::type); });
}

Vector Vector::flat(Oid type, uint32_t size) {
  const Physical physical = physical_of(type);
  Vector result;
  result.type_ = type;
  result.size_ = size;
  result.capacity_ = size;
  const size_t bytes = std::max<size_t>(16, size * physical_size(physical));
  // new[] aligns to 16, make_shared's array only to its element.
  result.data_ = std::shared_ptr<std::byte[]>(new std::byte[bytes]);
  if (physical == Physical::kBytes) std::memset(result.data_.get(), 0, bytes);
  return result;
}

Vector Vector::constant(const Datum& value, uint32_t size) {
  if (value.is_null()) return null_constant(value.type(), size);
  Vector result = flat(value.type(), 1);
  result.set_datum(0, value);
  result.form_ = Form::kConstant;
  result.size_ = size;
  return result;
}

Vector Vector::null_constant(Oid type, uint32_t size) {
  Vector result;
  result.type_ = type;
  result.form_ = Form::kConstant;
  result.size_ = size;
  result.capacity_ = 1;
  // 16 zero bytes are a readable value of every Physical.
  static_assert(sizeof(StringRef) <= 16 && sizeof(IntervalValue) <= 16 && sizeof(TimetzValue) <= 16);
  result.data_ = std::shared_ptr<std::byte[]>(new std::byte[16]());
  result.validity_ = std::shared_ptr<uint64_t[]>(new uint64_t[1]());
  return result;
}

Vector Vector::dictionary(const Vector& dictionary, std::shared_ptr<const uint32_t[]> ids,
                          uint32_t size) {
  Vector result;
  switch (dictionary.form_) {
    case Form::kConstant:
      result = dictionary;
      result.size_ = size;
      return result;
    case Form::kDictionary: {
      std::shared_ptr<uint32_t[]> composed(new uint32_t[std::max<uint32_t>(size, 1)]);
      const uint32_t* inner = dictionary.ids_.get();
      for (uint32_t i = 0; i < size; ++i) composed[i] = inner[ids[i]];
      result.dictionary_ = dictionary.dictionary_;
      result.ids_ = std::move(composed);
      break;
    }
    case Form::kFlat:
      result.dictionary_ = std::make_shared<const Vector>(dictionary);
      result.ids_ = std::move(ids);
      break;
  }
  result.type_ = dictionary.type_;
  result.form_ = Form::kDictionary;
  result.size_ = size;
  result.capacity_ = size;
  return result;
}

Vector Vector::repeat(const Vector& source, uint32_t row, uint32_t size) {
  if (source.is_null(row)) return null_constant(source.type_, size);
  Vector result = flat(source.type_, 1);
  dispatch_physical(physical_of(source.type_), [&](auto tag) {
    using T = typename decltype(tag)::type;
    result.data<T>()[0] = source.view<T>()[row];
    if constexpr (std::is_same_v<T, StringRef>) result.share_heaps(source);
  });
  result.form_ = Form::kConstant;
  result.size_ = size;
  return result;
}

void Vector::set_null(uint32_t row) {
  assert(form_ == Form::kFlat && row < capacity_);
  if (!validity_) {
    const size_t words = words_for(capacity_);
    validity_ = std::shared_ptr<uint64_t[]>(new uint64_t[words]);
    std::fill_n(validity_.get(), words, ~uint64_t{0});
  }
  validity_[row >> 6] &= ~(uint64_t{1} << (row & 63));
}

StringHeap& Vector::heap() {
  if (!own_heap_) own_heap_ = std::make_shared<StringHeap>();
  return *own_heap_;
}

void Vector::share_heap(std::shared_ptr<const StringHeap> heap) {
  if (heap == nullptr || heap == own_heap_) return;
  if (std::find(shared_heaps_.begin(), shared_heaps_.end(), heap) != shared_heaps_.end()) return;
  shared_heaps_.push_back(std::move(heap));
}

void Vector::share_heaps(const Vector& other) {
  keep_heaps_of(other);
  if (other.dictionary_) keep_heaps_of(*other.dictionary_);
}

void Vector::keep_heaps_of(const Vector& other) {
  share_heap(other.own_heap_);
  for (const auto& heap : other.shared_heaps_) share_heap(heap);
}

void Vector::set_datum(uint32_t row, const Datum& value) {
  if (value.is_null()) {
    set_null(row);
    return;
  }
  dispatch_physical(physical_of(type_), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, StringRef>) {
      set_string(row, value.bytes());
    } else if constexpr (std::is_same_v<T, uint8_t>) {
      data<uint8_t>()[row] = value.as<bool>() ? 1 : 0;
    } else {
      data<T>()[row] = value.as<T>();
    }
  });
}

bool Vector::is_null(uint32_t row) const {
  const Vector& values = form_ == Form::kDictionary ? *dictionary_ : *this;
  if (!values.validity_) return false;
  const uint32_t i = form_ == Form::kDictionary ? ids_[row] : form_ == Form::kConstant ? 0 : row;
  return (values.validity_[i >> 6] >> (i & 63) & 1) == 0;
}

Datum Vector::datum(uint32_t row) const {
  if (is_null(row)) return Datum::null(type_);
  return dispatch_physical(physical_of(type_), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return make_datum<T>(type_, view<T>()[row]);
  });
}

Vector Vector::flattened() const {
  if (form_ == Form::kFlat) return *this;
  Vector result = flat(type_, size_);
  dispatch_physical(physical_of(type_), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const VectorView<T> values = view<T>();
    T* out = result.data<T>();
    for (uint32_t i = 0; i < size_; ++i) out[i] = values[i];
    if (!values.all_valid()) {
      for (uint32_t i = 0; i < size_; ++i) {
        if (!values.valid(i)) result.set_null(i);
      }
    }
    if constexpr (std::is_same_v<T, StringRef>) result.share_heaps(*this);
  });
  return result;
}

Vector Vector::slice(uint32_t first, uint32_t count) const {
  Vector result = *this;
  result.size_ = count;
  if (form_ == Form::kConstant) return result;
  result.capacity_ = count;
  if (form_ == Form::kDictionary) {
    result.ids_ = std::shared_ptr<const uint32_t[]>(ids_, ids_.get() + first);
    return result;
  }
  const size_t offset = size_t{first} * physical_size(physical_of(type_));
  result.data_ = std::shared_ptr<std::byte[]>(data_, data_.get() + offset);
  if (!validity_) return result;
  const uint32_t shift = first & 63;
  const uint64_t* from = validity_.get() + first / 64;
  if (shift == 0) {
    result.validity_ = std::shared_ptr<uint64_t[]>(validity_, validity_.get() + first / 64);
    return result;
  }
  const size_t words = std::max<size_t>(1, words_for(count));
  const size_t available = words_for(capacity_) - first / 64;
  std::shared_ptr<uint64_t[]> shifted(new uint64_t[words]);
  for (size_t i = 0; i < words; ++i) {
    const uint64_t low = i < available ? from[i] >> shift : 0;
    const uint64_t high = i + 1 < available ? from[i + 1] << (64 - shift) : 0;
    shifted[i] = low | high;
  }
  result.validity_ = std::move(shifted);
  return result;
}

size_t Vector::memory_bytes() const {
  if (form_ == Form::kDictionary) {
    return size_t{size_} * sizeof(uint32_t) + dictionary_->memory_bytes();
  }
  size_t bytes = size_t{capacity_} * (find_type(type_) ? physical_size(physical_of(type_)) : 16);
  if (validity_) bytes += words_for(capacity_) * sizeof(uint64_t);
  if (own_heap_) bytes += own_heap_->bytes_allocated();
  for (const auto& heap : shared_heaps_) bytes += heap->bytes_allocated();
  return bytes;
}

}  // namespace eventd::engine
