// kmes_utf8_valid, scalar and with every set of vector instructions there is, against a decoder.
#include <cstdio>
#include <cstdlib>

#include "kmes/validate.h"
#include "tests/fuzz/utf8_oracle.h"

using namespace eventd::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const bool expected = is_utf8(data, size);
  const auto compare = [&](bool answer, int level) {
    if (answer == expected) return;
    std::fprintf(stderr, "level %d says %d of %zu bytes\n", level, answer, size);
    std::abort();
  };
  compare(kmes_utf8_valid_scalar(data, size), 0);
  for (const auto level : {KMES_VECTOR_NONE, KMES_VECTOR_SSE42, KMES_VECTOR_AVX2}) {
    if (kmes_set_vector_level(level)) compare(kmes_utf8_valid(data, size), level);
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  FuzzRandom random(seed);
  std::string text(reinterpret_cast<const char*>(data), size);
  const size_t at = random.below(text.size() + 1);
  switch (random.below(5)) {
    case 0: text.insert(at, odd_character(random)); break;
    case 1: text.insert(at, std::string(1 + random.below(140), 'r')); break;  // to another block
    case 2: {
      const std::string character = odd_character(random);
      std::string run;
      for (size_t i = 1 + random.below(80); i > 0; --i) run += character;
      text.insert(at, run);
      break;
    }
    case 3: text.resize(at); break;  // cut inside a character
    default: return LLVMFuzzerMutate(data, size, max_size);
  }
  return give_back(text, data, max_size);
}
