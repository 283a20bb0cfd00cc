#include "engine/catalog/field_catalog.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "engine/catalog/catalog_snapshot.h"
#include "engine/catalog/event_views.h"
#include "engine/payload/msgpack_writer.h"

namespace eventd::engine {
namespace {

std::string packed(const std::function<void(MsgpackWriter&)>& write) {
  std::string bytes;
  MsgpackWriter writer(bytes);
  write(writer);
  return bytes;
}

class FieldCatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "eventd-fields-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    open();
  }
  void TearDown() override {
    catalog_.reset();
    std::filesystem::remove_all(directory_);
  }
  std::string path() const { return directory_ + "/eventd-meta.db"; }
  void open() {
    catalog_.reset();
    auto opened = FieldCatalog::open(path());
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    catalog_ = std::move(*opened);
  }
  void learn(const std::string& type, const std::string& payload, int64_t at = 1) {
    catalog_->learn(type, at, as_bytes(payload));
  }
  /// One field with one value.
  void learn_value(const std::string& type, const std::string& key,
                   const std::function<void(MsgpackWriter&)>& write) {
    learn(type, packed([&](MsgpackWriter& w) {
            w.map_header(1);
            w.string(key);
            write(w);
          }));
  }
  std::string type_of(const std::string& type, const std::string& field) {
    const auto* found = catalog_->snapshot()->find(type);
    if (found == nullptr) return "no type";
    for (const PayloadField& one : found->fields) {
      if (one.text == field) return std::string(field_type_name(one.type));
    }
    return "none";
  }

  std::string directory_;
  std::unique_ptr<FieldCatalog> catalog_;
};

TEST_F(FieldCatalogTest, FieldsOfEveryTypeArePublishedAndCounted) {
  learn("a.b", packed([](MsgpackWriter& w) {
          w.map_header(8);
          w.string("t"), w.boolean(true);
          w.string("i"), w.integer(-5);
          w.string("f"), w.real(1.5);
          w.string("s"), w.string("text");
          w.string("b"), w.binary("\x01");
          w.string("n"), w.nil();
          w.string("l"), w.array_header(1), w.integer(1);
          w.string("m"), w.map_header(1), w.string("in.side"), w.integer(1);
        }));
  EXPECT_EQ(catalog_->snapshot()->find("a.b"), nullptr) << "not before publish()";
  const uint64_t before = catalog_->generation();
  ASSERT_TRUE(catalog_->publish());
  EXPECT_GT(catalog_->generation(), before);
  EXPECT_EQ(type_of("a.b", "t"), "bool");
  EXPECT_EQ(type_of("a.b", "i"), "int");
  EXPECT_EQ(type_of("a.b", "f"), "float");
  EXPECT_EQ(type_of("a.b", "s"), "text");
  EXPECT_EQ(type_of("a.b", "b"), "binary");
  EXPECT_EQ(type_of("a.b", "n"), "none") << "nil says nothing";
  EXPECT_EQ(type_of("a.b", "l"), "array");
  EXPECT_EQ(type_of("a.b", "m"), "map");
  EXPECT_EQ(type_of("a.b", "m.`in.side`"), "int");
  EXPECT_EQ(catalog_->counts().size(), 8u);
  EXPECT_EQ(catalog_->counts()[0].seen, 1);
}

TEST_F(FieldCatalogTest, TypesOnlyWiden) {
  const auto integer = [](MsgpackWriter& w) { w.integer(1); };
  const auto real = [](MsgpackWriter& w) { w.real(0.5); };
  const auto text = [](MsgpackWriter& w) { w.string("x"); };
  const auto huge = [](MsgpackWriter& w) { w.unsigned_integer(~uint64_t{0}); };
  learn_value("t", "x", integer);
  ASSERT_TRUE(catalog_->publish());
  EXPECT_EQ(type_of("t", "x"), "int");
  learn_value("t", "x", integer);
  EXPECT_FALSE(catalog_->publish()) << "counts alone are no new generation";
  learn_value("t", "x", real);
  ASSERT_TRUE(catalog_->publish());
  EXPECT_EQ(type_of("t", "x"), "float");
  learn_value("t", "x", integer);
  EXPECT_FALSE(catalog_->publish());
  learn_value("t", "x", text);
  ASSERT_TRUE(catalog_->publish());
  EXPECT_EQ(type_of("t", "x"), "mixed");
  learn_value("t", "y", huge);
  ASSERT_TRUE(catalog_->publish());
  EXPECT_EQ(type_of("t", "y"), "float");
}

TEST_F(FieldCatalogTest, SurvivesARestartAndIsMadeAnewWhenUnusable) {
  learn_value("t", "x", [](MsgpackWriter& w) { w.integer(1); });
  learn("only.type", "");
  ASSERT_TRUE(catalog_->publish());
  const int64_t id = catalog_->snapshot()->find("t")->id;
  ASSERT_TRUE(catalog_->save({{"shard-0000.db", 77}}).ok());
  open();
  EXPECT_EQ(type_of("t", "x"), "int");
  EXPECT_NE(catalog_->snapshot()->find("only.type"), nullptr);
  EXPECT_EQ(catalog_->snapshot()->find("t")->id, id) << "OIDs stay";
  EXPECT_EQ(catalog_->progress().at("shard-0000.db"), 77);
  catalog_.reset();
  std::ofstream(path(), std::ios::trunc) << "this is no database, and long enough to be looked at closely";
  open();
  EXPECT_EQ(catalog_->snapshot()->find("t"), nullptr);
  EXPECT_TRUE(catalog_->progress().empty()) << "everything is sampled again";
}

TEST_F(FieldCatalogTest, BoundsHold) {
  for (size_t i = 0; i < kFieldsPerTypeMax + 50; ++i) {
    learn_value("many", "f" + std::to_string(i), [](MsgpackWriter& w) { w.integer(1); });
  }
  learn_value("deep", std::string(kFieldPathBytesMax + 1, 'x'), [](MsgpackWriter& w) { w.integer(1); });
  std::string nested;
  MsgpackWriter writer(nested);
  for (int i = 0; i < 100; ++i) writer.map_header(1), writer.string("k");
  writer.integer(1);
  learn("nested", nested);
  ASSERT_TRUE(catalog_->publish());
  EXPECT_EQ(catalog_->snapshot()->find("many")->fields.size(), kFieldsPerTypeMax);
  EXPECT_TRUE(catalog_->snapshot()->find("deep")->fields.empty());
  EXPECT_EQ(catalog_->snapshot()->find("nested")->fields.size(), kFieldDepthMax);
  // Any bytes at all.
  for (int length = 0; length < 64; ++length) {
    learn("garbage", std::string(static_cast<size_t>(length), static_cast<char>(0x80 + length)));
  }
}

TEST_F(FieldCatalogTest, ColumnNamesAreUnique) {
  learn("t", packed([](MsgpackWriter& w) {
          w.map_header(5);
          w.string("timestamp"), w.integer(1);
          w.string("a"), w.map_header(1), w.string("b"), w.integer(1);
          w.string("a.b"), w.integer(2);
          w.string(""), w.integer(3);
          w.string(std::string(80, 'x')), w.integer(4);
        }));
  ASSERT_TRUE(catalog_->publish());
  std::vector<std::string> names;
  for (const PayloadField& field : catalog_->snapshot()->find("t")->fields) names.push_back(field.column_name);
  EXPECT_EQ(names, (std::vector<std::string>{"payload_timestamp", "a", "a.b", "a.b_2", "_", std::string(63, 'x')}));
}

TEST_F(FieldCatalogTest, APatternsTypeCoversAllItsTypes) {
  learn_value("k.one", "x", [](MsgpackWriter& w) { w.integer(1); });
  learn_value("k.two", "x", [](MsgpackWriter& w) { w.real(1.5); });
  learn_value("other", "x", [](MsgpackWriter& w) { w.string("1"); });
  ASSERT_TRUE(catalog_->publish());
  const std::vector<std::string> x = {"x"}, y = {"y"};
  const auto fields = catalog_->snapshot();
  EXPECT_EQ(fields->type_of("K.One", x), oid::kInt8);
  EXPECT_EQ(fields->type_of("k.*", x), oid::kFloat8);
  EXPECT_EQ(fields->type_of("*o*", x), oid::kText);
  EXPECT_EQ(fields->type_of(std::nullopt, x), oid::kText);
  EXPECT_EQ(fields->type_of("k.*", y), std::nullopt);
  EXPECT_EQ(fields->type_of("nothing", x), std::nullopt);
}

TEST_F(FieldCatalogTest, ByTypeRelationsAreFoundWhileTheSnapshotLives) {
  learn_value("it's \"odd\"", "it's", [](MsgpackWriter& w) { w.integer(1); });
  ASSERT_TRUE(catalog_->publish());
  RelationCatalog relations;
  relations.set_fields(*catalog_);
  CatalogSnapshot blind(relations, false), snapshot(relations, true);
  EXPECT_EQ(blind.find("by_type", "it's \"odd\""), nullptr) << "who may read no event knows of none";
  EXPECT_FALSE(snapshot.used_fields());
  const Relation* found = snapshot.find("by_type", "it's \"odd\"");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found, snapshot.find("by_type", "it's \"odd\""));
  EXPECT_TRUE(snapshot.used_fields());
  EXPECT_EQ(found->columns().back().name, "it's");
  EXPECT_EQ(found->columns().back().type.id, oid::kInt8);
  EXPECT_NE(found->definition().find("payload_int8(payload->'it''s') AS \"it's\""), std::string_view::npos)
      << found->definition();
  EXPECT_NE(found->definition().find("event_type = 'it''s \"odd\"'"), std::string_view::npos);
}

}  // namespace
}  // namespace eventd::engine
