#include "log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <fmt/chrono.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>

namespace eventd::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::Debug: return spdlog::level::debug;
    case Level::Info: return spdlog::level::info;
    case Level::Warning: return spdlog::level::warn;
    case Level::Error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::atomic<bool> json_lines{false};

// Escapes `text` for a JSON string.
std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

// The logger all writes go to; replaced whole by configure().
std::shared_ptr<spdlog::logger> make_default() {
  auto logger = std::make_shared<spdlog::logger>(
      "eventd", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  return logger;
}

std::atomic<std::shared_ptr<spdlog::logger>>& current() {
  static std::atomic<std::shared_ptr<spdlog::logger>> logger{make_default()};
  return logger;
}

constexpr size_t kProblemsKeptMax = 32;
constexpr size_t kProblemBytesMax = 1024;

std::mutex problems_mutex;
std::deque<std::string>& problems() {  // GUARDED_BY(problems_mutex)
  static std::deque<std::string> kept;
  return kept;
}

void keep_problem(Level level, std::string_view message) {
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now());
  std::string line = fmt::format("{:%Y-%m-%d %H:%M:%S}Z {} {}", now,
                                 level == Level::Error ? "error" : "warning",
                                 message.substr(0, kProblemBytesMax));
  const std::lock_guard lock(problems_mutex);
  if (problems().size() == kProblemsKeptMax) problems().pop_front();
  problems().push_back(std::move(line));
}

}  // namespace

std::vector<std::string> recent_problems() {
  const std::lock_guard lock(problems_mutex);
  return {problems().begin(), problems().end()};
}

Status configure(const Options& options) {
  std::shared_ptr<spdlog::logger> logger;
  try {
    if (options.destination == "stderr") {
      logger = make_default();
    } else {
      logger = std::make_shared<spdlog::logger>(
          "eventd", std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.destination));
      logger->flush_on(spdlog::level::info);
    }
  } catch (const spdlog::spdlog_ex& e) {
    return Status(sqlstate::kConfigFileError, e.what());
  }
  logger->set_pattern(options.json
                          ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%v})"
                          : "%Y-%m-%d %H:%M:%S.%e %l %v",
                      options.json ? spdlog::pattern_time_type::utc
                                   : spdlog::pattern_time_type::local);
  logger->set_level(to_spdlog(options.level));
  json_lines = options.json;
  current().store(std::move(logger));
  return {};
}

bool enabled(Level level) { return current().load()->should_log(to_spdlog(level)); }

void write(Level level, std::string_view message) {
  if (level >= Level::Warning) keep_problem(level, message);
  const auto logger = current().load();
  if (json_lines) {
    logger->log(to_spdlog(level), json_quoted(message));
  } else {
    logger->log(to_spdlog(level), message);
  }
}

}  // namespace eventd::log
