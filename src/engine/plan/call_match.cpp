#include "engine/plan/call_match.h"

#include <algorithm>

#include "engine/functions/argument_names.h"
#include "engine/plan/coercion.h"

namespace eventd::engine {
namespace {

std::vector<std::string_view> split(std::string_view list, char separator) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const size_t end = std::min(list.find(separator), list.size());
    parts.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

std::vector<std::string_view> defaults_of(Oid id) {
  return split(argument_names(id).defaults, '|');
}

bool match_variadic(std::span<const Oid> declared, size_t count, CallMatch& out) {
  if (count < declared.size()) return false;
  Oid last = declared.back();
  const TypeInfo* info = find_type(last);
  if (last == oid::kAnyArray) {
    last = oid::kAnyElement;
  } else if (last == kAnyCompatibleArray) {
    last = kAnyCompatible;
  } else if (info != nullptr && info->category == 'A') {
    last = info->element;
  }
  out.arguments.assign(declared.begin(), declared.end() - 1);
  out.arguments.resize(count, last);
  return true;
}

}  // namespace

bool match_call(std::span<const Oid> declared, bool variadic, Oid id,
                std::span<const std::string> names, bool call_is_variadic, CallMatch& out) {
  const auto named = std::find_if(names.begin(), names.end(),
                                  [](const std::string& name) { return !name.empty(); });
  if (named == names.end() && variadic && !call_is_variadic) {
    return match_variadic(declared, names.size(), out);
  }
  if (names.size() > declared.size()) return false;
  const bool complete = names.size() == declared.size();
  if (!complete && names.size() + defaults_of(id).size() < declared.size()) return false;
  if (named == names.end()) {
    out.arguments.assign(declared.begin(), declared.begin() + static_cast<ptrdiff_t>(names.size()));
    return true;
  }
  if (variadic != call_is_variadic) return false;
  const std::vector<std::string_view> parameters = split(argument_names(id).names, ',');
  const size_t first_default = declared.size() - defaults_of(id).size();
  std::vector<bool> given(declared.size(), false);
  for (size_t i = 0; i < names.size(); ++i) {
    size_t slot = i;
    if (!names[i].empty()) {
      const auto found = std::find(parameters.begin(), parameters.end(), names[i]);
      if (found == parameters.end()) return false;
      slot = static_cast<size_t>(found - parameters.begin());
    }
    if (slot >= declared.size() || given[slot]) return false;
    given[slot] = true;
    out.slots.push_back(slot);
    out.arguments.push_back(declared[slot]);
  }
  for (size_t i = 0; i < first_default; ++i) {
    if (!given[i]) return false;
  }
  return true;
}

std::vector<ExprPtr> complete_arguments(std::span<const Oid> declared, Oid id,
                                        const CallMatch& match, std::vector<ExprPtr> arguments,
                                        int position) {
  if (match.slots.empty() && arguments.size() >= declared.size()) return arguments;
  std::vector<ExprPtr> complete(declared.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    complete[match.slots.empty() ? i : match.slots[i]] = std::move(arguments[i]);
  }
  const std::vector<std::string_view> defaults = defaults_of(id);
  for (size_t i = 0; i < complete.size(); ++i) {
    if (complete[i] != nullptr) continue;
    const std::string_view text = defaults[i + defaults.size() - complete.size()];
    Datum value = text == kNullDefault ? Datum::null(oid::kUnknown)
                                       : Datum(oid::kUnknown, std::string(text));
    complete[i] = Expr::constant_of(std::move(value), {oid::kUnknown, -1});
    complete[i]->position = position;
  }
  return complete;
}

}  // namespace eventd::engine
