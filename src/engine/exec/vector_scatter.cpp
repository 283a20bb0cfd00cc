#include "engine/exec/vector_scatter.h"

#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {

template <class FromRow>
void scatter_rows(const Vector& from, FromRow from_row, const uint32_t* rows, uint32_t count,
                  Vector& to) {
  dispatch_physical(physical_of(to.type()), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const VectorView<T> values = from.view<T>();
    T* out = to.data<T>();
    for (uint32_t i = 0; i < count; ++i) out[rows[i]] = values[from_row(i)];
    if (!values.all_valid()) {
      for (uint32_t i = 0; i < count; ++i) {
        if (!values.valid(from_row(i))) to.set_null(rows[i]);
      }
    }
    if constexpr (std::is_same_v<T, StringRef>) to.share_heaps(from);
  });
}

}  // namespace

void scatter(const Vector& from, const uint32_t* rows, uint32_t count, Vector& to) {
  scatter_rows(from, [](uint32_t i) { return i; }, rows, count, to);
}

void scatter(const Vector& from, const uint32_t* from_rows, const uint32_t* rows, uint32_t count,
             Vector& to) {
  scatter_rows(from, [&](uint32_t i) { return from_rows[i]; }, rows, count, to);
}

}  // namespace eventd::engine
