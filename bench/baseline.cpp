#include "bench/baseline.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace eventd::bench {
namespace {

std::string key_of(const Measurement& measurement, uint64_t rows) {
  return fmt::format("{} ({} rows)", measurement.name, rows);
}

}  // namespace

Result<Baseline> Baseline::read(const std::string& path) {
  std::ifstream in(path);
  if (!in) return Status(sqlstate::kIoError, "cannot read " + path);
  Baseline baseline;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t tab = line.find('\t');
    char* end = nullptr;
    const double ratio = std::strtod(line.c_str(), &end);
    if (tab == std::string::npos || end != line.c_str() + tab || !(ratio > 0)) {
      return Status(sqlstate::kInvalidTextRepresentation, path + ": no ratio: " + line);
    }
    baseline.ratios_[line.substr(tab + 1)] = ratio;
  }
  return baseline;
}

Status Baseline::write(const std::string& path) const {
  std::ofstream out(path, std::ios::trunc);
  out << "# evbench --baseline compares with these, --save-baseline brings them up to date.\n";
  for (const auto& [key, ratio] : ratios_) out << fmt::format("{:.2f}\t{}\n", ratio, key);
  if (!out.flush()) return {sqlstate::kIoError, "cannot write " + path};
  return {};
}

Status Baseline::update(const std::string& path, const Report& report, uint64_t rows) {
  Baseline baseline;
  if (std::ifstream(path).good()) {
    ASSIGN_OR_RETURN(baseline, read(path));
  }
  for (const Measurement& measurement : report.measurements()) {
    if (measurement.ratio() > 0) baseline.ratios_[key_of(measurement, rows)] = measurement.ratio();
  }
  return baseline.write(path);
}

bool Baseline::holds(const Report& report, uint64_t rows) const {
  bool holds = true;
  for (const Measurement& measurement : report.measurements()) {
    const auto before = ratios_.find(key_of(measurement, rows));
    if (before == ratios_.end() || measurement.ratio() >= before->second * (1 - kWorseMax)) continue;
    std::printf("worse than before: %s %.2f, was %.2f\n", measurement.name.c_str(),
                measurement.ratio(), before->second);
    holds = false;
  }
  return holds;
}

}  // namespace eventd::bench
