// Scalar functions, operators, casts and aggregates: one entry each, with PostgreSQL's OIDs.
// Every function exists once; SQL and EQL bind to the same entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/functions/eval_context.h"
#include "engine/scan/memory_account.h"
#include "engine/types/type.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

enum class Volatility : uint8_t { kImmutable, kStable, kVolatile };

/// Something a call prepares once (a compiled regular expression, a parsed path) when its
/// arguments are constant. Immutable after preparation; shared by threads.
class CallState {
 public:
  virtual ~CallState() = default;
};

/// One evaluation over a batch.
struct CallFrame {
  const EvalContext& context;
  std::span<const Vector> arguments;  ///< each `rows` long
  uint32_t rows;
  Type result_type;
  const CallState* state = nullptr;
};

struct ScalarFunction;

/// Computes all rows into `result` (assign it a fresh Vector of frame.rows rows). For a strict
/// function the evaluator has NOT removed NULL rows: the kernel propagates NULL (the helpers of
/// kernel_helpers.h do). An error in any row fails the batch.
using Kernel = Status (*)(const CallFrame& frame, Vector& result);
/// Optional: prepares state from constant arguments (non-constant ones are null pointers).
using PrepareCall = Result<std::shared_ptr<const CallState>> (*)(
    const ScalarFunction& function, std::span<const Datum* const> constant_arguments);
/// Optional: the result type when it depends on the arguments (polymorphic functions).
using ResolveResult = Type (*)(std::span<const Type> arguments);

/// One overload.
struct ScalarFunction {
  Oid id = 0;  ///< pg_proc.oid of PostgreSQL; from 10,000,000 for our own
  std::string_view name;
  std::vector<Oid> arguments;
  Oid result = 0;
  Volatility volatility = Volatility::kImmutable;
  bool strict = true;
  bool variadic = false;  ///< the last argument type repeats one or more times
  Kernel kernel = nullptr;
  PrepareCall prepare = nullptr;
  ResolveResult resolve_result = nullptr;
};

/// An operator names a function. `left` is 0 for prefix operators.
struct Operator {
  Oid id = 0;  ///< pg_operator.oid
  std::string_view name;
  Oid left = 0, right = 0;
  const ScalarFunction* function = nullptr;
  Oid commutator = 0;
};

enum class CastContext : uint8_t { kImplicit, kAssignment, kExplicit };

/// source → target. function null = same bytes (binary-coercible).
struct Cast {
  Oid source = 0, target = 0;
  CastContext context = CastContext::kExplicit;
  const ScalarFunction* function = nullptr;
};

/// What window frames may do with an aggregate's combine().
enum class Partials : uint8_t {
  kUnfit,    ///< nothing: there is none, it empties `from`, or states are large
  kRounded,  ///< right, but rounds at other places than update()
  kInOrder,  ///< adding states of one row in row order is the same as update()
  kExact,    ///< any grouping of the rows gives the same
};

/// State of one group of one aggregate lies in `state_size` bytes aligned to 16, zeroed before
/// init(). States that own memory free it in destroy().
struct AggregateFunction {
  Oid id = 0;
  std::string_view name;
  std::vector<Oid> arguments;
  Oid result = 0;
  bool variadic = false;
  size_t state_size = 0;
  /// May be null: zeroed bytes are the initial state.
  void (*init)(void* state) = nullptr;
  /// Row i of the arguments goes to states[i]. NULL handling is the aggregate's own.
  Status (*update)(const EvalContext& context, std::span<const Vector> arguments, uint32_t rows,
                   void* const* states) = nullptr;
  /// Optional fast form: all rows go to one state (no GROUP BY).
  Status (*update_single)(const EvalContext& context, std::span<const Vector> arguments,
                          uint32_t rows, void* state) = nullptr;
  /// Adds partial `from` to `into` (partials of parallel workers). Null = cannot be split.
  Status (*combine)(const EvalContext& context, void* into, void* from) = nullptr;
  /// Writes the result of state into row `row` of `result` (Flat, of the result type).
  Status (*finalize)(const EvalContext& context, void* state, Type result_type, Vector& result,
                     uint32_t row) = nullptr;
  void (*destroy)(void* state) = nullptr;
  /// Bytes a state holds besides state_size, for the memory account. Null = none.
  size_t (*memory_bytes)(const void* state) = nullptr;
  ResolveResult resolve_result = nullptr;
  /// Other than kUnfit: combine() leaves `from` as it is.
  Partials partials = Partials::kUnfit;
};

/// row_number() and its kin: functions of a row's place in its partition. What they compute is the
/// window operator's; here is what the binder must know.
struct WindowFunction {
  enum class Kind : uint8_t {
    kRowNumber, kRank, kDenseRank, kPercentRank, kCumeDist, kNtile,
    kLag, kLead, kFirstValue, kLastValue, kNthValue
  };
  Oid id = 0;
  std::string_view name;
  std::vector<Oid> arguments;
  Oid result = 0;
  Kind kind = Kind::kRowNumber;
};

/// A function that returns rows (generate_series). Columns are fixed per overload; a column of
/// type anyelement (unnest) has the element type of the first argument.
class TableFunctionCursor {
 public:
  virtual ~TableFunctionCursor() = default;
  virtual Result<bool> next(Batch& batch) = 0;
};
struct TableFunction {
  Oid id = 0;
  std::string_view name;
  std::vector<Oid> arguments;
  std::vector<std::pair<std::string_view, Oid>> columns;
  Result<std::unique_ptr<TableFunctionCursor>> (*open)(const EvalContext& context,
                                                       std::span<const Datum> arguments) = nullptr;
};

/// All of them; built once, immutable, thread-safe. Pointers stay valid for ever.
class FunctionCatalog {
 public:
  static const FunctionCatalog& instance();

  /// Overloads of a (lower-case) name, possibly none. Choosing among them is the binder's.
  std::span<const ScalarFunction* const> functions(std::string_view name) const;
  std::span<const Operator* const> operators(std::string_view name) const;
  std::span<const AggregateFunction* const> aggregates(std::string_view name) const;
  std::span<const TableFunction* const> table_functions(std::string_view name) const;
  std::span<const WindowFunction* const> window_functions(std::string_view name) const;
  /// The cast entry, or null. Casts through text (I/O conversion) have none: see io_cast().
  const Cast* cast(Oid source, Oid target) const;
  /// text-ish → any type by its input function, or any type → text-ish by its output function;
  /// null where PostgreSQL has none either.
  const ScalarFunction* io_cast(Oid source, Oid target) const;
  /// For numeric(p,s), varchar(n), timestamp(p) …: (value, modifier int4) → value, and where
  /// PostgreSQL's has it a third argument, explicit bool: see the entry's `arguments`.
  const ScalarFunction* modifier_cast(Oid type) const;
  /// Overload by exact argument types, or null. For the planner and EQL.
  const ScalarFunction* find(std::string_view name, std::span<const Oid> arguments) const;
  const Operator* find_operator(std::string_view name, Oid left, Oid right) const;

  /// Filled by the register_… functions of this folder (function_registry.h).
  class Builder;

 private:
  friend class Builder;
  FunctionCatalog();
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

/// Text → value by the type's input function: literals, parameters in text format, COPY. 22P02 etc.
Result<Datum> datum_from_text(const EvalContext& context, const Type& type, std::string_view text);
/// Appends the text output of row `row` (not NULL) as PostgreSQL prints it.
void append_text(const FormatOptions& format, const Vector& vector, uint32_t row, std::string& out);
/// The same for one value.
std::string datum_to_text(const FormatOptions& format, const Datum& value);

/// Total order of two values of one type as ORDER BY has it (NULLs not passed): <0, 0, >0.
int compare_values(Oid type, const Vector& a, uint32_t row_a, const Vector& b, uint32_t row_b);
/// Equal values hash equal (also 1.0 and 1.00 of numeric). For hash tables.
void hash_vector(const Vector& vector, uint64_t* hashes, uint32_t rows, bool combine);
/// The same equality hash_vector agrees with; two NULLs are equal (grouping).
bool values_equal(const Vector& a, uint32_t row_a, const Vector& b, uint32_t row_b);

}  // namespace eventd::engine
