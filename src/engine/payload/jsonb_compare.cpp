// jsonb's order, equality, hash and containment on msgpack values.
// Source: PostgreSQL 15 src/backend/utils/adt/jsonb_util.c.
#include <algorithm>
#include <cmath>

#include "engine/payload/jsonb_map.h"
#include "engine/payload/jsonb_text.h"
#include "engine/types/numeric.h"
#include "interrupt.h"

namespace eventd::engine {
namespace {

/// About what an item costs.
constexpr uint64_t kItemNs = 20;

// jbvType's order. Values JSON lacks count as the strings they print as.
enum class Rank { kNull, kString, kNumber, kBool, kArray, kObject };

struct Scalar {
  Rank rank = Rank::kNull;
  MsgpackToken token;
  std::string text;         // of values that print as strings though they are none
  std::string_view string;  // rank kString
};

// Reads a scalar or a container's header.
Scalar read_item(MsgpackReader& reader) {
  Scalar item;
  MsgpackToken& token = item.token;
  const uint8_t* start = reader.position();
  if (!reader.next(token)) return item;
  const auto printed = [&] {
    append_jsonb_scalar_text({start, static_cast<size_t>(reader.position() - start)}, item.text);
    item.rank = Rank::kString;
    item.string = item.text;
  };
  switch (token.kind) {
    case MsgpackKind::kNil: break;
    case MsgpackKind::kBool: item.rank = Rank::kBool; break;
    case MsgpackKind::kInt:
    case MsgpackKind::kUint: item.rank = Rank::kNumber; break;
    case MsgpackKind::kFloat:
      if (std::isfinite(token.real)) item.rank = Rank::kNumber;
      else printed();
      break;
    case MsgpackKind::kString:
      item.rank = Rank::kString;
      item.string = token.text();
      break;
    case MsgpackKind::kArray: item.rank = Rank::kArray; break;
    case MsgpackKind::kMap: item.rank = Rank::kObject; break;
    case MsgpackKind::kExt: {
      const Result<Numeric> number = Numeric::parse(token.text());
      if (token.ext_type == kMsgpackDecimalExt && number.ok() && number->is_finite()) {
        item.rank = Rank::kNumber;
        break;
      }
      printed();
      break;
    }
    case MsgpackKind::kBinary: printed(); break;
  }
  return item;
}

Numeric number_of(const MsgpackToken& token) {
  switch (token.kind) {
    case MsgpackKind::kInt: return Numeric::from_int64(token.integer);
    case MsgpackKind::kUint: return Numeric::from_int128(token.unsigned_integer(), 0);
    case MsgpackKind::kFloat: return Numeric::from_double_shortest(token.real);
    default: return Numeric::from_canonical(token.text());
  }
}

std::strong_ordering compare_scalars(const Scalar& a, const Scalar& b) {
  switch (a.rank) {
    case Rank::kString: return a.string.compare(b.string) <=> 0;
    case Rank::kBool: return a.token.boolean <=> b.token.boolean;
    case Rank::kNumber:
      if (a.token.kind == MsgpackKind::kInt && b.token.kind == MsgpackKind::kInt)
        return a.token.integer <=> b.token.integer;
      if (a.token.kind == MsgpackKind::kFloat && b.token.kind == MsgpackKind::kFloat)
        return a.token.real < b.token.real   ? std::strong_ordering::less
               : a.token.real > b.token.real ? std::strong_ordering::greater
                                             : std::strong_ordering::equal;
      return number_of(a.token) <=> number_of(b.token);
    default: return std::strong_ordering::equal;
  }
}

/// One comparison of two values; recursion is bounded by kMsgpackNestingMax.
class Comparison {
 public:
  std::strong_ordering compare(MsgpackReader& a, MsgpackReader& b, int depth) {
    if (pacer_.step(kItemNs)) return std::strong_ordering::less;  // which ends every loop
    const Scalar left = read_item(a), right = read_item(b);
    if (depth == 0 && left.rank != right.rank) {
      // As PostgreSQL: an empty array on top is less than any scalar.
      if (empty_array(left) && right.rank < Rank::kArray) return std::strong_ordering::less;
      if (empty_array(right) && left.rank < Rank::kArray) return std::strong_ordering::greater;
    }
    if (left.rank != right.rank) return left.rank <=> right.rank;
    if (depth > kMsgpackNestingMax) return std::strong_ordering::equal;
    if (left.rank == Rank::kArray) {
      if (left.token.count != right.token.count) return left.token.count <=> right.token.count;
      for (uint32_t i = 0; i < left.token.count; ++i)
        if (const auto order = compare(a, b, depth + 1); order != 0) return order;
      return std::strong_ordering::equal;
    }
    if (left.rank == Rank::kObject) return objects(a, left.token.count, b, right.token.count, depth);
    return compare_scalars(left, right);
  }

 private:
  static bool empty_array(const Scalar& item) {
    return item.rank == Rank::kArray && item.token.count == 0;
  }

  std::strong_ordering objects(MsgpackReader& a, uint32_t count_a, MsgpackReader& b,
                               uint32_t count_b, int depth) {
    const size_t base_a = left_.push(a, count_a), base_b = right_.push(b, count_b);
    const size_t size = left_.size() - base_a;
    std::strong_ordering order = size <=> right_.size() - base_b;
    for (size_t i = 0; i < size && order == 0; ++i) {
      const JsonbEntry x = left_[base_a + i], y = right_[base_b + i];
      order = x.key.compare(y.key) <=> 0;
      if (order != 0) break;
      MsgpackReader inner_a(x.value), inner_b(y.value);
      order = compare(inner_a, inner_b, depth + 1);
    }
    left_.pop(base_a);
    right_.pop(base_b);
    return order;
  }

  InterruptPacer pacer_;
  JsonbMapStack left_, right_;
};

uint64_t mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2);
  return hash * 0xff51afd7ed558ccd;
}

uint64_t hash_value(MsgpackReader& reader, JsonbMapStack& maps, InterruptPacer& pacer, int depth) {
  if (pacer.step(kItemNs)) return 0;
  const Scalar item = read_item(reader);
  const auto seed = static_cast<uint64_t>(item.rank) + 1;
  switch (item.rank) {
    case Rank::kNull: return mix(seed, 0);
    case Rank::kBool: return mix(seed, item.token.boolean);
    case Rank::kString: return mix(seed, std::hash<std::string_view>{}(item.string));
    case Rank::kNumber: return mix(seed, number_of(item.token).hash());
    case Rank::kArray: {
      uint64_t hash = mix(seed, item.token.count);
      if (depth > kMsgpackNestingMax) return hash;
      for (uint32_t i = 0; i < item.token.count && !reader.at_end() && !pacer.interrupted(); ++i)
        hash = mix(hash, hash_value(reader, maps, pacer, depth + 1));
      return hash;
    }
    case Rank::kObject: {
      const size_t base = maps.push(reader, item.token.count);
      const size_t size = maps.size();
      uint64_t hash = mix(seed, size - base);
      for (size_t i = base; i < size && depth <= kMsgpackNestingMax && !pacer.interrupted(); ++i) {
        const JsonbEntry entry = maps[i];
        MsgpackReader inner(entry.value);
        hash = mix(hash, std::hash<std::string_view>{}(entry.key));
        hash = mix(hash, hash_value(inner, maps, pacer, depth + 1));
      }
      maps.pop(base);
      return hash;
    }
  }
  return 0;
}

bool equal_values(ByteSpan a, ByteSpan b) {
  MsgpackReader reader_a(a), reader_b(b);
  return Comparison().compare(reader_a, reader_b, 1) == 0;
}

ByteSpan take(MsgpackReader& reader) {
  const uint8_t* start = reader.position();
  if (!reader.skip()) return {};
  return {start, static_cast<size_t>(reader.position() - start)};
}

bool contains(ByteSpan a, ByteSpan b, InterruptPacer& pacer, int depth);

// Has array `a` (its items at `items`) an element that contains / equals `wanted`?
bool array_has(MsgpackReader items, uint32_t count, ByteSpan wanted, InterruptPacer& pacer, int depth) {
  MsgpackReader wanted_reader(wanted);
  const Rank rank = read_item(wanted_reader).rank;
  for (uint32_t i = 0; i < count; ++i) {
    const ByteSpan element = take(items);
    if (element.empty() || pacer.step(kItemNs)) return false;
    MsgpackReader element_reader(element);
    if (read_item(element_reader).rank != rank) continue;
    if (rank < Rank::kArray ? equal_values(element, wanted) : contains(element, wanted, pacer, depth + 1))
      return true;
  }
  return false;
}

bool contains(ByteSpan a, ByteSpan b, InterruptPacer& pacer, int depth) {
  if (depth > kMsgpackNestingMax || pacer.step(kItemNs)) return false;
  MsgpackReader reader_a(a), reader_b(b);
  const Scalar left = read_item(reader_a), right = read_item(reader_b);
  if (left.rank == Rank::kObject && right.rank == Rank::kObject) {
    JsonbMapStack have, want;
    have.push(reader_a, left.token.count);
    want.push(reader_b, right.token.count);
    size_t at = 0;
    for (size_t i = 0; i < want.size(); ++i) {
      // Both are in the same order.
      while (at < have.size() && have[at].key != want[i].key) ++at;
      if (at == have.size()) return false;
      MsgpackReader x(have[at].value), y(want[i].value);
      const Rank rank_x = read_item(x).rank, rank_y = read_item(y).rank;
      if (rank_x != rank_y) return false;
      if (rank_y < Rank::kArray ? !equal_values(have[at].value, want[i].value)
                                : !contains(have[at].value, want[i].value, pacer, depth + 1))
        return false;
    }
    return true;
  }
  if (left.rank == Rank::kArray && right.rank == Rank::kArray) {
    for (uint32_t i = 0; i < right.token.count; ++i) {
      const ByteSpan wanted = take(reader_b);
      if (wanted.empty() || !array_has(reader_a, left.token.count, wanted, pacer, depth)) return false;
    }
    return true;
  }
  // On top an array also contains a bare scalar.
  if (left.rank == Rank::kArray && right.rank < Rank::kArray && depth == 0)
    return array_has(reader_a, left.token.count, b, pacer, depth);
  return left.rank == right.rank && left.rank < Rank::kArray && equal_values(a, b);
}

}  // namespace

std::strong_ordering compare_jsonb(ByteSpan a, ByteSpan b) {
  MsgpackReader reader_a(a), reader_b(b);
  return Comparison().compare(reader_a, reader_b, 0);
}

uint64_t hash_jsonb(ByteSpan value) {
  MsgpackReader reader(value);
  JsonbMapStack maps;
  InterruptPacer pacer;
  return hash_value(reader, maps, pacer, 0);
}

bool jsonb_contains(ByteSpan a, ByteSpan b) {
  InterruptPacer pacer;
  return contains(a, b, pacer, 0);
}

}  // namespace eventd::engine
