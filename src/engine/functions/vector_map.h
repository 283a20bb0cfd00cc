// A kernel of one argument that works on whole vectors, with the constant and dictionary forms of
// kernel_helpers.h.
#pragma once

#include <utility>

#include "engine/functions/kernel_helpers.h"

namespace eventd::engine {

/// fn(frame, in, rows, out) fills `out` (flat, of the result type) from `in`, NULLs included.
template <class Fn>
Status map_vector(const CallFrame& frame, Vector& result, const Fn& fn) {
  const Vector& argument = frame.arguments[0];
  const Oid type = frame.result_type.id;
  if (argument.form() == Vector::Form::kConstant) {
    if (argument.is_null(0)) {
      result = Vector::null_constant(type, frame.rows);
      return Status();
    }
    Vector one = Vector::flat(type, 1);
    RETURN_IF_ERROR(fn(frame, argument, 1, one));
    result = Vector::constant(one.datum(0), frame.rows);
    return Status();
  }
  if (argument.form() == Vector::Form::kDictionary &&
      argument.dictionary_values().size() <= frame.rows) {
    const Vector& distinct = argument.dictionary_values();
    Vector values = Vector::flat(type, distinct.size());
    // A value no row refers to may fail; then the rows decide.
    if (fn(frame, distinct, distinct.size(), values).ok()) {
      result = Vector::dictionary(values, share_dictionary_ids(argument), frame.rows);
      return Status();
    }
  }
  result = Vector::flat(type, frame.rows);
  return fn(frame, argument, frame.rows, result);
}

}  // namespace eventd::engine
