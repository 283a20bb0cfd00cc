#include "engine/settings/search_path.h"

#include <algorithm>

namespace eventd::engine {

std::vector<std::string> search_path_schemas(std::string_view value) {
  std::vector<std::string> schemas;
  std::string name;
  bool quoted = false, in_quotes = false;
  const auto add = [&] {
    if (!quoted) {
      while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.pop_back();
    }
    if (!name.empty() && name != "$user") schemas.push_back(std::move(name));
    name.clear();
    quoted = false;
  };
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (in_quotes) {
      if (c != '"') {
        name += c;
      } else if (i + 1 < value.size() && value[i + 1] == '"') {
        name += value[++i];
      } else {
        in_quotes = false;
      }
    } else if (c == '"') {
      in_quotes = quoted = true;
    } else if (c == ',') {
      add();
    } else if ((c != ' ' && c != '\t') || (!quoted && !name.empty())) {
      name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  add();
  return schemas;
}

std::vector<std::string> relation_schemas(std::string_view value) {
  std::vector<std::string> schemas = search_path_schemas(value);
  if (std::find(schemas.begin(), schemas.end(), "pg_catalog") == schemas.end()) {
    schemas.insert(schemas.begin(), "pg_catalog");
  }
  return schemas;
}

}  // namespace eventd::engine
