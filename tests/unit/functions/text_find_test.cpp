#include "engine/functions/text_find.h"

#include <gtest/gtest.h>

#include <string>

#include "interrupt.h"
#include "sqlstate.h"

namespace eventd::engine {
namespace {

TEST(TextFind, AgreesWithFind) {
  std::string text;
  uint32_t state = 1;
  for (int i = 0; i < 3000; ++i) {
    state = state * 1664525 + 1013904223;
    text += static_cast<char>('a' + (state >> 30));
  }
  for (const size_t size : {0, 1, 2, 5, 15, 16, 17, 40, 2999, 3000}) {
    for (size_t at = 0; at + size <= text.size(); at += 97) {
      const std::string sought = text.substr(at, size);
      for (const size_t from : {size_t{0}, at, at + 1, text.size(), text.size() + 1}) {
        EXPECT_EQ(find_text(text, sought, from), text.find(sought, from)) << size << " " << at << " " << from;
      }
    }
  }
  EXPECT_EQ(find_text("", ""), 0u);
  EXPECT_EQ(find_text("ab", "abc"), std::string::npos);
}

TEST(TextFind, FindsAcrossTheWindows) {
  constexpr size_t kWindow = 4 << 20;
  for (const size_t size : {3, 20, 1000}) {
    const std::string sought(size, 'b');
    for (const size_t place : {kWindow - size, kWindow - size / 2, kWindow - 1, kWindow, 2 * kWindow - size}) {
      std::string text(3 * kWindow, 'a');
      text.replace(place, size, sought);
      EXPECT_EQ(find_text(text, sought), place) << size;
    }
  }
}

TEST(TextFind, EndsWhenInterrupted) {
  // As slow as it gets for a search that starts again at each place: a day's work.
  const std::string text(40 << 20, 'a'), sought = std::string(500'000, 'a') + "b";
  EXPECT_EQ(find_text(text, sought), std::string::npos);
  int asked = 0;
  const InterruptScope scope({[](const void* who) {
                                ++*static_cast<int*>(const_cast<void*>(who));
                                return Status(sqlstate::kQueryCanceled, "enough");
                              },
                              &asked});
  EXPECT_EQ(find_text(text, sought), std::string::npos);
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace eventd::engine
