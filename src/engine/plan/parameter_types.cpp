#include "engine/plan/parameter_types.h"

#include <string>

#include "engine/limits.h"

namespace eventd::engine {

ParameterTypes::ParameterTypes(std::span<const Oid> declared) {
  parameters_.reserve(declared.size());
  for (const Oid type : declared) {
    parameters_.push_back({type == 0 ? oid::kUnknown : type, 0});
  }
}

Result<Oid> ParameterTypes::use(int64_t number, int position) {
  if (number < 1 || number > kParametersMax) {
    return Status(Error{sqlstate::kUndefinedParameter,
                        "there is no parameter $" + std::to_string(number), {}, {}, {}, position});
  }
  const size_t index = static_cast<size_t>(number - 1);
  if (index >= parameters_.size()) parameters_.resize(index + 1);
  Parameter& parameter = parameters_[index];
  if (parameter.type == 0) parameter.type = oid::kUnknown;
  if (parameter.position == 0) parameter.position = position;
  return parameter.type;
}

Status ParameterTypes::deduce(int index, Oid type, int position) {
  Parameter& parameter = parameters_[static_cast<size_t>(index)];
  if (parameter.type == oid::kUnknown || parameter.type == type) {
    parameter.type = type;
    return {};
  }
  return Error{sqlstate::kAmbiguousParameter,
               "inconsistent types deduced for parameter $" + std::to_string(index + 1),
               format_type({parameter.type, -1}) + " versus " + format_type({type, -1}),
               {},
               {},
               position};
}

Result<std::vector<Oid>> ParameterTypes::finish() const {
  std::vector<Oid> types;
  types.reserve(parameters_.size());
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = parameters_[i];
    if (parameter.type == 0 || parameter.type == oid::kUnknown) {
      return Status(Error{sqlstate::kIndeterminateDatatype,
                          "could not determine data type of parameter $" + std::to_string(i + 1),
                          {}, {}, {}, parameter.position});
    }
    types.push_back(parameter.type);
  }
  return types;
}

}  // namespace eventd::engine
