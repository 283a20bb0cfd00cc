#include "bench/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace eventd::bench {
namespace {

std::string figure(const Samples& samples) {
  if (samples.empty()) return "-";
  const double value = samples.median();
  if (value >= 1000) return fmt::format("{:.0f}", value);
  return value >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.3f}", value);
}

std::string json_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string json_samples(const Samples& samples) {
  if (samples.empty()) return "null";
  return fmt::format(R"({{"p50":{},"p99":{},"min":{},"max":{},"runs":{}}})", samples.median(),
                     samples.quantile(0.99), samples.quantile(0), samples.quantile(1),
                     samples.count());
}

}  // namespace

double Samples::quantile(double share) const {
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  return sorted[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

double Measurement::ratio() const {
  if (eventd.empty() || peer_values.empty()) return 0;
  const double ours = eventd.median(), theirs = peer_values.median();
  if (ours <= 0 || theirs <= 0) return 0;
  return higher_is_better ? ours / theirs : theirs / ours;
}

void Report::print_heading() const {
  std::printf("%-30s %-8s %12s %12s  %-12s %7s\n", "measurement", "unit", "eventd", "peer", "", "ratio");
  std::fflush(stdout);
}

void Report::add(Measurement measurement) {
  const double ratio = measurement.ratio();
  std::printf("%-30s %-8s %12s %12s  %-12s %7s  %s\n", measurement.name.c_str(),
              measurement.unit.c_str(), figure(measurement.eventd).c_str(),
              figure(measurement.peer_values).c_str(), measurement.peer.c_str(),
              ratio > 0 ? fmt::format("{:.2f}", ratio).c_str() : "-", measurement.note.c_str());
  std::fflush(stdout);
  measurements_.push_back(std::move(measurement));
}

bool Report::any_failed() const {
  return std::any_of(measurements_.begin(), measurements_.end(),
                     [](const Measurement& m) { return m.failed; });
}

Status Report::write_json(const std::string& path, uint64_t rows, int runs) const {
  std::ofstream out(path, std::ios::trunc);
  out << fmt::format("{{\"rows\":{},\"runs\":{},\"cpus\":{},\"measurements\":[", rows, runs,
                     ::sysconf(_SC_NPROCESSORS_ONLN));
  const char* separator = "\n";
  for (const Measurement& m : measurements_) {
    out << separator
        << fmt::format(R"({{"name":{},"unit":{},"higher_is_better":{},"eventd":{},"peer":{},)"
                       R"("peer_values":{},"ratio":{},"peak_rss_kib":{},"failed":{},"note":{}}})",
                       json_string(m.name), json_string(m.unit), m.higher_is_better,
                       json_samples(m.eventd), json_string(m.peer), json_samples(m.peer_values),
                       m.ratio() > 0 ? fmt::format("{:.4f}", m.ratio()) : "null", m.peak_rss_kib,
                       m.failed, json_string(m.note));
    separator = ",\n";
  }
  out << "\n]}\n";
  if (!out.flush()) return {sqlstate::kIoError, "cannot write " + path};
  return {};
}

}  // namespace eventd::bench
