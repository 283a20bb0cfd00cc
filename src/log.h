// Logging. spdlog stays behind this header: including it costs seconds a translation unit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace eventd::log {

enum class Level { Debug, Info, Warning, Error };

/// Where and how to log. `destination`: "stderr" or a file path (appended to).
struct Options {
  Level level = Level::Info;
  bool json = false;
  std::string destination = "stderr";
};

/// Applies `options` to the whole process; may be called again. Fails when the file can't be opened.
Status configure(const Options& options);
bool enabled(Level level);
/// The newest warnings and errors with their times, oldest first; a bounded number. Any thread.
std::vector<std::string> recent_problems();

/// Writes one line. Thread-safe. Never called per event.
void write(Level level, std::string_view message);

inline void debug(std::string_view message) {
  if (enabled(Level::Debug)) write(Level::Debug, message);
}
inline void info(std::string_view message) { write(Level::Info, message); }
inline void warning(std::string_view message) { write(Level::Warning, message); }
inline void error(std::string_view message) { write(Level::Error, message); }

}  // namespace eventd::log
