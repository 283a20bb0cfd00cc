#include "engine/segments/payload_parser.h"

#include <bit>
#include <cmath>

#include "engine/payload/msgpack_reader.h"

namespace eventd::engine {
namespace {

bool is_map(uint8_t tag) { return (tag & 0xf0) == 0x80 || tag == 0xde || tag == 0xdf; }

/// How an integer was written, given its format byte.
uint8_t integer_form(uint8_t tag, int64_t value) {
  const auto unless_longer = [&](bool needed) { return needed ? uint8_t{kShortest} : tag; };
  const auto signed_form = [&](int64_t narrower_min, int64_t narrower_max) {
    if (value < narrower_min) return uint8_t{kShortest};
    return value > narrower_max ? uint8_t{kShortestSigned} : tag;
  };
  switch (tag) {
    case 0xcc: return unless_longer(value > INT8_MAX);
    case 0xcd: return unless_longer(value > UINT8_MAX);
    case 0xce: return unless_longer(value > UINT16_MAX);
    case 0xcf: return unless_longer(value > UINT32_MAX);
    case 0xd0: return unless_longer(value < -32);
    case 0xd1: return signed_form(INT8_MIN, INT8_MAX);
    case 0xd2: return signed_form(INT16_MIN, INT16_MAX);
    case 0xd3: return signed_form(INT32_MIN, INT32_MAX);
    default: return kShortest;
  }
}

uint8_t text_form(uint8_t tag, size_t size) {
  switch (tag) {
    case 0xd9: return size > 31 ? uint8_t{kShortest} : tag;
    case 0xda: return size > UINT8_MAX ? uint8_t{kShortest} : tag;
    case 0xdb: return size > UINT16_MAX ? uint8_t{kShortest} : tag;
    default: return kShortest;
  }
}

}  // namespace

void PayloadParser::parse(ByteSpan payload, bool paths) {
  literals_.clear();
  slots_.clear();
  values_.clear();
  paths_.clear();
  depth_ = 0;
  literal_end_ = 0;
  if (payload.empty()) return;  // no payload: a shape of nothing
  if (!parse_value(payload, paths)) parse_raw(payload);
}

void PayloadParser::parse_raw(ByteSpan payload) {
  literals_.clear();
  slots_.assign(1, PayloadSlot{});
  values_.assign(1, {0, payload.data(), static_cast<uint32_t>(payload.size())});
  paths_.assign(1, {});
}

bool PayloadParser::parse_value(ByteSpan payload, bool paths) {
  with_paths_ = paths;
  keys_.clear();
  MsgpackReader reader(payload);
  const uint8_t* const end = payload.data() + payload.size();
  if (!take_value(reader, end)) return false;
  while (true) {
    while (depth_ > 0 && frames_[depth_ - 1].pairs_left == 0) --depth_;
    if (literals_.size() > kPayloadShapeBytesMax || slots_.size() > kPayloadShapeSlotsMax) return false;
    if (depth_ == 0) return reader.at_end();
    if (!take_key(reader, end)) return false;
  }
}

/// A key and, when it is a string, its value; any other key makes its map a raw value.
bool PayloadParser::take_key(MsgpackReader& reader, const uint8_t* end) {
  const uint8_t* const begin = reader.position();
  Frame& frame = frames_[depth_ - 1];
  MsgpackToken token;
  if (!reader.next(token)) return false;
  if (token.kind != MsgpackKind::kString) {
    --depth_;
    literals_.resize(frame.literals);
    slots_.resize(frame.slots);
    values_.resize(frame.slots);
    if (with_paths_) paths_.resize(frame.slots);
    literal_end_ = frame.literal_end;
    reader = MsgpackReader({frame.begin, end});
    return take_raw(reader);
  }
  --frame.pairs_left;
  add_literal(begin, reader.position());
  if (with_paths_) {
    keys_.resize(static_cast<size_t>(depth_));
    keys_.back() = token.text();
  }
  return take_value(reader, end);
}

bool PayloadParser::take_value(MsgpackReader& reader, const uint8_t* end) {
  const uint8_t* const begin = reader.position();
  if (begin == end) return false;
  if (!is_map(*begin)) return take_scalar(reader, end);
  if (depth_ == kPayloadShapeDepthMax) return take_raw(reader);
  MsgpackToken token;
  if (!reader.next(token)) return false;
  frames_[depth_++] = {token.count, literal_end_, begin, literals_.size(), slots_.size()};
  add_literal(begin, reader.position());
  return true;
}

bool PayloadParser::take_scalar(MsgpackReader& reader, const uint8_t* end) {
  const uint8_t* const begin = reader.position();
  const uint8_t tag = *begin;
  MsgpackToken token;
  if (!reader.next(token)) return false;
  switch (token.kind) {
    case MsgpackKind::kNil: add_literal(begin, reader.position()); return true;
    case MsgpackKind::kBool:
      add_slot(PayloadColumnType::kBool, kShortest, {token.boolean ? 1u : 0u, nullptr, 0});
      return true;
    case MsgpackKind::kInt:
      add_slot(PayloadColumnType::kInteger, integer_form(tag, token.integer),
               {token.unsigned_integer(), nullptr, 0});
      return true;
    case MsgpackKind::kUint:
      add_slot(PayloadColumnType::kUnsigned, kShortest, {token.unsigned_integer(), nullptr, 0});
      return true;
    case MsgpackKind::kFloat:
      // A float32's NaN may change its bits when it becomes a double.
      if (tag == 0xca && std::isnan(token.real)) break;
      add_slot(PayloadColumnType::kDouble, tag, {std::bit_cast<uint64_t>(token.real), nullptr, 0});
      return true;
    case MsgpackKind::kString:
      add_slot(PayloadColumnType::kText, text_form(tag, token.bytes.size()),
               {0, token.bytes.data(), static_cast<uint32_t>(token.bytes.size())});
      return true;
    default: break;
  }
  reader = MsgpackReader({begin, end});
  return take_raw(reader);
}

bool PayloadParser::take_raw(MsgpackReader& reader) {
  const uint8_t* const begin = reader.position();
  if (!reader.skip()) return false;
  add_slot(PayloadColumnType::kRaw, kShortest,
           {0, begin, static_cast<uint32_t>(reader.position() - begin)});
  return true;
}

void PayloadParser::add_literal(const uint8_t* begin, const uint8_t* end) {
  literals_.append(reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin));
}

void PayloadParser::add_slot(PayloadColumnType type, uint8_t form, PayloadValue value) {
  const auto literals = static_cast<uint32_t>(literals_.size());
  slots_.push_back({literals - literal_end_, 0, type, form});
  literal_end_ = literals;
  values_.push_back(value);
  if (!with_paths_) return;
  keys_.resize(static_cast<size_t>(depth_));
  paths_.push_back(payload_path_of(keys_));
}

}  // namespace eventd::engine
