// Turns a function of one row into a Kernel: NULL propagation, constants computed once,
// dictionary columns computed once per distinct value, tight loops over flat columns.
//
//   builder.builtin("int4pl(int4,int4)",
//       row_kernel<int32_t, int32_t, int32_t>([](int32_t a, int32_t b, int32_t& out) -> const Fault* {…}));
//
// The template arguments are the result's storage type, then the arguments' (PhysicalTraits).
// The lambda captures nothing; it takes (optionally const CallFrame& first) the arguments, then
// the output by reference. A string result takes StringOut&. It returns one of
//   void          always a value
//   bool          false = the result is NULL
//   const Fault*  null = fine, else a static error (for hot loops)
//   Status        any error
//   Result<bool>  an error, or false for NULL
// The function must not be volatile: it may run once for many rows.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "engine/functions/function.h"
#include "engine/functions/row_guard.h"

namespace eventd::engine {

/// An error known at compile time.
struct Fault {
  SqlState code;
  const char* message;
  Status status() const { return Status(code, message); }
};

namespace fault {
inline constexpr Fault kSmallintRange{sqlstate::kNumericValueOutOfRange, "smallint out of range"};
inline constexpr Fault kIntegerRange{sqlstate::kNumericValueOutOfRange, "integer out of range"};
inline constexpr Fault kBigintRange{sqlstate::kNumericValueOutOfRange, "bigint out of range"};
inline constexpr Fault kOidRange{sqlstate::kNumericValueOutOfRange, "OID out of range"};
inline constexpr Fault kFloatOverflow{sqlstate::kNumericValueOutOfRange,
                                      "value out of range: overflow"};
inline constexpr Fault kFloatUnderflow{sqlstate::kNumericValueOutOfRange,
                                       "value out of range: underflow"};
inline constexpr Fault kInputRange{sqlstate::kNumericValueOutOfRange, "input is out of range"};
inline constexpr Fault kDivisionByZero{sqlstate::kDivisionByZero, "division by zero"};
inline constexpr Fault kRequestedLength{sqlstate::kProgramLimitExceeded,
                                        "requested length too large"};
}  // namespace fault

/// Longest value a text function makes (PostgreSQL's limit of a field, 1 GB).
inline constexpr size_t kMaxTextBytes = 0x3fffffff;

/// Where a string result goes: either bytes copied into the result's heap, or a slice of an
/// argument's bytes, which then costs no copy.
class StringOut {
 public:
  StringOut(StringHeap& heap, std::string& buffer) : heap_(heap), buffer_(buffer) {}
  void copy(std::string_view bytes) { ref_ = heap_.add(bytes); }
  /// REQUIRES: `bytes` lie within an argument of this row (or are static).
  void keep(std::string_view bytes) {
    ref_ = StringRef{bytes.data(), static_cast<uint32_t>(bytes.size())};
  }
  /// Room for `size` bytes of the result, to be filled by the caller.
  char* allocate(size_t size) {
    char* to = heap_.allocate(size);
    ref_ = StringRef{to, static_cast<uint32_t>(size)};
    return to;
  }
  /// An empty scratch string; copy(buffer) when done. Keeps its capacity over the rows.
  std::string& buffer() {
    buffer_.clear();
    return buffer_;
  }
  StringRef ref() const { return ref_; }

 private:
  StringHeap& heap_;
  std::string& buffer_;
  StringRef ref_;
};

namespace kernel_detail {

template <class T>
struct FlatColumn {
  const T* data;
  const T& operator[](uint32_t row) const { return data[row]; }
};
template <class T>
struct ConstantColumn {
  const T& value;
  const T& operator[](uint32_t) const { return value; }
};

inline Status to_status(const Fault* fault) { return fault == nullptr ? Status() : fault->status(); }

/// Calls fn for one row whose arguments are not NULL. `is_null` is set where it says so.
template <class Fn, class Out, class... Args>
inline Status call_row(const Fn& fn, const CallFrame& frame, Out& out, bool& is_null,
                       const Args&... args) {
  auto run = [&]() -> decltype(auto) {
    if constexpr (std::is_invocable_v<const Fn&, const CallFrame&, const Args&..., Out&>) {
      return fn(frame, args..., out);
    } else {
      return fn(args..., out);
    }
  };
  using Returned = decltype(run());
  if constexpr (std::is_void_v<Returned>) {
    run();
    return Status();
  } else if constexpr (std::is_same_v<Returned, bool>) {
    is_null = !run();
    return Status();
  } else if constexpr (std::is_same_v<Returned, const Fault*>) {
    return to_status(run());
  } else if constexpr (std::is_same_v<Returned, Status>) {
    return run();
  } else {
    static_assert(std::is_same_v<Returned, Result<bool>>);
    Returned returned = run();
    if (!returned.ok()) return std::move(returned).take_status();
    is_null = !*returned;
    return Status();
  }
}

template <class Fn, class Out, class... In>
struct ReturnOf {
  static auto probe() {
    if constexpr (std::is_invocable_v<const Fn&, const CallFrame&, const In&..., Out&>) {
      return std::type_identity<
          std::invoke_result_t<const Fn&, const CallFrame&, const In&..., Out&>>{};
    } else {
      return std::type_identity<std::invoke_result_t<const Fn&, const In&..., Out&>>{};
    }
  }
  using type = typename decltype(probe())::type;
};

/// Bytes a row's argument or result has outside the vector's data.
template <class T>
inline size_t outside_bytes(const T&) {
  return 0;
}
inline size_t outside_bytes(const StringRef& value) { return value.size; }

/// The loop without NULLs over columns of known form. Only for void and Fault functions without
/// a frame and with fixed-size values.
template <class Out, class Fn, class... Columns>
inline Status tight_loop(const EvalContext& context, const Fn& fn, Out* out, uint32_t rows,
                         const Columns... columns) {
  using Returned = decltype(fn(columns[0]..., *out));
  constexpr bool kStrings = (std::is_same_v<std::decay_t<decltype(columns[0])>, StringRef> || ...);
  if constexpr (kStrings) {
    RowGuard guard(context, rows);
    for (uint32_t i = 0; i < rows; ++i) {
      if constexpr (std::is_void_v<Returned>) {
        fn(columns[i]..., out[i]);
      } else if (const Fault* fault = fn(columns[i]..., out[i])) [[unlikely]] {
        return fault->status();
      }
      RETURN_IF_ERROR(guard.step((outside_bytes(columns[i]) + ...), nullptr));
    }
    return Status();
  } else if constexpr (std::is_void_v<Returned>) {
    for (uint32_t i = 0; i < rows; ++i) fn(columns[i]..., out[i]);
    return Status();
  } else {
    for (uint32_t i = 0; i < rows; ++i) {
      if (const Fault* fault = fn(columns[i]..., out[i])) [[unlikely]] return fault->status();
    }
    return Status();
  }
}

template <class Out, class... In>
struct Rows {
  static constexpr bool kStringOut = std::is_same_v<Out, StringRef>;
  static constexpr bool kStringIn = (std::is_same_v<In, StringRef> || ...);
  using OutArgument = std::conditional_t<kStringOut, StringOut, Out>;

  template <class Fn, size_t... I>
  static Status general(const CallFrame& frame, const std::array<const Vector*, sizeof...(In)>& in,
                        uint32_t rows, Vector& result, const Fn& fn, std::index_sequence<I...>) {
    result = Vector::flat(frame.result_type.id, rows);
    Out* out = result.data<Out>();
    const std::tuple<VectorView<In>...> views{in[I]->template view<In>()...};
    const bool all_valid = (std::get<I>(views).all_valid() && ...);
    if constexpr (kStringOut) {
      (share<In>(result, *in[I]), ...);
      std::string buffer;
      StringHeap& heap = result.heap();
      RowGuard guard(frame.context, rows);
      for (uint32_t i = 0; i < rows; ++i) {
        bool is_null = !all_valid && !(std::get<I>(views).valid(i) && ...);
        if (!is_null) {
          StringOut string_out(heap, buffer);
          RETURN_IF_ERROR(call_row(fn, frame, string_out, is_null, std::get<I>(views)[i]...));
          out[i] = string_out.ref();
          RETURN_IF_ERROR(guard.step(out[i].size + (size_t{0} + ... + outside_bytes(std::get<I>(views)[i])), &heap));
        }
        if (is_null) {
          out[i] = StringRef{};
          result.set_null(i);
        }
      }
    } else {
      using Returned = typename ReturnOf<Fn, Out, In...>::type;
      constexpr bool kTight =
          !std::is_invocable_v<const Fn&, const CallFrame&, const In&..., Out&> &&
          (std::is_void_v<Returned> || std::is_same_v<Returned, const Fault*>);
      if constexpr (kTight && sizeof...(In) <= 2) {
        if (all_valid && rows > 0) {
          bool done = false;
          Status status = try_tight(frame.context, fn, out, rows, in, views, done);
          if (done) return status;
        }
      }
      [[maybe_unused]] RowGuard guard(frame.context, rows);
      for (uint32_t i = 0; i < rows; ++i) {
        bool is_null = !all_valid && !(std::get<I>(views).valid(i) && ...);
        if (!is_null) {
          RETURN_IF_ERROR(call_row(fn, frame, out[i], is_null, std::get<I>(views)[i]...));
          if constexpr (kStringIn) {
            RETURN_IF_ERROR(guard.step((size_t{0} + ... + outside_bytes(std::get<I>(views)[i])), nullptr));
          }
        }
        if (is_null) {
          out[i] = Out{};
          result.set_null(i);
        }
      }
    }
    return Status();
  }

  template <class T>
  static void share(Vector& result, const Vector& argument) {
    if constexpr (std::is_same_v<T, StringRef>) result.share_heaps(argument);
  }

  template <class Fn, class Views>
  static Status try_tight(const EvalContext& context, const Fn& fn, Out* out, uint32_t rows,
                          const std::array<const Vector*, sizeof...(In)>& in, const Views& views,
                          bool& done) {
    using Form = Vector::Form;
    if constexpr (sizeof...(In) == 1) {
      using A = std::tuple_element_t<0, std::tuple<In...>>;
      if (in[0]->form() != Form::kFlat) return Status();
      done = true;
      return tight_loop(context, fn, out, rows, FlatColumn<A>{&std::get<0>(views)[0]});
    } else if constexpr (sizeof...(In) == 2) {
      using A = std::tuple_element_t<0, std::tuple<In...>>;
      using B = std::tuple_element_t<1, std::tuple<In...>>;
      const Form a = in[0]->form(), b = in[1]->form();
      if (a == Form::kDictionary || b == Form::kDictionary) return Status();
      const A* a0 = &std::get<0>(views)[0];
      const B* b0 = &std::get<1>(views)[0];
      done = true;
      if (a == Form::kFlat && b == Form::kFlat)
        return tight_loop(context, fn, out, rows, FlatColumn<A>{a0}, FlatColumn<B>{b0});
      if (a == Form::kFlat)
        return tight_loop(context, fn, out, rows, FlatColumn<A>{a0}, ConstantColumn<B>{*b0});
      if (b == Form::kFlat)
        return tight_loop(context, fn, out, rows, ConstantColumn<A>{*a0}, FlatColumn<B>{b0});
      done = false;
      return Status();
    } else {
      return Status();
    }
  }
};

}  // namespace kernel_detail

/// The ids of a dictionary vector, kept alive by a copy of the (cheap) vector.
inline std::shared_ptr<const uint32_t[]> share_dictionary_ids(const Vector& vector) {
  auto owner = std::make_shared<const Vector>(vector);
  return std::shared_ptr<const uint32_t[]>(owner, owner->dictionary_ids());
}

/// Runs `fn` over all rows; see the top of the file.
template <class Out, class... In, class Fn>
Status map_rows(const CallFrame& frame, Vector& result, const Fn& fn) {
  using Rows = kernel_detail::Rows<Out, In...>;
  constexpr size_t kCount = sizeof...(In);
  constexpr std::make_index_sequence<kCount> kIndices{};
  std::array<const Vector*, kCount> in{};
  size_t constants = 0, varying = 0;
  for (size_t i = 0; i < kCount; ++i) {
    in[i] = &frame.arguments[i];
    if (in[i]->all_null_constant()) {
      result = Vector::null_constant(frame.result_type.id, frame.rows);
      return Status();
    }
    if (in[i]->form() == Vector::Form::kConstant) {
      ++constants;
    } else {
      varying = i;
    }
  }
  if (constants == kCount && frame.rows > 0) {
    Vector one;
    RETURN_IF_ERROR(Rows::general(frame, in, 1, one, fn, kIndices));
    result = Vector::constant(one.datum(0), frame.rows);
    return Status();
  }
  if (constants + 1 == kCount && in[varying]->form() == Vector::Form::kDictionary &&
      in[varying]->dictionary_values().size() <= frame.rows) {
    const Vector& argument = *in[varying];
    in[varying] = &argument.dictionary_values();
    Vector values;
    // A value no row refers to may fail; then the rows decide.
    if (Rows::general(frame, in, argument.dictionary_values().size(), values, fn, kIndices).ok()) {
      result = Vector::dictionary(values, share_dictionary_ids(argument), frame.rows);
      return Status();
    }
    in[varying] = &argument;
  }
  return Rows::general(frame, in, frame.rows, result, fn, kIndices);
}

/// map_rows as a Kernel.
template <class Out, class... In, class Fn>
constexpr Kernel row_kernel(Fn) {
  static_assert(std::is_empty_v<Fn>, "a kernel's lambda captures nothing");
  return [](const CallFrame& frame, Vector& result) -> Status {
    return map_rows<Out, In...>(frame, result, Fn{});
  };
}

/// A row-by-row kernel that sees NULLs itself (not strict, variadic, or volatile): calls
/// fn(row, result) for every row of a flat result and leaves storing to it.
template <class Fn>
Status each_row(const CallFrame& frame, Vector& result, const Fn& fn) {
  result = Vector::flat(frame.result_type.id, frame.rows);
  const StringHeap* heap = physical_of(frame.result_type.id) == Physical::kBytes ? &result.heap() : nullptr;
  RowGuard guard(frame.context, frame.rows);
  size_t made = 0;
  for (uint32_t i = 0; i < frame.rows; ++i) {
    RETURN_IF_ERROR(fn(i, result));
    const size_t now = heap != nullptr ? heap->bytes_allocated() : 0;
    RETURN_IF_ERROR(guard.step(now - made, heap));
    made = now;
  }
  return Status();
}

}  // namespace eventd::engine
