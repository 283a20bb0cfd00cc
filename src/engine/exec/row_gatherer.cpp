#include "engine/exec/row_gatherer.h"

#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

RowGatherer::RowGatherer(const std::vector<Batch>& batches) {
  if (batches.empty()) return;
  for (size_t c = 0; c < batches.front().columns.size(); ++c) {
    Column column;
    column.type = batches.front().columns[c].type();
    dispatch_physical(physical_of(column.type), [&](auto tag) {
      using T = typename decltype(tag)::type;
      auto views = std::make_shared<std::vector<VectorView<T>>>();
      views->reserve(batches.size());
      for (const Batch& batch : batches) {
        views->emplace_back(batch.columns[c]);
        column.may_be_null = column.may_be_null || !views->back().all_valid();
      }
      column.views = std::move(views);
    });
    columns_.push_back(std::move(column));
  }
}

Batch RowGatherer::gather(const RowPlace* places, uint32_t count,
                          const std::shared_ptr<const StringHeap>& anchor) const {
  Batch out;
  out.size = count;
  out.columns.reserve(columns_.size());
  for (const Column& column : columns_) {
    Vector vector = Vector::flat(column.type, count);
    dispatch_physical(physical_of(column.type), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto& views = *static_cast<const std::vector<VectorView<T>>*>(column.views.get());
      T* to = vector.data<T>();
      if (!column.may_be_null) {
        for (uint32_t i = 0; i < count; ++i) to[i] = views[places[i].batch][places[i].row];
      } else {
        for (uint32_t i = 0; i < count; ++i) {
          const VectorView<T>& values = views[places[i].batch];
          if (values.valid(places[i].row)) {
            to[i] = values[places[i].row];
          } else {
            to[i] = T{};
            vector.set_null(i);
          }
        }
      }
      if constexpr (std::is_same_v<T, StringRef>) vector.share_heap(anchor);
    });
    out.columns.push_back(std::move(vector));
  }
  return out;
}

}  // namespace eventd::engine
