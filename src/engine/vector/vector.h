// Columns of values between operators.
//
//   Flat        data[0 … size)
//   Constant    data[0], standing for every row
//   Dictionary  data of `dictionary` (itself Flat), row i is dictionary[ids[i]]
//
// Vectors are cheap to copy: they share immutable buffers. A vector under construction has one
// owner; once it has been handed on nobody writes to it, so any number of threads may read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/limits.h"
#include "engine/types/type.h"
#include "engine/vector/datum.h"

namespace eventd::engine {

/// Bytes of a kBytes value, kept alive by the vector's heaps.
struct StringRef {
  const char* data = nullptr;
  uint32_t size = 0;
  std::string_view view() const { return {data, size}; }
};

/// Bump allocator for the bytes of one or more vectors. One writer; freed as a whole.
class StringHeap {
 public:
  /// Room for `size` bytes, valid as long as the heap.
  char* allocate(size_t size);
  StringRef add(std::string_view bytes);
  size_t bytes_allocated() const { return bytes_allocated_; }

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t bytes_allocated_ = 0;
};

template <Physical P>
struct PhysicalTraits;
template <> struct PhysicalTraits<Physical::kBool> { using type = uint8_t; };
template <> struct PhysicalTraits<Physical::kInt16> { using type = int16_t; };
template <> struct PhysicalTraits<Physical::kInt32> { using type = int32_t; };
template <> struct PhysicalTraits<Physical::kInt64> { using type = int64_t; };
template <> struct PhysicalTraits<Physical::kFloat32> { using type = float; };
template <> struct PhysicalTraits<Physical::kFloat64> { using type = double; };
template <> struct PhysicalTraits<Physical::kUuid> { using type = UuidValue; };
template <> struct PhysicalTraits<Physical::kInterval> { using type = IntervalValue; };
template <> struct PhysicalTraits<Physical::kTimetz> { using type = TimetzValue; };
template <> struct PhysicalTraits<Physical::kBytes> { using type = StringRef; };

/// Bytes one value takes in a vector's data.
size_t physical_size(Physical physical);

class Vector;

/// Reads any form of vector by row: `view[i]`, `view.valid(i)`. Borrowed; the vector must outlive it.
template <class T>
class VectorView {
 public:
  explicit VectorView(const Vector& vector);
  uint32_t index(uint32_t row) const { return ids_ ? ids_[row] : (row & mask_); }
  const T& operator[](uint32_t row) const { return data_[index(row)]; }
  bool valid(uint32_t row) const {
    if (validity_ == nullptr) return true;
    const uint32_t i = index(row);
    return (validity_[i >> 6] >> (i & 63) & 1) != 0;
  }
  /// True when no row can be NULL, so that callers may skip the test.
  bool all_valid() const { return validity_ == nullptr; }

 private:
  const T* data_;
  const uint64_t* validity_;
  const uint32_t* ids_;
  uint32_t mask_;  // all ones: flat; zero: constant
};

class Vector {
 public:
  enum class Form : uint8_t { kFlat, kConstant, kDictionary };

  Vector() = default;
  /// Flat, `size` rows, all valid, data uninitialised: fill through data<T>(). Only StringRefs start
  /// as empty strings, so that a NULL row's one can be read.
  static Vector flat(Oid type, uint32_t size);
  static Vector constant(const Datum& value, uint32_t size);
  static Vector null_constant(Oid type, uint32_t size);
  /// Rows `ids[i]` of `dictionary`. A Dictionary argument is composed, a Constant stays one.
  /// REQUIRES: every id < dictionary.size().
  static Vector dictionary(const Vector& dictionary, std::shared_ptr<const uint32_t[]> ids,
                           uint32_t size);

  /// Row `row` of `source`, standing for `size` rows. Shares the bytes of strings.
  static Vector repeat(const Vector& source, uint32_t row, uint32_t size);
  /// This Dictionary's ids over other values of the same count.
  /// REQUIRES: form() is kDictionary, values.size() >= dictionary_values().size().
  Vector with_dictionary_values(const Vector& values) const {
    return dictionary(values, ids_, size_);
  }

  Oid type() const { return type_; }
  /// The same bytes under another type of the same Physical (binary-coercible casts).
  void set_type(Oid type) { type_ = type; }
  Form form() const { return form_; }
  uint32_t size() const { return size_; }
  /// A Constant of another length, or the first `size` rows. REQUIRES for others: size <= size().
  void set_size(uint32_t size) { size_ = size; }

  // --- building (Flat only; before the vector is shared) ---
  template <class T>
  T* data() {
    return reinterpret_cast<T*>(data_.get());
  }
  void set_null(uint32_t row);
  void set_string(uint32_t row, std::string_view bytes) { data<StringRef>()[row] = heap().add(bytes); }
  /// The heap for this vector's own bytes, made at the first call.
  StringHeap& heap();
  /// Keeps `other`'s heaps alive too: its StringRefs may then be copied into this one.
  void share_heaps(const Vector& other);
  /// Keeps `heap` alive: StringRefs into it may be stored here.
  void share_heap(std::shared_ptr<const StringHeap> heap);
  /// Sets row `row` (Flat) from a value of the same type. Copies bytes.
  void set_datum(uint32_t row, const Datum& value);

  // --- reading ---
  template <class T>
  VectorView<T> view() const {
    return VectorView<T>(*this);
  }
  bool is_null(uint32_t row) const;
  bool all_null_constant() const { return form_ == Form::kConstant && is_null(0); }
  /// Copies out one value.
  Datum datum(uint32_t row) const;
  /// This vector as Flat (itself if it is one).
  Vector flattened() const;
  /// Rows [first, first + count), sharing the values. Cheapest where `first` is a multiple of 64.
  /// REQUIRES: first + count <= size().
  Vector slice(uint32_t first, uint32_t count) const;
  /// For Dictionary: the flat vector of distinct-ish values and the ids into it.
  const Vector& dictionary_values() const { return *dictionary_; }
  const uint32_t* dictionary_ids() const { return ids_.get(); }
  /// Tells whether two vectors share their values (a Dictionary: the values of its dictionary).
  /// Stays unique as long as one of them lives.
  const void* values_identity() const {
    return form_ == Form::kDictionary ? dictionary_->data_.get() : data_.get();
  }
  /// Bytes held by data and heaps, for memory accounts (shared ones counted fully).
  size_t memory_bytes() const;

 private:
  template <class T>
  friend class VectorView;
  friend struct Batch;

  void keep_heaps_of(const Vector& other);

  Oid type_ = oid::kUnknown;
  Form form_ = Form::kFlat;
  uint32_t size_ = 0;
  std::shared_ptr<std::byte[]> data_;
  std::shared_ptr<uint64_t[]> validity_;  // null = all valid
  std::shared_ptr<const uint32_t[]> ids_;
  std::shared_ptr<const Vector> dictionary_;
  std::shared_ptr<StringHeap> own_heap_;
  std::vector<std::shared_ptr<const StringHeap>> shared_heaps_;
  uint32_t capacity_ = 0;
};

template <class T>
VectorView<T>::VectorView(const Vector& vector) {
  const Vector& values = vector.form_ == Vector::Form::kDictionary ? *vector.dictionary_ : vector;
  data_ = reinterpret_cast<const T*>(values.data_.get());
  validity_ = values.validity_.get();
  ids_ = vector.form_ == Vector::Form::kDictionary ? vector.ids_.get() : nullptr;
  mask_ = vector.form_ == Vector::Form::kConstant ? 0 : ~uint32_t{0};
}

/// Rows between operators: columns of equal size. At most kBatchRows rows.
struct Batch {
  std::vector<Vector> columns;
  uint32_t size = 0;

  /// The rows `ids[0 … count)` of every column, without copying values.
  Batch select(const uint32_t* ids, uint32_t count) const;
};

/// Collects rows into flat vectors of the given types; take() when full.
class BatchBuilder {
 public:
  explicit BatchBuilder(std::vector<Oid> types);
  bool full() const { return size_ == kBatchRows; }
  uint32_t size() const { return size_; }
  /// Starts the next row; its columns are then set through column(i) at row size()-1.
  uint32_t add_row();
  Vector& column(size_t i) { return columns_[i]; }
  /// Appends row `row` of `batch`. REQUIRES: same types.
  void append(const Batch& batch, uint32_t row);
  /// The rows so far; the builder starts empty again.
  Batch take();

 private:
  void reset();
  std::vector<Oid> types_;
  std::vector<Vector> columns_;
  uint32_t size_ = 0;
};

}  // namespace eventd::engine
