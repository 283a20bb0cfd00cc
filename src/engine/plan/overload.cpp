#include "engine/plan/overload.h"

#include <algorithm>
#include <cstddef>

#include "engine/plan/coercion.h"

namespace eventd::engine {
namespace {

char category_of(Oid type) {
  if (type == oid::kAnyArray || type == kAnyCompatibleArray) return 'A';
  const TypeInfo* info = find_type(type);
  return info == nullptr ? (is_polymorphic(type) ? 'P' : 'X') : info->category;
}

bool is_preferred(Oid type) {
  const TypeInfo* info = find_type(type);
  return info != nullptr && info->preferred;
}

bool matches(const Candidate& candidate, std::span<const Oid> types) {
  for (size_t i = 0; i < types.size(); ++i) {
    if (!can_coerce(types[i], candidate.arguments[i], CastContext::kImplicit)) return false;
  }
  return std::none_of(candidate.arguments.begin(), candidate.arguments.end(), is_polymorphic) ||
         resolve_polymorphic(candidate.arguments, types).consistent;
}

using Indexes = std::vector<size_t>;

// Keeps the candidates with the highest score.
template <class Score>
void keep_best(Indexes& indexes, Score score) {
  int best = -1;
  Indexes kept;
  for (const size_t i : indexes) {
    const int value = score(i);
    if (value > best) {
      best = value;
      kept.clear();
    }
    if (value == best) kept.push_back(i);
  }
  indexes = std::move(kept);
}

template <class Keep>
Indexes filtered(const Indexes& indexes, Keep keep) {
  Indexes kept;
  std::copy_if(indexes.begin(), indexes.end(), std::back_inserter(kept), keep);
  return kept;
}

// The category an unknown argument is taken for: string if any candidate accepts it, else the one
// all candidates agree on. 0 = no decision.
char unknown_category(std::span<const Candidate> candidates, const Indexes& indexes, size_t slot) {
  char category = 0;
  for (const size_t i : indexes) {
    const char own = category_of(candidates[i].arguments[slot]);
    if (own == 'S') return 'S';
    if (category == 0) category = own;
    if (category != own) category = 'X';
  }
  return category == 'X' ? 0 : category;
}

// "Check at those positions whether …" step 4.d of the manual.
void filter_unknown_slots(std::span<const Candidate> candidates, std::span<const Oid> types,
                          Indexes& indexes) {
  std::vector<char> categories(types.size(), 0);
  std::vector<bool> has_preferred(types.size(), false);
  for (size_t slot = 0; slot < types.size(); ++slot) {
    if (types[slot] != oid::kUnknown) continue;
    categories[slot] = unknown_category(candidates, indexes, slot);
    if (categories[slot] == 0) return;
    for (const size_t i : indexes) {
      const Oid type = candidates[i].arguments[slot];
      if (category_of(type) == categories[slot] && is_preferred(type)) has_preferred[slot] = true;
    }
  }
  const Indexes kept = filtered(indexes, [&](size_t i) {
    for (size_t slot = 0; slot < types.size(); ++slot) {
      if (types[slot] != oid::kUnknown) continue;
      const Oid type = candidates[i].arguments[slot];
      if (category_of(type) != categories[slot]) return false;
      if (has_preferred[slot] && !is_preferred(type)) return false;
    }
    return true;
  });
  if (!kept.empty()) indexes = kept;
}

// "If there are both unknown and known-type arguments, and all the known ones have the same type,
// assume that the unknown ones are also of that type."
void assume_known_type(std::span<const Candidate> candidates, std::span<const Oid> types,
                       Indexes& indexes) {
  Oid known = oid::kUnknown;
  for (const Oid type : types) {
    if (type == oid::kUnknown) continue;
    if (known != oid::kUnknown && known != type) return;
    known = type;
  }
  if (known == oid::kUnknown) return;
  const std::vector<Oid> assumed(types.size(), known);
  const Indexes kept =
      filtered(indexes, [&](size_t i) { return matches(candidates[i], assumed); });
  if (kept.size() == 1) indexes = kept;
}

}  // namespace

OverloadChoice choose_overload(std::span<const Candidate> candidates, std::span<const Oid> types) {
  using Outcome = OverloadChoice::Outcome;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (std::equal(types.begin(), types.end(), candidates[i].arguments.begin(),
                   candidates[i].arguments.end())) {
      return {Outcome::kFound, i};
    }
  }
  Indexes indexes;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].arguments.size() == types.size() && matches(candidates[i], types)) {
      indexes.push_back(i);
    }
  }
  if (indexes.empty()) return {Outcome::kNone, 0};
  if (indexes.size() > 1) {
    keep_best(indexes, [&](size_t i) {
      int score = 0;
      for (size_t k = 0; k < types.size(); ++k) {
        score += types[k] != oid::kUnknown && types[k] == candidates[i].arguments[k];
      }
      return score;
    });
  }
  if (indexes.size() > 1) {
    keep_best(indexes, [&](size_t i) {
      int score = 0;
      for (size_t k = 0; k < types.size(); ++k) {
        if (types[k] == oid::kUnknown) continue;
        const Oid to = candidates[i].arguments[k];
        score += types[k] == to || (category_of(types[k]) == category_of(to) && is_preferred(to));
      }
      return score;
    });
  }
  const bool unknowns = std::find(types.begin(), types.end(), oid::kUnknown) != types.end();
  if (indexes.size() > 1 && unknowns) filter_unknown_slots(candidates, types, indexes);
  if (indexes.size() > 1 && unknowns) assume_known_type(candidates, types, indexes);
  if (indexes.size() > 1) return {Outcome::kAmbiguous, 0};
  return {Outcome::kFound, indexes[0]};
}

PolymorphicTypes resolve_polymorphic(std::span<const Oid> declared, std::span<const Oid> actual) {
  PolymorphicTypes out;
  out.arguments.assign(declared.begin(), declared.end());
  std::vector<Oid> compatible;
  bool wants_element = false, wants_compatible = false;
  for (size_t i = 0; i < declared.size(); ++i) {
    const bool array = declared[i] == oid::kAnyArray || declared[i] == kAnyCompatibleArray;
    Oid element = actual[i];
    if (array && element != oid::kUnknown) {
      const TypeInfo* info = find_type(element);
      if (info == nullptr || info->element == 0) return out;
      element = info->element;
    }
    if (declared[i] == oid::kAnyElement || declared[i] == oid::kAnyNonArray ||
        declared[i] == oid::kAnyArray) {
      wants_element = true;
      if (element == oid::kUnknown) continue;
      if (out.element != 0 && out.element != element) return out;
      out.element = element;
    } else if (declared[i] == kAnyCompatible || declared[i] == kAnyCompatibleArray ||
               declared[i] == kAnyCompatibleNonArray) {
      wants_compatible = true;
      compatible.push_back(element);
    }
  }
  if (wants_element && out.element == 0) out.element = oid::kText;
  if (wants_compatible) {
    out.compatible = common_type_of(compatible);
    if (out.compatible == oid::kInvalid) return out;
    for (const Oid type : compatible) {
      if (!can_coerce(type, out.compatible, CastContext::kImplicit)) return out;
    }
  }
  for (size_t i = 0; i < declared.size(); ++i) {
    if (declared[i] == oid::kAny) {
      out.arguments[i] = actual[i] == oid::kUnknown ? oid::kText : actual[i];
    } else {
      out.arguments[i] = resolve_result(declared[i], out);
    }
    if (out.arguments[i] == oid::kInvalid) return out;
  }
  out.consistent = true;
  return out;
}

Status check_polymorphic(std::span<const Oid> declared, std::span<const Oid> actual) {
  bool any = false;
  for (size_t i = 0; i < declared.size(); ++i) {
    const Oid type = declared[i];
    if (type != oid::kAnyElement && type != oid::kAnyNonArray && type != oid::kAnyArray) continue;
    any = true;
    if (actual[i] != oid::kUnknown) return {};
  }
  if (!any) return {};
  return {sqlstate::kDatatypeMismatch,
          "could not determine polymorphic type because input has type unknown"};
}

Oid resolve_result(Oid declared, const PolymorphicTypes& types) {
  const auto array_of = [](Oid element) {
    const TypeInfo* info = find_type(element);
    return info == nullptr ? oid::kInvalid : info->array;
  };
  switch (declared) {
    case oid::kAnyElement:
    case oid::kAnyNonArray:
      return types.element;
    case oid::kAnyArray:
      return array_of(types.element);
    case kAnyCompatible:
    case kAnyCompatibleNonArray:
      return types.compatible;
    case kAnyCompatibleArray:
      return array_of(types.compatible);
    default:
      return declared;
  }
}

}  // namespace eventd::engine
