// kmes_msgpack_valid, scalar and with every set of vector instructions there is, against msgpack-c. All
// must agree on what is well formed; ours is stricter in strings (UTF-8) and nesting, which are compared
// by walking msgpack-c's object.
#include <msgpack.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "kmes/validate.h"
#include "tests/fuzz/msgpack_mutator.h"
#include "tests/fuzz/utf8_oracle.h"

namespace {

// msgpack-c's own stack (MSGPACK_EMBED_STACK_SIZE) ends here; below it the two are comparable.
constexpr unsigned kNesting = 24;

struct Oracle {
  bool whole = false;   // one value, all of the bytes
  bool text_ok = true;
  unsigned nesting = 0;
};

/// Deepest nesting and whether all strings are UTF-8. Iterative: the input may be anything.
void inspect(const msgpack_object& root, Oracle& oracle) {
  std::vector<std::pair<const msgpack_object*, unsigned>> open = {{&root, 0}};
  while (!open.empty()) {
    const auto [object, depth] = open.back();
    open.pop_back();
    oracle.nesting = std::max(oracle.nesting, depth);
    if (object->type == MSGPACK_OBJECT_STR) {
      const auto* text = reinterpret_cast<const uint8_t*>(object->via.str.ptr);
      oracle.text_ok = oracle.text_ok && eventd::fuzz::is_utf8(text, object->via.str.size);
    } else if (object->type == MSGPACK_OBJECT_ARRAY) {
      oracle.nesting = std::max(oracle.nesting, depth + 1);
      for (uint32_t i = 0; i < object->via.array.size; ++i) {
        open.emplace_back(&object->via.array.ptr[i], depth + 1);
      }
    } else if (object->type == MSGPACK_OBJECT_MAP) {
      oracle.nesting = std::max(oracle.nesting, depth + 1);
      for (uint32_t i = 0; i < object->via.map.size; ++i) {
        open.emplace_back(&object->via.map.ptr[i].key, depth + 1);
        open.emplace_back(&object->via.map.ptr[i].val, depth + 1);
      }
    }
  }
}

/// A count that announces more than the input can hold would make msgpack-c allocate gigabytes.
bool has_huge_count(const uint8_t* data, size_t size) {
  for (size_t i = 0; i + 4 < size; ++i) {
    if ((data[i] == 0xdd || data[i] == 0xdf) && (data[i + 1] != 0 || data[i + 2] != 0)) return true;
  }
  return false;
}

/// What all implementations say, when they say the same.
bool valid(const uint8_t* data, size_t size, unsigned nesting) {
  const bool answer = kmes_msgpack_valid_scalar(data, size, nesting);
  for (const auto level : {KMES_VECTOR_NONE, KMES_VECTOR_SSE42, KMES_VECTOR_AVX2}) {
    if (!kmes_set_vector_level(level) || kmes_msgpack_valid(data, size, nesting) == answer) continue;
    std::fprintf(stderr, "level %d says %d of %zu bytes, nesting %u\n", level, !answer, size, nesting);
    std::abort();
  }
  return answer;
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  eventd::fuzz::FuzzRandom random(seed);
  if (random.below(8) == 0) return LLVMFuzzerMutate(data, size, max_size);
  return eventd::fuzz::give_back(
      eventd::fuzz::mutate_msgpack(std::string(reinterpret_cast<const char*>(data), size), random),
      data, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const bool shallow = valid(data, size, kNesting);
  const bool deep = valid(data, size, KMES_NESTING_MAX);
  const bool flat = valid(data, size, 0);
  if (flat && !shallow) std::abort();
  if (shallow && !deep) std::abort();  // a higher limit refuses nothing
  if (has_huge_count(data, size)) return 0;

  Oracle oracle;
  msgpack_zone zone;
  msgpack_zone_init(&zone, 8192);
  msgpack_object object;
  size_t used = 0;
  const msgpack_unpack_return answer =
      msgpack_unpack(reinterpret_cast<const char*>(data), size, &used, &zone, &object);
  if (answer == MSGPACK_UNPACK_SUCCESS) {
    oracle.whole = true;
    inspect(object, oracle);
  }
  msgpack_zone_destroy(&zone);

  const bool well_formed = oracle.whole && oracle.text_ok;
  const bool expected = well_formed && oracle.nesting <= kNesting;
  if (flat != (well_formed && oracle.nesting == 0)) std::abort();
  if (shallow != expected) {
    std::fprintf(stderr, "ours %d, msgpack-c %d (answer %d, text %d, nesting %u) over %zu bytes\n",
                 shallow, expected, static_cast<int>(answer), oracle.text_ok, oracle.nesting, size);
    std::abort();
  }
  return 0;
}
