// JSON string literals: what is found eight bytes at a time is what is found one by one.
#include <gtest/gtest.h>

#include <random>

#include "engine/payload/jsonb_text.h"

namespace eventd::engine {
namespace {

TEST(JsonString, PiecesGiveWhatTheWholeGives) {
  const std::string pieces[] = {"a", "Z", " ", "~", "\x7f", "!", "#", "[", "]", "\"", "\\", "\n", "\x01",
                                "\x1f", "é", "€", "\xf0\x9f\x98\x80"};
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    // Mostly plain ones, so that odd ones stand everywhere in a word.
    std::string text, expected = "\"";
    for (auto left = random() % 40; left > 0; --left) {
      const std::string& piece = pieces[random() % 4 == 0 ? random() % std::size(pieces) : random() % 9];
      std::string alone;
      append_json_string(piece, alone);
      text += piece;
      expected += alone.substr(1, alone.size() - 2);
    }
    std::string whole;
    append_json_string(text, whole);
    ASSERT_EQ(whole, expected + '"');
  }
}

TEST(JsonString, EveryByteInEveryPlaceOfAWord) {
  for (int byte = 1; byte < 0x80; ++byte) {
    std::string alone;
    append_json_string(std::string(1, static_cast<char>(byte)), alone);
    for (size_t at = 0; at < 19; ++at) {
      std::string text(19, 'x'), whole;
      text[at] = static_cast<char>(byte);
      append_json_string(text, whole);
      EXPECT_EQ(whole, '"' + text.substr(0, at) + alone.substr(1, alone.size() - 2) + text.substr(at + 1) + '"');
    }
  }
}

}  // namespace
}  // namespace eventd::engine
