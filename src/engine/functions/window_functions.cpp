// The names of PostgreSQL's window functions; the window operator computes them.
#include "engine/functions/function_registry.h"

namespace eventd::engine {

void register_window_functions(FunctionCatalog::Builder& builder) {
  using Kind = WindowFunction::Kind;
  builder.builtin_window_function("row_number()", Kind::kRowNumber);
  builder.builtin_window_function("rank()", Kind::kRank);
  builder.builtin_window_function("dense_rank()", Kind::kDenseRank);
  builder.builtin_window_function("percent_rank()", Kind::kPercentRank);
  builder.builtin_window_function("cume_dist()", Kind::kCumeDist);
  builder.builtin_window_function("ntile(int4)", Kind::kNtile);
  for (const std::string_view signature :
       {"lag(anyelement)", "lag(anyelement,int4)", "lag(anycompatible,int4,anycompatible)"}) {
    builder.builtin_window_function(signature, Kind::kLag);
  }
  for (const std::string_view signature :
       {"lead(anyelement)", "lead(anyelement,int4)", "lead(anycompatible,int4,anycompatible)"}) {
    builder.builtin_window_function(signature, Kind::kLead);
  }
  builder.builtin_window_function("first_value(anyelement)", Kind::kFirstValue);
  builder.builtin_window_function("last_value(anyelement)", Kind::kLastValue);
  builder.builtin_window_function("nth_value(anyelement,int4)", Kind::kNthValue);
}

}  // namespace eventd::engine
