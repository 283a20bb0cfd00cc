#include "script.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "bytes.h"

namespace eventd::pgtest {
namespace {

constexpr auto kCancelDelay = std::chrono::milliseconds(200);

using Words = std::vector<std::string>;

Words split_words(const std::string& line) {
  Words words;
  for (size_t i = 0; i < line.size();) {
    if (line[i] == ' ') {
      ++i;
      continue;
    }
    std::string word;
    bool quoted = false;
    for (; i < line.size() && (quoted || line[i] != ' '); ++i) {
      if (line[i] == '"') {
        quoted = !quoted;
      } else if (line[i] == '\\' && quoted && i + 1 < line.size()) {
        const char c = line[++i];
        word.push_back(c == 'n' ? '\n' : c == 't' ? '\t' : c);
      } else {
        word.push_back(line[i]);
      }
    }
    words.push_back(std::move(word));
  }
  return words;
}

std::string from_hex(const std::string& hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return out;
}

std::string zero_terminated(const std::string& text) { return text + '\0'; }

std::string packet(const std::string& body) {
  std::string out;
  append_be(out, static_cast<uint32_t>(body.size() + 4));
  return out + body;
}

std::string message(char type, const std::string& body) { return type + packet(body); }

const std::string& word(const Words& words, size_t i) {
  if (i >= words.size()) throw std::runtime_error("too few words");
  return words[i];
}

std::string startup(const std::string& version, const Words& words, size_t first) {
  const size_t dot = version.find('.');
  std::string body;
  append_be(body, static_cast<uint16_t>(std::stoi(version.substr(0, dot))));
  append_be(body, static_cast<uint16_t>(std::stoi(version.substr(dot + 1))));
  for (size_t i = first; i < words.size(); ++i) {
    const size_t equals = words[i].find('=');
    body += zero_terminated(words[i].substr(0, equals)) + zero_terminated(words[i].substr(equals + 1));
  }
  body.push_back('\0');
  return packet(body);
}

std::string encode_parse(const Words& words) {
  std::string body = zero_terminated(word(words, 1)) + zero_terminated(word(words, 2));
  append_be(body, static_cast<uint16_t>(words.size() - 3));
  for (size_t i = 3; i < words.size(); ++i)
    append_be(body, static_cast<uint32_t>(std::stoul(words[i])));
  return message('P', body);
}

std::string encode_bind(const Words& words) {
  std::string body = zero_terminated(word(words, 1)) + zero_terminated(word(words, 2));
  append_be(body, uint16_t{0});
  std::string values, formats;
  uint16_t count = 0, format_count = 0;
  for (size_t i = 3; i < words.size(); ++i) {
    if (words[i].starts_with("result=")) {
      append_be(formats, static_cast<uint16_t>(std::stoi(words[i].substr(7))));
      ++format_count;
      continue;
    }
    ++count;
    if (words[i] == "NULL") {
      append_be(values, int32_t{-1});
    } else {
      append_be(values, static_cast<int32_t>(words[i].size()));
      values += words[i];
    }
  }
  append_be(body, count);
  body += values;
  append_be(body, format_count);
  return message('B', body + formats);
}

std::string request_code(uint32_t code) {
  std::string body;
  append_be(body, code);
  return packet(body);
}

std::string encode(const std::string& line, const Target& target) {
  const Words words = split_words(line);
  const std::string& kind = word(words, 0);
  if (kind == "Query") return message('Q', zero_terminated(word(words, 1)));
  if (kind == "Parse") return encode_parse(words);
  if (kind == "Bind") return encode_bind(words);
  if (kind == "Describe") return message('D', word(words, 1) + zero_terminated(word(words, 2)));
  if (kind == "Close") return message('C', word(words, 1) + zero_terminated(word(words, 2)));
  if (kind == "Execute") {
    std::string body = zero_terminated(word(words, 1));
    append_be(body, static_cast<int32_t>(words.size() > 2 ? std::stoi(words[2]) : 0));
    return message('E', body);
  }
  if (kind == "Sync") return message('S', {});
  if (kind == "Flush") return message('H', {});
  if (kind == "Terminate") return message('X', {});
  if (kind == "CopyData") return message('d', word(words, 1));
  if (kind == "CopyDone") return message('c', {});
  if (kind == "CopyFail") return message('f', zero_terminated(word(words, 1)));
  if (kind == "FunctionCall") {
    std::string body;
    append_be(body, uint32_t{2026});
    append_be(body, uint16_t{0});
    append_be(body, uint16_t{0});
    append_be(body, uint16_t{0});
    return message('F', body);
  }
  if (kind == "SSLRequest") return request_code(80877103);
  if (kind == "GSSENCRequest") return request_code(80877104);
  if (kind == "Raw") return from_hex(word(words, 1));
  if (kind == "Startup") {
    Words all = words;
    all.insert(all.begin() + 2, {"user=" + target.user, "database=" + target.database});
    return startup(word(words, 1), all, 2);
  }
  throw std::runtime_error("unknown message " + kind);
}

/// `actual` as rendered against a script's line.
bool matches(const std::string& expected, const std::string& actual) {
  if (expected == actual) return true;
  if (expected.ends_with('*'))
    return actual.starts_with(std::string_view(expected).substr(0, expected.size() - 1));
  if (!expected.starts_with("ErrorResponse ") && !expected.starts_with("NoticeResponse "))
    return false;
  const Words wanted = split_words(expected), have = split_words(actual);
  for (size_t i = 0; i < wanted.size(); ++i) {
    bool found = false;
    for (const std::string& field : have) found = found || field == wanted[i];
    if (!found) return false;
  }
  return true;
}

class Runner {
 public:
  Runner(const std::string& path, const Target& target) : file_(path), path_(path), target_(target) {
    if (!file_) throw std::runtime_error("cannot read the script");
  }

  void run() {
    std::string line;
    while (next(line)) {
      if (line.empty() || line[0] == '#') continue;
      const Words words = split_words(line);
      if (words[0] == "connect") connect(words);
      else if (words[0] == "open") client_ = std::make_unique<WireClient>(target_);
      else if (words[0] == "send") send();
      else if (words[0] == "until") until(word(words, 1));
      else if (words[0] == "byte") expect(word(words, 1)[0] == client().receive_byte(), "byte");
      else if (words[0] == "closed") closed();
      else if (words[0] == "cancel") cancel(words.size() > 1);
      else throw std::runtime_error("unknown command " + words[0]);
    }
  }
  int line_number() const { return line_number_; }

 private:
  bool next(std::string& line) {
    if (!std::getline(file_, line)) return false;
    ++line_number_;
    return true;
  }
  std::vector<std::string> block() {
    std::vector<std::string> lines;
    std::string line;
    while (next(line) && line != "----") {
      if (!line.empty() && line[0] != '#') lines.push_back(line);
    }
    return lines;
  }
  WireClient& client() {
    if (!client_) throw std::runtime_error("not connected");
    return *client_;
  }
  static void expect(bool condition, const std::string& what) {
    if (!condition) throw std::runtime_error("unexpected: " + what);
  }

  void connect(const Words& words) {
    client_ = std::make_unique<WireClient>(target_);
    Words all = words;
    all.insert(all.begin() + 1, {"user=" + target_.user, "database=" + target_.database});
    client_->send(startup("3.0", all, 1));
    for (;;) {
      const Message message = client_->receive();
      if (message.type == 'Z') return;
      if (message.type == 'E' || message.type == 0)
        throw std::runtime_error("connect: " + render(message));
    }
  }
  void send() {
    std::string bytes;
    for (const std::string& line : block()) bytes += encode(line, target_);
    client().send(bytes);
  }
  void until(const std::string& type) {
    const std::vector<std::string> expected = block();
    std::vector<std::string> actual;
    for (;;) {
      actual.push_back(render(client().receive()));
      const std::string name = actual.back().substr(0, actual.back().find(' '));
      if (name == type || name == "closed") break;
    }
    bool same = expected.size() == actual.size();
    for (size_t i = 0; same && i < expected.size(); ++i) same = matches(expected[i], actual[i]);
    if (same) return;
    std::string text = "\n  expected:";
    for (const std::string& line : expected) text += "\n    " + line;
    text += "\n  received:";
    for (const std::string& line : actual) text += "\n    " + line;
    throw std::runtime_error(text);
  }
  void closed() {
    const Message message = client().receive();
    expect(message.type == 0, render(message));
  }
  void cancel(bool wrong) {
    std::this_thread::sleep_for(kCancelDelay);
    std::string body;
    append_be(body, uint32_t{80877102});
    append_be(body, client().backend_pid);
    append_be(body, client().secret_key ^ (wrong ? 1u : 0u));
    WireClient other(target_);
    other.send(packet(body));
    expect(other.receive().type == 0, "an answer to CancelRequest");
  }

  std::ifstream file_;
  std::string path_;
  Target target_;
  std::unique_ptr<WireClient> client_;
  int line_number_ = 0;
};

}  // namespace

bool run_script(const std::string& path, const Target& target) {
  int line = 0;
  try {
    Runner runner(path, target);
    try {
      runner.run();
      return true;
    } catch (...) {
      line = runner.line_number();
      throw;
    }
  } catch (const std::exception& error) {
    std::printf("%s:%d: %s\n", path.c_str(), line, error.what());
    return false;
  }
}

}  // namespace eventd::pgtest
