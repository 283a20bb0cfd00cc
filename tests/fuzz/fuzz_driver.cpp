// Runs a fuzz target without libFuzzer: the corpus, then random mutations of it from a seed that is
// printed, so that a failure can be repeated. See CMakeLists.txt.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/long_tests.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// A target may know the structure of its input (libFuzzer's interface).
extern "C" __attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size,
                                                                size_t max_size, unsigned seed);

namespace {

using Input = std::vector<uint8_t>;

constexpr size_t kInputBytesMax = 4096;

struct Options {
  double seconds = 2;
  uint64_t iterations_max = UINT64_MAX;
  uint64_t seed = 0;
  bool seed_given = false;
  std::vector<std::string> paths;
};

// What a crash handler needs: the input being run.
const Input* current_input = nullptr;

/// Leaves the failing input behind. Only async-signal-safe calls.
void write_crash_file(int signal) {
  if (current_input != nullptr) {
    const int fd = open("crash-input", O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd >= 0) {
      [[maybe_unused]] ssize_t n = write(fd, current_input->data(), current_input->size());
      close(fd);
      constexpr std::string_view kMessage = "fuzz: failing input written to ./crash-input\n";
      n = write(STDERR_FILENO, kMessage.data(), kMessage.size());
    }
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

[[noreturn]] void print_usage_and_exit() {
  std::fputs("Usage: fuzz_NAME [--seconds N] [--iterations N] [--seed N] [FILE|FOLDER…]\n", stderr);
  std::exit(2);
}

Options parse_options(int argc, char** argv) {
  Options options;
  if (eventd::long_tests()) options.seconds = 60;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with("--")) {
      options.paths.emplace_back(argument);
      continue;
    }
    if (i + 1 == argc) print_usage_and_exit();
    const char* value = argv[++i];
    if (argument == "--seconds") {
      options.seconds = std::strtod(value, nullptr);
    } else if (argument == "--iterations") {
      options.iterations_max = std::strtoull(value, nullptr, 10);
    } else if (argument == "--seed") {
      options.seed = std::strtoull(value, nullptr, 10);
      options.seed_given = true;
    } else {
      print_usage_and_exit();
    }
  }
  if (!options.seed_given) options.seed = std::random_device{}();
  return options;
}

std::vector<Input> read_corpus(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<fs::path> files;
  for (const std::string& path : paths) {
    if (!fs::exists(path)) continue;  // a target without a corpus
    if (!fs::is_directory(path)) {
      files.emplace_back(path);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());  // the same order everywhere, for the seed's sake
  std::vector<Input> corpus;
  for (const fs::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  return corpus;
}

/// Changes an input a few times at random.
class Mutator {
 public:
  Mutator(const std::vector<Input>& corpus, uint64_t seed) : corpus_(corpus), random_(seed) {}

  Input next() {
    Input input;
    if (!corpus_.empty() && below(8) != 0) input = corpus_[below(corpus_.size())];
    for (size_t changes = 1 + below(6); changes > 0; --changes) {
      if (LLVMFuzzerCustomMutator != nullptr && below(4) != 0) {
        change_by_structure(input);
      } else {
        change(input);
      }
      if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
    }
    return input;
  }

  /// One change at random places.
  void change(Input& input) {
    const auto position = [&](size_t at) { return input.begin() + static_cast<ptrdiff_t>(at); };
    const size_t at = below(input.size() + 1);
    switch (below(input.empty() ? 3 : 9)) {
      case 0:
        input.insert(position(at), odd_byte());
        break;
      case 1: {
        Input bytes(1 + below(16));
        std::generate(bytes.begin(), bytes.end(), [&] { return byte(); });
        input.insert(position(at), bytes.begin(), bytes.end());
        break;
      }
      case 2: {  // a run: deep nesting, long strings
        input.insert(position(at), 1 + below(300), below(2) != 0 ? odd_byte() : byte());
        break;
      }
      case 3: input[at % input.size()] ^= static_cast<uint8_t>(1U << below(8)); break;
      case 4: input[at % input.size()] = odd_byte(); break;
      case 5: input.resize(at); break;
      case 6: {
        const size_t end = std::min(input.size(), at + 1 + below(16));
        if (at < end) input.erase(position(at), position(end));
        break;
      }
      case 7: {  // a number replaced by one at an edge
        static constexpr std::array<uint32_t, 8> kNumbers = {
            0, 1, 76, 77, 0xffff, 0x10000, 0x7fffffff, 0xffffffff};
        const uint32_t number = kNumbers[below(kNumbers.size())];
        const size_t width = size_t{1} << below(3);
        if (at + width <= input.size()) std::memcpy(input.data() + at, &number, width);
        break;
      }
      default:
        if (!corpus_.empty()) {  // spliced with another
          const Input& other = corpus_[below(corpus_.size())];
          input.resize(at);
          const size_t from = other.empty() ? 0 : below(other.size());
          input.insert(input.end(), other.begin() + static_cast<ptrdiff_t>(from), other.end());
        }
    }
  }

 private:
  size_t below(size_t limit) { return static_cast<size_t>(random_() % limit); }
  uint8_t byte() { return static_cast<uint8_t>(random_()); }
  /// Bytes at the edges of formats: lengths, signs, leads of UTF-8 and msgpack.
  uint8_t odd_byte() {
    static constexpr std::array<uint8_t, 24> kBytes = {
        0x00, 0x01, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xbf, 0xc0,
        0xc1, 0xc2, 0xc4, 0xd9, 0xdb, 0xdd, 0xdf, 0xe0, 0xed, 0xf0, 0xf4, 0xff};
    return kBytes[below(kBytes.size())];
  }

  void change_by_structure(Input& input) {
    const size_t size = input.size();
    input.resize(kInputBytesMax);
    input.resize(LLVMFuzzerCustomMutator(input.data(), size, kInputBytesMax,
                                         static_cast<unsigned>(random_())));
  }

  const std::vector<Input>& corpus_;
  std::mt19937_64 random_;
};

/// For LLVMFuzzerMutate().
Mutator* current_mutator = nullptr;

void run(const Input& input) {
  // Exactly as large as the input, so that AddressSanitizer sees a read one byte past it.
  const std::unique_ptr<uint8_t[]> exact(new uint8_t[input.size()]);
  std::copy(input.begin(), input.end(), exact.get());
  current_input = &input;
  LLVMFuzzerTestOneInput(exact.get(), input.size());
  current_input = nullptr;
}

}  // namespace

// Of targets with a mutator of their own, for the rest.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size) {
  Input input(data, data + size);
  current_mutator->change(input);
  if (input.size() > max_size) input.resize(max_size);
  std::copy(input.begin(), input.end(), data);
  return input.size();
}

// So that the failing input is written.
extern "C" const char* __asan_default_options() { return "abort_on_error=1"; }

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    std::signal(signal, write_crash_file);
  }
  std::printf("fuzz: --seed %llu\n", static_cast<unsigned long long>(options.seed));
  std::fflush(stdout);
  const std::vector<Input> corpus = read_corpus(options.paths);
  for (const Input& input : corpus) run(input);

  Mutator mutator(corpus, options.seed);
  current_mutator = &mutator;
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(options.seconds);
  uint64_t iterations = 0;
  while (iterations < options.iterations_max &&
         (iterations % 256 != 0 || std::chrono::steady_clock::now() < end)) {
    run(mutator.next());
    ++iterations;
  }
  std::printf("fuzz: %zu corpus files, %llu mutations\n", corpus.size(),
              static_cast<unsigned long long>(iterations));
  return 0;
}
