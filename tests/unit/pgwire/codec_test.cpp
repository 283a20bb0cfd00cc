// Framer, message decoders, SCRAM, hba rules, numeric: pure functions over bytes.
#include <gtest/gtest.h>

#include "bytes.h"
#include "pgwire/framer.h"
#include "pgwire/hba.h"
#include "pgwire/messages.h"
#include "pgwire/scram.h"
#include "pgwire/utf8.h"
#include "pgwire/value_codec.h"

namespace eventd::pgwire {
namespace {

using namespace std::string_literals;

TEST(Framer, LengthsAreChecked) {
  Frame frame;
  EXPECT_EQ(next_frame("", 1000, frame), FrameResult::kNeedMore);
  EXPECT_EQ(next_frame("Q\0\0\0"s, 1000, frame), FrameResult::kNeedMore);
  EXPECT_EQ(next_frame("Q\0\0\0\3"s, 1000, frame), FrameResult::kBad);
  EXPECT_EQ(next_frame("Q\x7f\0\0\0"s, 1000, frame), FrameResult::kBad);
  EXPECT_EQ(next_frame("\1"s, 1000, frame), FrameResult::kBad);
  EXPECT_EQ(next_frame("S\0\0\0\4rest"s, 1000, frame), FrameResult::kFrame);
  EXPECT_EQ(frame.bytes, 5u);
  EXPECT_EQ(next_startup_frame("\0\0\0\7"s, frame), FrameResult::kBad);
  EXPECT_EQ(next_startup_frame("GET / HTTP"s, frame), FrameResult::kBad);
}

TEST(Framer, BufferGrowsOnlyByWhatArrives) {
  InputBuffer buffer;
  const size_t before = buffer.capacity();
  const auto room = buffer.prepare();
  room[0] = 'Q';
  buffer.commit(1);
  EXPECT_EQ(buffer.capacity(), before);
}

TEST(Messages, BindCountsMustFit) {
  Bind bind;
  const std::string good = "\0\0\0\0\0\1\0\0\0\1x\0\0"s;  // the message borrows it
  EXPECT_TRUE(decode_bind(good, bind).ok());
  EXPECT_EQ(*bind.parameters[0].bytes, "x");
  EXPECT_FALSE(decode_bind("\0\0\0\0\xff\xff"s, bind).ok());
  EXPECT_FALSE(decode_bind("\0\0\0\0\0\1\x7f\xff\xff\xff\0\0"s, bind).ok());
  EXPECT_FALSE(decode_bind("\0\0\0\0\0\1\xff\xff\xff\xfe\0\0"s, bind).ok());
  EXPECT_FALSE(decode_bind("\0\0\0\2\0\0\0\1\0\1\0\0\0\1x\0\0"s, bind).ok()) << "2 formats, 1 value";
  EXPECT_FALSE(decode_bind("\0\0\0\1\0\7\0\0\0\0"s, bind).ok()) << "format 7";
  EXPECT_FALSE(decode_bind("\0\0\0\0\0\0\0\0x"s, bind).ok()) << "trailing byte";
}

TEST(Messages, StartupNeedsItsTerminator) {
  StartupPacket packet;
  const std::string good = "\0\3\0\0user\0a\0\0"s;  // the packet borrows it
  EXPECT_TRUE(decode_startup(good, packet).ok());
  EXPECT_EQ(packet.parameters[0].second, "a");
  EXPECT_FALSE(decode_startup("\0\3\0\0user\0a\0"s, packet).ok());
  EXPECT_FALSE(decode_startup("\0\3\0\0user\0a"s, packet).ok());
  EXPECT_FALSE(decode_startup("\0\3\0\0user\0a\0\0x"s, packet).ok());
}

TEST(Utf8, RefusesWhatPostgresRefuses) {
  EXPECT_TRUE(is_valid_utf8("plain ascii, äöü €, 😀"));
  EXPECT_FALSE(is_valid_utf8("\xc0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));
  EXPECT_FALSE(is_valid_utf8("abc\xe2\x82"));
  EXPECT_FALSE(is_valid_utf8("a\0b"s));
  EXPECT_EQ(count_characters("aä€😀"), 4u);
}

// RFC 7677, section 3: user "user", password "pencil".
TEST(Scram, Rfc7677Vector) {
  const auto verifier = ScramVerifier::parse(
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
      "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
  ASSERT_TRUE(verifier);
  ScramServer server(*verifier, true);
  server.set_server_nonce("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
  const auto first = server.first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*first,
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  const std::string good =
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  const auto final = server.finish(good);
  ASSERT_TRUE(final.ok());
  EXPECT_EQ(*final, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  std::string bad = good;
  bad[bad.size() - 3] = 'R';
  EXPECT_FALSE(server.finish(bad).ok());
  EXPECT_FALSE(server.finish("c=biws,r=other,p=AAAA").ok());
  EXPECT_FALSE(server.finish("").ok());
}

TEST(Scram, MockIsStableAndNeverMatches) {
  const auto a = ScramVerifier::mock("nobody", "secret"), b = ScramVerifier::mock("nobody", "secret");
  EXPECT_EQ(a.salt, b.salt);
  EXPECT_NE(a.salt, ScramVerifier::mock("other", "secret").salt);
  EXPECT_EQ(a.salt.size(), 16u);
  for (const char* text : {"", "n", "p=x,,n=,r=a", "n,a=b,n=,r=a", "n,,m=x,r=a", "n,,n=", "n,,n=,r="}) {
    EXPECT_FALSE(ScramServer(a, false).first(text).ok()) << text;
  }
  EXPECT_FALSE(ScramVerifier::parse("SCRAM-SHA-256$0:AAAA$AAAA:AAAA"));
  EXPECT_FALSE(ScramVerifier::parse("md5abc"));
}

TEST(Hba, FirstMatchDecides) {
  const auto rules = HbaRules::parse(
      "[\"local all all peer\", \"hostssl all admin 10.0.0.0/8 scram-sha-256\",\n"
      " \"host all all 10.0.0.0/8 reject\", \"host all all ::1/128 trust\"]");
  ASSERT_TRUE(rules.ok()) << rules.error().message;
  Peer peer;
  peer.unix_socket = true;
  EXPECT_EQ(rules->find(peer, false, "db", "x"), AuthMethod::kPeer);
  peer.unix_socket = false;
  peer.address = *IpAddress::parse("10.1.2.3");
  EXPECT_EQ(rules->find(peer, true, "db", "admin"), AuthMethod::kScramSha256);
  EXPECT_EQ(rules->find(peer, false, "db", "admin"), AuthMethod::kReject);
  peer.address = *IpAddress::parse("11.1.2.3");
  EXPECT_EQ(rules->find(peer, true, "db", "admin"), std::nullopt);
  peer.address = *IpAddress::parse("::1");
  EXPECT_EQ(rules->find(peer, false, "db", "x"), AuthMethod::kTrust);
}

TEST(Hba, TrustStaysOnTheMachine) {
  const auto rules = HbaRules::parse("host all all 0.0.0.0/0 trust");
  ASSERT_TRUE(rules.ok());
  Peer peer;
  peer.address = *IpAddress::parse("127.0.0.1");
  EXPECT_EQ(rules->find(peer, false, "db", "x"), AuthMethod::kTrust);
  peer.address = *IpAddress::parse("192.168.1.1");
  EXPECT_EQ(rules->find(peer, false, "db", "x"), std::nullopt);
}

TEST(Hba, BadRulesAreNamed) {
  for (const char* text : {"local all all", "host all all 10.0.0.0/33 reject", "host all all x reject",
                           "host all all 10.0.0.0/8 peer", "remote all all peer", "local all all md5"})
    EXPECT_FALSE(HbaRules::parse(text).ok()) << text;
  EXPECT_EQ(std::move(HbaRules::parse("")).value().rules().size(), 3u);
}

// Bytes of PostgreSQL 15's numeric_send.
// Values that repeat are made into text once: the rows must not tell.
TEST(RowEncoder, RepeatedValuesAreEncodedAsSingleOnes) {
  using engine::Vector;
  constexpr uint32_t kRows = 9;
  Vector values = Vector::flat(engine::oid::kTimestamptz, 3);
  for (int i = 0; i < 3; ++i) values.data<int64_t>()[i] = int64_t{i} * 86'400'000'000;
  values.set_null(2);
  std::shared_ptr<uint32_t[]> ids(new uint32_t[kRows]);
  for (uint32_t i = 0; i < kRows; ++i) ids[i] = i % 3;
  for (const Vector& repeated :
       {Vector::dictionary(values, ids, kRows), Vector::repeat(values, 1, kRows)}) {
    std::string expected, encoded;
    for (const auto& [vector, out] :
         {std::pair(repeated.flattened(), &expected), std::pair(repeated, &encoded)}) {
      RowEncoder encoder(std::vector<engine::OutputColumn>{
                             {"t", {engine::oid::kTimestamptz, -1}, 0, 0}},
                         {});
      engine::Batch batch;
      batch.columns.push_back(vector);
      batch.size = kRows;
      for (int round = 0; round < 2; ++round) {  // nothing may be left of the last batch
        encoder.set_batch(batch);
        for (uint32_t row = 0; row < kRows; ++row) encoder.append_data_row(row, *out);
      }
    }
    EXPECT_EQ(encoded, expected);
    EXPECT_NE(encoded.find("2000-01-02"), std::string::npos);
  }
}

TEST(NumericBinary, AsPostgresSendsIt) {
  const auto encode = [](std::string_view text) {
    std::string out;
    append_numeric_binary(text, out);
    return out;
  };
  EXPECT_EQ(encode("1.50"), "\0\2\0\0\0\0\0\2\0\1\x13\x88"s);
  EXPECT_EQ(encode("0"), "\0\0\0\0\0\0\0\0"s);
  EXPECT_EQ(encode("0.00"), "\0\0\0\0\0\0\0\2"s);
  EXPECT_EQ(encode("-10000"), "\0\1\0\1\x40\0\0\0\0\1"s);
  EXPECT_EQ(encode("0.00001"), "\0\1\xff\xfe\0\0\0\5\x03\xe8"s);
  EXPECT_EQ(encode("12345678.9"), "\0\3\0\1\0\0\0\1\x04\xd2\x16\x2e\x23\x28"s);
  EXPECT_EQ(encode("NaN"), "\0\0\0\0\xc0\0\0\0"s);
  EXPECT_EQ(encode("Infinity"), "\0\0\0\0\xd0\0\0\x20"s);
}

}  // namespace
}  // namespace eventd::pgwire
