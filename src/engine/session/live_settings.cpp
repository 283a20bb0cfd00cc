#include "engine/session/live_settings.h"

#include <string>

#include "engine/payload/msgpack_writer.h"
#include "log.h"

namespace eventd::engine {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  for (const std::string_view one : names) {
    if (name == one) return true;
  }
  return false;
}

std::string change_payload(std::string_view name, const SettingValue& before, const SettingValue& after) {
  std::string payload;
  MsgpackWriter writer(payload);
  writer.map_header(3);
  writer.string("key");
  writer.string(name);
  writer.string("old_value");
  writer.string(before.text);
  writer.string("new_value");
  writer.string(after.text);
  return payload;
}

Status apply(Engine::Impl& engine, std::string_view name, const SettingValue& after) {
  const Settings& settings = *engine.settings;
  if (is_one_of(name, {"max_batch_size", "max_batch_latency"})) {
    engine.ingest->set_max_batch(static_cast<uint32_t>(settings.integer("max_batch_size")),
                                 settings.integer("max_batch_latency") * kNsPerMs);
  } else if (name == "query_memory") {
    engine.memory->set_capacity(static_cast<size_t>(after.integer));
  } else if (name == "ring_capacity") {
    Status resized = engine.rings->resize(static_cast<uint64_t>(after.integer));
    // Half a ring bounds an event: emitters are told.
    engine.event_socket->set_limits(socket_limits(settings));
    return resized;
  } else if (is_one_of(name, {"max_open_shards", "wal_size_limit"})) {
    engine.shards->set_limits(static_cast<uint32_t>(settings.integer("max_open_shards")),
                              settings.integer("wal_size_limit"));
  } else if (is_one_of(name, {"event_retention", "event_retention_max_bytes", "retention_check_interval"})) {
    engine.retention->set_options(retention_options(settings));
  } else if (is_one_of(name, {"plan_cache_entries", "plan_cache_size"})) {
    apply_plan_cache_limits(engine);
  } else if (is_one_of(name, {"max_event_size", "max_nesting_depth", "max_emit_rate_per_process"})) {
    engine.event_socket->set_limits(socket_limits(settings));
  } else if (is_one_of(name, {"log_level", "log_format", "log_destination"})) {
    return open_log(settings);
  }
  return {};
}

}  // namespace

void apply_plan_cache_limits(Engine::Impl& engine) {
  engine.plans.set_limits(static_cast<size_t>(engine.settings->integer("plan_cache_entries")),
                          static_cast<size_t>(engine.settings->integer("plan_cache_size")));
}

kmes::EventSocketLimits socket_limits(const Settings& settings) {
  return {static_cast<uint32_t>(settings.integer("max_event_size")),
          static_cast<uint32_t>(settings.integer("max_nesting_depth")),
          static_cast<uint32_t>(settings.integer("max_emit_rate_per_process"))};
}

RetentionOptions retention_options(const Settings& settings) {
  RetentionOptions options;
  options.event_retention_ns = settings.integer("event_retention") * kNsPerMs;
  options.event_retention_max_bytes = settings.integer("event_retention_max_bytes");
  options.check_interval_ns = settings.integer("retention_check_interval") * kNsPerMs;
  return options;
}

kmes::HugePages huge_pages(const Settings& settings) {
  const std::string value = settings.text("huge_pages");
  return value == "on" ? kmes::HugePages::kOn : value == "off" ? kmes::HugePages::kOff : kmes::HugePages::kTry;
}

Status open_log(const Settings& settings) {
  log::Options options;
  options.level = static_cast<log::Level>(settings.integer("log_level"));
  options.json = settings.text("log_format") == "json";
  options.destination = settings.text("log_destination");
  return log::configure(options);
}

void apply_change(Engine::Impl& engine, std::string_view name, const SettingValue& before,
                  const SettingValue& after) {
  if (Status status = apply(engine, name, after); !status.ok()) {
    log::warning(std::string(name) + " = " + after.text + " could not be applied: " +
                 status.error().message);
  }
  engine.ingest->add_synthetic("synthetic.config_change", change_payload(name, before, after));
}

}  // namespace eventd::engine
