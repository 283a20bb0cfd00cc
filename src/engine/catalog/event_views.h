// The views over `events`: event_types, gaps and the relations of schema by_type.
#pragma once

#include <memory>

#include "engine/catalog/field_catalog.h"
#include "engine/scan/relation.h"

namespace eventd::engine {

/// public.event_types: event_type, first_seen, last_seen, count of what is stored.
std::unique_ptr<const Relation> make_event_types_view();
/// public.gaps: the synthetic.gap records.
std::unique_ptr<const Relation> make_gaps_view();
/// by_type."<type>": the header columns, then each payload field as a column of its type. A value
/// of another type reads NULL, and is counted (catalog.values_not_fitting); any value reads as text.
std::unique_ptr<const Relation> make_by_type_view(const EventTypeFields& type);
/// public.event_fields, from `catalog`, which outlives it.
std::unique_ptr<const Relation> make_event_fields_relation(const FieldCatalog& catalog);

}  // namespace eventd::engine
