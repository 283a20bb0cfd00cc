// Accept and reject vectors of every msgpack family, UTF-8, nesting: for the scalar and the vector
// implementations, which must agree, over bytes with nothing readable before or after them.
#include "kmes/validate.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace std::string_literals;

/// Memory between two pages that cannot be read.
class GuardedBytes {
 public:
  GuardedBytes() {
    map_ = static_cast<uint8_t*>(
        mmap(nullptr, kSize + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (map_ == MAP_FAILED || mprotect(begin(), kSize, PROT_READ | PROT_WRITE) != 0) std::abort();
  }
  ~GuardedBytes() { munmap(map_, kSize + 2 * kPage); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  /// The same bytes right after the page before and right before the page after.
  const uint8_t* at_begin(const std::string& bytes) { return put(begin(), bytes); }
  const uint8_t* at_end(const std::string& bytes) {
    return put(begin() + kSize - bytes.size(), bytes);
  }

 private:
  static constexpr size_t kPage = 4096, kSize = 64 * kPage;
  uint8_t* begin() { return map_ + kPage; }
  static const uint8_t* put(uint8_t* to, const std::string& bytes) {
    std::copy(bytes.begin(), bytes.end(), to);
    return to;
  }
  uint8_t* map_;
};

/// The answer of all implementations at both places; they differ in a test failure.
template <class Scalar, class Vector>
bool answer_of_all(const std::string& bytes, Scalar scalar, Vector vector) {
  static GuardedBytes memory;
  const bool answer = scalar(memory.at_end(bytes), bytes.size());
  EXPECT_EQ(scalar(memory.at_begin(bytes), bytes.size()), answer);
  const auto before = kmes_vector_level();
  for (const auto level : {KMES_VECTOR_NONE, KMES_VECTOR_SSE42, KMES_VECTOR_AVX2}) {
    if (!kmes_set_vector_level(level)) continue;  // not of this processor
    EXPECT_EQ(vector(memory.at_end(bytes), bytes.size()), answer)
        << "level " << level << ": " << testing::PrintToString(bytes);
    EXPECT_EQ(vector(memory.at_begin(bytes), bytes.size()), answer)
        << "level " << level << ": " << testing::PrintToString(bytes);
  }
  EXPECT_TRUE(kmes_set_vector_level(before));
  return answer;
}

bool msgpack(const std::string& bytes, unsigned nesting = 32) {
  return answer_of_all(
      bytes,
      [&](const uint8_t* at, size_t size) { return kmes_msgpack_valid_scalar(at, size, nesting); },
      [&](const uint8_t* at, size_t size) { return kmes_msgpack_valid(at, size, nesting); });
}
bool utf8(const std::string& bytes) {
  return answer_of_all(bytes, kmes_utf8_valid_scalar, kmes_utf8_valid);
}

// Whole values: each is accepted, and refused when cut anywhere or followed by a byte.
const std::string kWhole[] = {
    "\x00"s, "\x7f"s, "\xe0"s, "\xff"s,                          // fixint
    "\xc0"s, "\xc2"s, "\xc3"s,                                   // nil, bool
    "\xcc\x01"s, "\xcd\x01\x02"s, "\xce\x01\x02\x03\x04"s, "\xcf"s + std::string(8, 1),
    "\xd0\x01"s, "\xd1\x01\x02"s, "\xd2\x01\x02\x03\x04"s, "\xd3"s + std::string(8, 1),
    "\xca"s + std::string(4, 1), "\xcb"s + std::string(8, 1),    // float
    "\xa0"s, "\xa3" "abc"s, "\xbf"s + std::string(31, 'a'),      // fixstr
    "\xd9\x03" "abc"s, "\xda\x00\x03" "abc"s, "\xdb\x00\x00\x00\x03" "abc"s,
    "\xc4\x02\xff\xff"s, "\xc5\x00\x02\xff\xff"s, "\xc6\x00\x00\x00\x02\xff\xff"s, "\xc4\x00"s,
    "\xc7\x02\x05\xff\xff"s, "\xc8\x00\x02\x05\xff\xff"s, "\xc9\x00\x00\x00\x02\x05\xff\xff"s,
    "\xc7\x00\x05"s,                                             // empty ext
    "\xd4\x05"s + std::string(1, 9), "\xd5\x05"s + std::string(2, 9), "\xd6\x05"s + std::string(4, 9),
    "\xd7\x05"s + std::string(8, 9), "\xd8\x05"s + std::string(16, 9),
    "\x90"s, "\x93\x01\x02\x03"s, "\xdc\x00\x02\x01\x02"s, "\xdd\x00\x00\x00\x02\x01\x02"s,
    "\x80"s, "\x82\xa1" "a\x01\xa1" "b\x02"s, "\xde\x00\x01\xa1" "a\xc0"s,
    "\xdf\x00\x00\x00\x01\xa1" "a\xc0"s,
    "\x82\xa1" "a\x92\x80\x90\x01\x81\x01\x02"s,                 // containers inside containers
};

TEST(Msgpack, WholeValuesOfEveryFamily) {
  for (const std::string& value : kWhole) {
    EXPECT_TRUE(msgpack(value)) << testing::PrintToString(value);
    for (size_t cut = 0; cut < value.size(); ++cut) {
      EXPECT_FALSE(msgpack(value.substr(0, cut))) << testing::PrintToString(value) << " cut at " << cut;
    }
    EXPECT_FALSE(msgpack(value + "\xc0")) << "bytes left over: " << testing::PrintToString(value);
  }
}

TEST(Msgpack, EveryFormatByteAlone) {
  for (int lead = 0; lead < 256; ++lead) {
    const bool complete = lead < 0x80 || lead >= 0xe0 || lead == 0x80 || lead == 0x90 ||
                          lead == 0xa0 || lead == 0xc0 || lead == 0xc2 || lead == 0xc3;
    EXPECT_EQ(msgpack(std::string(1, static_cast<char>(lead))), complete) << lead;
  }
}

TEST(Msgpack, NeverUsedByteIsRefused) {
  EXPECT_FALSE(msgpack("\xc1"s));
  EXPECT_FALSE(msgpack("\x91\xc1"s));
  EXPECT_FALSE(msgpack("\xc1"s + std::string(300, '\0')));
}

TEST(Msgpack, StringsMustBeUtf8AndBinariesNeedNot) {
  EXPECT_FALSE(msgpack("\xa1\xff"s));
  EXPECT_FALSE(msgpack("\x81\xa1\xff\x01"s)) << "keys as well";
  EXPECT_FALSE(msgpack("\xd9\x02\xc3\x28"s));
  EXPECT_TRUE(msgpack("\xc4\x01\xff"s));
}

TEST(Msgpack, CountsThatCannotBeAreRefusedAtOnce) {
  EXPECT_FALSE(msgpack("\xdd\xff\xff\xff\xff"s));
  EXPECT_FALSE(msgpack("\xdf\xff\xff\xff\xff\x01"s));
  EXPECT_FALSE(msgpack("\xdf\x80\x00\x00\x00"s)) << "twice 2^31 must not wrap to 0";
  EXPECT_FALSE(msgpack("\xdb\xff\xff\xff\xff" "a"s));
  EXPECT_FALSE(msgpack("\xc6\xff\xff\xff\xff" "a"s));
  EXPECT_FALSE(msgpack("\xc9\xff\xff\xff\xff" "a"s)) << "count + type byte must not wrap";
}

TEST(Msgpack, NestingLimit) {
  for (const char container : {'\x91', '\x81'}) {
    for (const unsigned limit : {1U, 4U, 32U, 256U}) {
      std::string deep;
      for (unsigned i = 0; i < limit; ++i) {
        deep += container;
        if (container == '\x81') deep += '\x01';
      }
      EXPECT_TRUE(msgpack(deep + "\xc0", limit));
      EXPECT_FALSE(msgpack(deep + "\xc0", limit - 1));
      EXPECT_FALSE(msgpack(deep + "\x90", limit)) << "an empty one nests too";
    }
  }
  EXPECT_TRUE(msgpack("\x07"s, 0));
  EXPECT_FALSE(msgpack("\x90"s, 0));
  // Far beyond the validator's own stack, whatever the caller allows.
  EXPECT_FALSE(msgpack(std::string(100'000, '\x91') + "\xc0", 1'000'000));
  // Side by side is not nested.
  EXPECT_TRUE(msgpack("\xdc\x01\x00"s + std::string(256, '\x90'), 2));
}

TEST(Utf8, WellFormed) {
  for (const std::string& text :
       {""s, "plain"s, "ä"s, "€"s, "😀"s, "a\0b"s, "\xed\x9f\xbf"s, "\xee\x80\x80"s,
        "\xf4\x8f\xbf\xbf"s, std::string(100, 'a') + "ä" + std::string(100, 'b')}) {
    EXPECT_TRUE(utf8(text)) << testing::PrintToString(text);
  }
}

TEST(Utf8, IllFormedAtAnyPlace) {
  for (const std::string& bad :
       {"\x80"s, "\xbf"s, "\xc0\x80"s, "\xc1\xbf"s, "\xc3"s, "\xc3\x28"s, "\xe0\x9f\xbf"s,
        "\xe2\x82"s, "\xe2\x28\xa1"s, "\xed\xa0\x80"s, "\xed\xbf\xbf"s, "\xf0\x8f\xbf\xbf"s,
        "\xf0\x9f\x98"s, "\xf0\x9f\x98\x28"s, "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xff"s}) {
    for (size_t before = 0; before < 20; ++before) {
      EXPECT_FALSE(utf8(std::string(before, 'a') + bad)) << testing::PrintToString(bad);
      EXPECT_FALSE(utf8(std::string(before, 'a') + bad + std::string(9, 'z')));
    }
  }
}

/// A code point the plain way.
std::string encode(uint32_t code) {
  const auto byte = [](uint32_t value) { return static_cast<char>(value); };
  const auto more = [&](uint32_t value) { return byte(0x80 | (value & 0x3f)); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xc0 | code >> 6), more(code)};
  if (code < 0x10000) return {byte(0xe0 | code >> 12), more(code >> 6), more(code)};
  return {byte(0xf0 | code >> 18), more(code >> 12), more(code >> 6), more(code)};
}

TEST(Utf8, EveryCodePoint) {
  // In strings of many, so that all lie across every kind of block border.
  std::string text;
  for (uint32_t code = 0; code <= 0x10ffff; ++code) {
    if (code >= 0xd800 && code < 0xe000) continue;
    text += encode(code);
    if (text.size() < 4000) continue;
    ASSERT_TRUE(utf8(text)) << "up to U+" << std::hex << code;
    text.clear();
  }
  EXPECT_TRUE(utf8(text));
  for (uint32_t code = 0xd800; code < 0xe000; ++code) {
    ASSERT_FALSE(utf8(std::string(code % 61, 'x') + encode(code) + std::string(40, 'x')));
  }
}

TEST(Utf8, EveryLeadWithEveryKindOfContinuation) {
  // Seconds at both ends of every upper nibble, where all borders of the table are; at a place where
  // the blocks of both widths meet.
  const auto judge = [](const std::string& s) {  // table 3-7, written out
    const auto in = [&](size_t i, int low, int high) {
      const int byte = i < s.size() ? static_cast<uint8_t>(s[i]) : -1;
      return byte >= low && byte <= high;
    };
    for (size_t i = 0; i < s.size();) {
      if (in(i, 0, 0x7f)) i += 1;
      else if (in(i, 0xc2, 0xdf) && in(i + 1, 0x80, 0xbf)) i += 2;
      else if (((in(i, 0xe0, 0xe0) && in(i + 1, 0xa0, 0xbf)) ||
                (in(i, 0xe1, 0xec) && in(i + 1, 0x80, 0xbf)) ||
                (in(i, 0xed, 0xed) && in(i + 1, 0x80, 0x9f)) ||
                (in(i, 0xee, 0xef) && in(i + 1, 0x80, 0xbf))) && in(i + 2, 0x80, 0xbf)) i += 3;
      else if (((in(i, 0xf0, 0xf0) && in(i + 1, 0x90, 0xbf)) ||
                (in(i, 0xf1, 0xf3) && in(i + 1, 0x80, 0xbf)) ||
                (in(i, 0xf4, 0xf4) && in(i + 1, 0x80, 0x8f))) && in(i + 2, 0x80, 0xbf) &&
               in(i + 3, 0x80, 0xbf)) i += 4;
      else return false;
    }
    return true;
  };
  const uint8_t kThird[] = {0x00, 0x7f, 0x80, 0xbf, 0xc2, 0xff};
  std::string text(80, 'x');
  for (int first = 0; first < 256; ++first) {
    for (int nibbles = 0; nibbles < 32; ++nibbles) {
      const int second = nibbles / 2 << 4 | (nibbles % 2 != 0 ? 15 : 0);
      for (const uint8_t third : kThird) {
        const size_t place = 29 + third % 4U;  // 32 lies inside it
        text.replace(place, 4, {static_cast<char>(first), static_cast<char>(second),
                                static_cast<char>(third), '\x80'});
        ASSERT_EQ(utf8(text), judge(text)) << first << ' ' << second << ' ' << int{third};
        ASSERT_EQ(utf8(text.substr(0, place + 3)), judge(text.substr(0, place + 3)));
        text.replace(29, 8, "xxxxxxxx");
      }
    }
  }
}

TEST(Utf8, OneBadByteAnywhereInEveryLength) {
  for (size_t size = 1; size <= 300; size += size < 70 ? 1 : 23) {
    for (const std::string& unit : {"a"s, "ä"s, "€"s, "😀"s}) {
      std::string text;
      while (text.size() + unit.size() <= size) text += unit;
      text.resize(size, 'z');
      ASSERT_TRUE(utf8(text));
      for (size_t at = 0; at < size; at += size < 70 ? 1 : 7) {
        std::string bad = text;
        bad[at] = '\xff';
        ASSERT_FALSE(utf8(bad)) << size << " bytes, bad at " << at;
      }
      for (const std::string& cut : {"\xc3"s, "\xe2\x82"s, "\xf0\x9f\x98"s}) {
        ASSERT_FALSE(utf8(text + cut)) << "unfinished at the end, " << size;
      }
    }
  }
}

TEST(Msgpack, StringsOfEveryLengthAtEveryDistanceFromTheEnd) {
  for (size_t size = 0; size <= 140; ++size) {
    for (const size_t after : {size_t{0}, size_t{1}, size_t{7}, size_t{31}, size_t{32}, size_t{90}}) {
      std::string head = size < 32 ? std::string(1, static_cast<char>(0xa0 | size))
                                   : "\xd9"s + static_cast<char>(size);
      const std::string tail = "\xc4"s + static_cast<char>(after) + std::string(after, '\xff');
      std::string text(size, 'k');
      ASSERT_TRUE(msgpack("\x92" + head + text + tail));
      for (size_t at = 0; at < size; ++at) {
        std::string bad = text;
        bad[at] = '\x80';
        ASSERT_FALSE(msgpack("\x92" + head + bad + tail)) << size << ", bad at " << at;
      }
      if (size < 2) continue;
      text.replace(size - 2, 2, "ä");
      ASSERT_TRUE(msgpack("\x92" + head + text + tail));
      text.replace(size - 2, 2, "x\xc3");
      ASSERT_FALSE(msgpack("\x92" + head + text + tail)) << "unfinished at its end";
    }
  }
}

TEST(Msgpack, ImplementationsAgreeOnMutatedValues) {
  std::mt19937_64 random(20);
  std::string all = "\xdc\x00"s + static_cast<char>(std::size(kWhole));
  for (const std::string& value : kWhole) all += value;
  ASSERT_TRUE(msgpack(all));
  unsigned accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = all;
    for (uint64_t n = random() % 3; n < 3; ++n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    accepted += msgpack(bytes, 8) ? 1 : 0;  // compares
  }
  EXPECT_GT(accepted, 100U) << "the mutations reach valid values too";
}

}  // namespace
