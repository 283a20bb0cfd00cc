// Turns a state struct and an add function into an AggregateFunction.
//
//   struct SumInt4 {
//     struct State { int64_t sum; bool any; };
//     using Input = int32_t;                       // storage type; NULL rows are skipped
//     static void add(State& state, const Input& value);        // or Status
//     static void combine(State& into, State& from);            // or Status
//     static Status finish(State& state, Vector& result, uint32_t row);
//   };
//   builder.builtin_aggregate("sum(int4)", aggregate_of<SumInt4>());
//
// `static constexpr Partials kPartials` says what combine() is good for, if it isn't exact.
// Two-argument aggregates have Input1 and Input2 instead and skip rows where either is NULL. A
// State that is not trivially destructible is constructed and destroyed; others start as zeros.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "engine/functions/function.h"
#include "engine/functions/function_registry.h"

namespace eventd::engine {

namespace aggregate_detail {

template <class A>
concept TwoArguments = requires { typename A::Input1; };
template <class A>
concept CountsMemory = requires(const typename A::State& state) { A::memory_bytes(state); };

template <class A>
constexpr Partials partials_of() {
  if constexpr (requires { A::kPartials; }) {
    return A::kPartials;
  } else {
    return Partials::kExact;
  }
}

/// Runs a void or Status function.
template <class F>
inline Status run(F&& f) {
  if constexpr (std::is_void_v<decltype(f())>) {
    f();
    return Status();
  } else {
    return f();
  }
}

/// Calls f(i) for the rows without NULL in any of the views.
template <class F, class... Views>
inline Status each_valid(uint32_t rows, F&& f, const Views&... views) {
  using Returned = decltype(f(uint32_t{0}));
  if ((views.all_valid() && ...)) {
    for (uint32_t i = 0; i < rows; ++i) {
      if constexpr (std::is_void_v<Returned>) {
        f(i);
      } else {
        RETURN_IF_ERROR(f(i));
      }
    }
    return Status();
  }
  for (uint32_t i = 0; i < rows; ++i) {
    if (!(views.valid(i) && ...)) continue;
    if constexpr (std::is_void_v<Returned>) {
      f(i);
    } else {
      RETURN_IF_ERROR(f(i));
    }
  }
  return Status();
}

template <class A>
Status update(const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
              void* const* states) {
  using State = typename A::State;
  const auto state = [&](uint32_t i) -> State& { return *static_cast<State*>(states[i]); };
  if constexpr (TwoArguments<A>) {
    const auto a = arguments[0].view<typename A::Input1>();
    const auto b = arguments[1].view<typename A::Input2>();
    return each_valid(rows, [&](uint32_t i) { return A::add(state(i), a[i], b[i]); }, a, b);
  } else {
    const auto a = arguments[0].view<typename A::Input>();
    return each_valid(rows, [&](uint32_t i) { return A::add(state(i), a[i]); }, a);
  }
}

template <class A>
Status update_single(const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                     void* raw_state) {
  using State = typename A::State;
  State& state = *static_cast<State*>(raw_state);
  if (rows == 0) return Status();
  if constexpr (TwoArguments<A>) {
    const auto a = arguments[0].view<typename A::Input1>();
    const auto b = arguments[1].view<typename A::Input2>();
    return each_valid(rows, [&](uint32_t i) { return A::add(state, a[i], b[i]); }, a, b);
  } else {
    const auto a = arguments[0].view<typename A::Input>();
    if constexpr (std::is_trivially_copyable_v<State>) {
      State local = state;  // stays in registers
      Status status;
      if (arguments[0].form() == Vector::Form::kFlat && a.all_valid()) {
        const typename A::Input* data = &a[0];
        if constexpr (std::is_void_v<decltype(A::add(local, data[0]))>) {
          for (uint32_t i = 0; i < rows; ++i) A::add(local, data[i]);
        } else {
          for (uint32_t i = 0; i < rows; ++i) RETURN_IF_ERROR(A::add(local, data[i]));
        }
      } else {
        status = each_valid(rows, [&](uint32_t i) { return A::add(local, a[i]); }, a);
      }
      state = local;
      return status;
    } else {
      return each_valid(rows, [&](uint32_t i) { return A::add(state, a[i]); }, a);
    }
  }
}

}  // namespace aggregate_detail

/// Stores SQL NULL into a flat result.
inline Status finish_null(Vector& result, uint32_t row) {
  if (physical_of(result.type()) == Physical::kBytes) result.data<StringRef>()[row] = StringRef{};
  result.set_null(row);
  return Status();
}

template <class A>
AggregateFunction aggregate_of() {
  using State = typename A::State;
  static_assert(alignof(State) <= 16);
  AggregateFunction aggregate;
  aggregate.state_size = sizeof(State);
  if constexpr (!std::is_trivially_destructible_v<State>) {
    aggregate.init = [](void* state) { new (state) State(); };
    aggregate.destroy = [](void* state) { static_cast<State*>(state)->~State(); };
  }
  aggregate.update = aggregate_detail::update<A>;
  aggregate.update_single = aggregate_detail::update_single<A>;
  aggregate.combine = [](const EvalContext&, void* into, void* from) {
    return aggregate_detail::run(
        [&] { return A::combine(*static_cast<State*>(into), *static_cast<State*>(from)); });
  };
  aggregate.finalize = [](const EvalContext&, void* state, Type, Vector& result, uint32_t row) {
    return A::finish(*static_cast<State*>(state), result, row);
  };
  aggregate.partials = aggregate_detail::partials_of<A>();
  if constexpr (aggregate_detail::CountsMemory<A>) {
    aggregate.memory_bytes = [](const void* state) {
      return A::memory_bytes(*static_cast<const State*>(state));
    };
  }
  return aggregate;
}

}  // namespace eventd::engine
