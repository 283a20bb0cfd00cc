// What the caller of a scan may see. Carried by every scan; rules come with the access release.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace eventd::engine {

/// Compiled rights of one role for one kind of data. Immutable, shared.
/// Fail closed: a default-constructed scope sees nothing.
class AccessScope {
 public:
  static std::shared_ptr<const AccessScope> everything() {
    auto scope = std::make_shared<AccessScope>();
    scope->all_ = true;
    return scope;
  }
  /// True when no record and no field is withheld.
  bool sees_everything() const { return all_; }

 private:
  bool all_ = false;
};

}  // namespace eventd::engine
