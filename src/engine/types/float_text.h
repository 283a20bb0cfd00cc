// Text forms of float4 and float8 as PostgreSQL prints and reads them.
#pragma once

#include <string>
#include <string_view>

#include "result.h"

namespace eventd::engine {

/// Shortest text that reads back equal (extra_float_digits > 0), or %.{15+extra}g ({6+extra}).
void append_float8(double value, std::string& out, int extra_float_digits = 1);
void append_float4(float value, std::string& out, int extra_float_digits = 1);
/// Surrounding spaces allowed; 'NaN', '[+-]inf[inity]'. 22P02, 22003.
Result<double> parse_float8(std::string_view text);
Result<float> parse_float4(std::string_view text);

}  // namespace eventd::engine
