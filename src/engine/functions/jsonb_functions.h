// The parts of register_jsonb(), one per file; and making jsonb of any SQL value.
#pragma once

#include <string>

#include "engine/functions/function_registry.h"

namespace eventd::engine {

void register_jsonb_access(FunctionCatalog::Builder& builder);
void register_jsonb_build(FunctionCatalog::Builder& builder);
void register_jsonb_casts(FunctionCatalog::Builder& builder);
void register_jsonb_edit(FunctionCatalog::Builder& builder);
void register_jsonb_tables(FunctionCatalog::Builder& builder);
void register_jsonb_path(FunctionCatalog::Builder& builder);
void register_jsonb_set(FunctionCatalog::Builder& builder);
void register_json_access(FunctionCatalog::Builder& builder);
void register_json_build(FunctionCatalog::Builder& builder);
void register_json_tables(FunctionCatalog::Builder& builder);

/// to_jsonb(): appends the msgpack value of row `row` (NULL becomes nil).
Status append_msgpack_from_value(const FormatOptions& format, const Vector& vector, uint32_t row, std::string& out);
Status append_msgpack_from_datum(const FormatOptions& format, const Datum& value, std::string& out);
/// to_json(): appends the JSON text; `line_feeds` puts the elements of the outermost array or record on
/// lines of their own.
Status append_json_from_datum(const FormatOptions& format, const Datum& value, bool line_feeds, std::string& out);

}  // namespace eventd::engine
