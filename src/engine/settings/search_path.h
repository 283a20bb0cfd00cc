// The value of search_path, taken apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace eventd::engine {

/// The schemas `value` names, in order: `"$user"` is left out as there is no such schema; names
/// without quotes are in lower case.
std::vector<std::string> search_path_schemas(std::string_view value);
/// The schemas an unqualified relation is looked for in: pg_catalog comes first unless named.
std::vector<std::string> relation_schemas(std::string_view value);

}  // namespace eventd::engine
