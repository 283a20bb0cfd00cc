// eventd: reads the settings, then lives as a service until a signal ends it.
#include <cstdio>

#include "engine/session/setting_checks.h"
#include "engine/settings/settings.h"
#include "pgwire/engine_backend.h"
#include "service/command_line.h"
#include "service/service.h"

int main(int argc, char** argv) {
  using namespace eventd;
  engine::Settings::Sources sources;
  if (const auto status = parse_command_line(argc, argv, sources)) return static_cast<int>(*status);
  Service::block_signals();
  engine::register_setting_checks();
  pgwire::register_setting_checks();
  auto settings = engine::Settings::load(sources);
  if (!settings.ok()) {
    std::fprintf(stderr, "eventd: %s\n", settings.error().message.c_str());
    if (!settings.error().hint.empty())
      std::fprintf(stderr, "hint: %s\n", settings.error().hint.c_str());
    return static_cast<int>(ExitStatus::kFailed);
  }
  return static_cast<int>(Service(std::move(*settings)).run());
}
