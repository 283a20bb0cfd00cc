#include "engine/catalog/relation_catalog.h"

#include "engine/catalog/computed_relation.h"
#include "engine/catalog/field_catalog.h"
#include "engine/settings/settings.h"
#include "engine/stats/registry.h"

namespace eventd::engine {
namespace {

// OIDs of our own relations; PostgreSQL's where it has one (pg_settings is a view there: 12,2xx,
// not fixed, so it gets one of ours too).
constexpr Oid kPgSettingsOid = 20'101;
constexpr Oid kStatisticsOid = 20'102;

std::string key_of(std::string_view schema, std::string_view name) {
  return std::string(schema) + "." + std::string(name);
}

std::string_view type_text(SettingType type) {
  switch (type) {
    case SettingType::kBool: return "bool";
    case SettingType::kInteger: return "integer";
    case SettingType::kReal: return "real";
    case SettingType::kEnum: return "enum";
    case SettingType::kString: break;
  }
  return "string";
}

std::string_view unit_text(SettingUnit unit) {
  switch (unit) {
    case SettingUnit::kBytes: return "B";
    case SettingUnit::kMilliseconds: return "ms";
    case SettingUnit::kMicroseconds: return "us";
    case SettingUnit::kNone: break;
  }
  return "";
}

std::string_view context_text(SettingContext context) {
  switch (context) {
    case SettingContext::kInternal: return "internal";
    case SettingContext::kPostmaster: return "postmaster";
    case SettingContext::kSighup: return "sighup";
    case SettingContext::kSuperuser: return "superuser";
    case SettingContext::kUser: break;
  }
  return "user";
}

std::string_view source_text(SettingSource source) {
  switch (source) {
    case SettingSource::kDefault: return "default";
    case SettingSource::kEnvironment: return "environment variable";
    case SettingSource::kFile:
    case SettingSource::kAutoFile: return "configuration file";
    case SettingSource::kCommandLine: return "command line";
    case SettingSource::kClient: return "client";
    case SettingSource::kSession: break;
  }
  return "session";
}

Datum text_or_null(std::string_view text) {
  return text.empty() ? Datum::null(oid::kText) : Datum::text(std::string(text));
}

// setting: the bare number in `unit`, as PostgreSQL's view has it.
std::string bare_value(const SettingInfo& info, const SettingValue& value) {
  return info.type == SettingType::kInteger ? std::to_string(value.integer) : value.text;
}

ComputedRelation::Row setting_row(const SettingInfo& info, const SettingValue& value) {
  const bool ranged = info.type == SettingType::kInteger || info.type == SettingType::kReal;
  std::string values;
  for (const std::string_view word : info.values) {
    values += (values.empty() ? "{" : ",") + std::string(word);
  }
  if (!values.empty()) values += "}";
  const auto default_value = parse_setting(info, info.default_value);
  return {
      Datum::text(std::string(info.name)),
      Datum::text(bare_value(info, value)),
      text_or_null(unit_text(info.unit)),
      Datum::text(std::string(info.category)),
      Datum::text(std::string(info.description)),
      text_or_null(info.effective ? "" : "No effect in this release."),
      Datum::text(std::string(context_text(info.context))),
      Datum::text(std::string(type_text(info.type))),
      Datum::text(std::string(source_text(value.source))),
      ranged ? Datum::text(std::to_string(static_cast<int64_t>(info.minimum))) : Datum::null(oid::kText),
      ranged ? Datum::text(std::to_string(static_cast<int64_t>(info.maximum))) : Datum::null(oid::kText),
      text_or_null(values),
      default_value.ok() ? Datum::text(bare_value(info, *default_value)) : Datum::null(oid::kText),
      text_or_null(value.source_file),
      value.source_line > 0 ? Datum::int4(value.source_line) : Datum::null(oid::kInt4),
  };
}

}  // namespace

void RelationCatalog::add(const Relation& relation) {
  by_name_[key_of(relation.schema(), relation.name())] = &relation;
  if (relation.schema() == "public") by_name_[key_of("eventd", relation.name())] = &relation;
}

void RelationCatalog::add(std::unique_ptr<const Relation> relation) {
  add(*relation);
  owned_.push_back(std::move(relation));
}

const Relation* RelationCatalog::find(std::string_view schema, std::string_view name) const {
  const auto look_up = [&](std::string_view in) -> const Relation* {
    const auto at = by_name_.find(key_of(in, name));
    return at == by_name_.end() ? nullptr : at->second;
  };
  if (!schema.empty()) return look_up(schema);
  if (const Relation* relation = look_up("pg_catalog")) return relation;
  return look_up("public");
}

bool RelationCatalog::schema_exists(std::string_view schema) const {
  return schema == "public" || schema == "eventd" || schema == "pg_catalog" || schema == kByTypeSchema;
}

uint64_t RelationCatalog::generation() const {
  return fields_ == nullptr ? 1 : fields_->generation();
}

std::unique_ptr<const Relation> make_pg_settings(const Settings& settings) {
  const auto text = [](const char* name) { return RelationColumn{name, {oid::kText, -1}, false}; };
  return std::make_unique<ComputedRelation>(
      "pg_catalog", "pg_settings", kPgSettingsOid,
      std::vector<RelationColumn>{text("name"), text("setting"), text("unit"), text("category"),
                                  text("short_desc"), text("extra_desc"), text("context"),
                                  text("vartype"), text("source"), text("min_val"), text("max_val"),
                                  text("enumvals"), text("boot_val"), text("sourcefile"),
                                  {"sourceline", {oid::kInt4, -1}, false}},
      [&settings] {
        std::vector<ComputedRelation::Row> rows;
        for (const SettingInfo& info : setting_table()) {
          rows.push_back(setting_row(info, settings.get(info.name)));
        }
        return rows;
      });
}

std::unique_ptr<const Relation> make_statistics_relation() {
  return std::make_unique<ComputedRelation>(
      "public", "eventd_statistics", kStatisticsOid,
      std::vector<RelationColumn>{{"name", {oid::kText, -1}, true}, {"value", {oid::kFloat8, -1}, true}},
      [] {
        std::vector<ComputedRelation::Row> rows;
        for (Statistic& statistic : stats().read()) {
          rows.push_back({Datum::text(std::move(statistic.name)), Datum::float8(statistic.value)});
        }
        return rows;
      });
}

}  // namespace eventd::engine
