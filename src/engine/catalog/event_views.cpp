#include "engine/catalog/event_views.h"

#include <string>
#include <vector>

#include "engine/catalog/computed_relation.h"
#include "engine/catalog/view_relation.h"
#include "engine/types/datetime.h"

namespace eventd::engine {
namespace {

constexpr Oid kEventTypesOid = 20'110;
constexpr Oid kGapsOid = 20'111;
constexpr Oid kEventFieldsOid = 20'112;
constexpr Oid kFirstByTypeOid = 1'000'000;  // + the type's id

RelationColumn event_view_column(std::string name, Oid type) {
  return {std::move(name), {type, -1}, false};
}

std::string quoted_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

std::string quoted_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

// payload->'a'->'b', the last step by `last`.
std::string path_expression(const std::vector<std::string>& path, const char* last) {
  std::string out = "payload";
  for (size_t i = 0; i < path.size(); ++i) {
    out += (i + 1 == path.size() ? last : "->") + quoted_text(path[i]);
  }
  return out;
}

std::string field_expression(const PayloadField& field) {
  const auto value = [&](const char* function) {
    return std::string(function) + "(" + path_expression(field.path, "->") + ")";
  };
  switch (field_type_oid(field.type)) {
    case oid::kBool: return value("payload_bool");
    case oid::kInt8: return value("payload_int8");
    case oid::kFloat8: return value("payload_float8");
    case oid::kBytea: return value("payload_bytea");
    case oid::kJsonb: return value("payload_jsonb");
    default: return path_expression(field.path, "->>");
  }
}

}  // namespace

std::unique_ptr<const Relation> make_event_types_view() {
  return std::make_unique<ViewRelation>(
      "public", "event_types", kEventTypesOid,
      std::vector<RelationColumn>{event_view_column("event_type", oid::kText),
                                  event_view_column("first_seen", oid::kTimestamptz),
                                  event_view_column("last_seen", oid::kTimestamptz),
                                  event_view_column("count", oid::kInt8)},
      "SELECT event_type, min(timestamp) AS first_seen, max(timestamp) AS last_seen, "
      "count(*) AS count FROM public.events GROUP BY event_type");
}

std::unique_ptr<const Relation> make_gaps_view() {
  return std::make_unique<ViewRelation>(
      "public", "gaps", kGapsOid,
      std::vector<RelationColumn>{event_view_column("timestamp", oid::kTimestamptz),
                                  event_view_column("boot_id", oid::kUuid),
                                  event_view_column("cpu_id", oid::kInt4),
                                  event_view_column("first_missing", oid::kInt8),
                                  event_view_column("last_missing", oid::kInt8),
                                  event_view_column("count", oid::kInt8),
                                  event_view_column("last_timestamp", oid::kTimestamptz),
                                  event_view_column("revealed_by_timestamp", oid::kTimestamptz),
                                  event_view_column("timestamp_ns", oid::kInt8)},
      "SELECT timestamp, boot_id, cpu_id, payload_int8(payload->'first_missing') AS first_missing, "
      "payload_int8(payload->'last_missing') AS last_missing, payload_int8(payload->'count') AS count, "
      "payload_time(payload->'last_timestamp') AS last_timestamp, "
      "payload_time(payload->'revealed_by_timestamp') AS revealed_by_timestamp, timestamp_ns "
      "FROM public.events WHERE event_type = 'synthetic.gap'");
}

std::unique_ptr<const Relation> make_by_type_view(const EventTypeFields& type) {
  std::vector<RelationColumn> columns = {
      {"timestamp", {oid::kTimestamptz, -1}, true},
      {"event_type", {oid::kText, -1}, true},
      event_view_column("origin_class", oid::kInt2),
      event_view_column("cpu_id", oid::kInt4),
      event_view_column("sequence", oid::kInt8),
      event_view_column("process_guid", oid::kUuid),
      event_view_column("effective_token_guid", oid::kUuid),
      event_view_column("true_token_guid", oid::kUuid),
      {"boot_id", {oid::kUuid, -1}, true},
      {"timestamp_ns", {oid::kInt8, -1}, true}};
  std::string text = "SELECT ";
  for (const RelationColumn& column : columns) text += (&column == columns.data() ? "" : ", ") + column.name;
  for (const PayloadField& field : type.fields) {
    text += ", " + field_expression(field) + " AS " + quoted_name(field.column_name);
    columns.push_back(event_view_column(field.column_name, field_type_oid(field.type)));
  }
  text += " FROM public.events WHERE event_type = " + quoted_text(type.event_type);
  return std::make_unique<ViewRelation>("by_type", type.relation_name,
                                        kFirstByTypeOid + static_cast<Oid>(type.id),
                                        std::move(columns), std::move(text));
}

std::unique_ptr<const Relation> make_event_fields_relation(const FieldCatalog& catalog) {
  return std::make_unique<ComputedRelation>(
      "public", "event_fields", kEventFieldsOid,
      std::vector<RelationColumn>{event_view_column("event_type", oid::kText),
                                  event_view_column("path", oid::kText),
                                  event_view_column("type", oid::kText),
                                  event_view_column("column_name", oid::kText),
                                  event_view_column("column_type", oid::kText),
                                  event_view_column("seen", oid::kInt8),
                                  event_view_column("last_seen", oid::kTimestamptz)},
      [&catalog] {
        std::vector<ComputedRelation::Row> rows;
        for (FieldCounts& field : catalog.counts()) {
          rows.push_back({Datum::text(std::move(field.event_type)), Datum::text(std::move(field.path)),
                          Datum::text(std::string(field_type_name(field.type))),
                          Datum::text(std::move(field.column_name)),
                          Datum::text(format_type({field_type_oid(field.type), -1})),
                          Datum::int8(field.seen),
                          Datum(oid::kTimestamptz, timestamptz_from_unix_ns(field.last_seen_ns))});
        }
        return rows;
      },
      ComputedRelation::Tells::kOfEvents);
}

}  // namespace eventd::engine
