// macaddr and macaddr8: & | ~, trunc, conversion.
#include <functional>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"

namespace eventd::engine {
namespace {

constexpr size_t kMacBytes = 6, kManufacturerBytes = 3;

template <class Operation>
Kernel mac_binary() {
  return row_kernel<StringRef, StringRef, StringRef>([](const StringRef& a, const StringRef& b, StringOut& out) {
    std::string& buffer = out.buffer();
    for (uint32_t i = 0; i < std::min(a.size, b.size); ++i)
      buffer.push_back(static_cast<char>(Operation{}(static_cast<uint8_t>(a.data[i]), static_cast<uint8_t>(b.data[i]))));
    out.copy(buffer);
  });
}

Status to_macaddr(const StringRef& v, StringOut& out) {
  if (v.size != 8 || v.view().substr(3, 2) != "\xff\xfe") {
    Error error{sqlstate::kNumericValueOutOfRange, "macaddr8 data out of range to convert to macaddr", {}, {}, {}, 0};
    error.hint =
        "Only addresses that have FF and FE as values in the 4th and 5th bytes from the left, for example "
        "xx:xx:xx:ff:fe:xx:xx:xx, are eligible to be converted from macaddr8 to macaddr.";
    return Status(std::move(error));
  }
  std::string& buffer = out.buffer();
  buffer = v.view().substr(0, kManufacturerBytes);
  buffer += v.view().substr(5);
  out.copy(buffer);
  return Status();
}

}  // namespace

void register_macaddr(FunctionCatalog::Builder& builder) {
  builder.builtins({"macaddr_and(macaddr,macaddr)", "macaddr8_and(macaddr8,macaddr8)"}, mac_binary<std::bit_and<unsigned>>());
  builder.builtins({"macaddr_or(macaddr,macaddr)", "macaddr8_or(macaddr8,macaddr8)"}, mac_binary<std::bit_or<unsigned>>());
  builder.builtins({"macaddr_not(macaddr)", "macaddr8_not(macaddr8)"},
                   row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                     std::string& buffer = out.buffer();
                     for (const char c : v.view()) buffer.push_back(static_cast<char>(~static_cast<uint8_t>(c)));
                     out.copy(buffer);
                   }));
  builder.builtins({"trunc(macaddr)", "trunc(macaddr8)"},
                   row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                     std::string& buffer = out.buffer();
                     buffer = v.view().substr(0, kManufacturerBytes);
                     buffer.resize(v.size, '\0');
                     out.copy(buffer);
                   }));
  builder.builtin("macaddr8_set7bit(macaddr8)", row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    std::string& buffer = out.buffer();
                    buffer = v.view();
                    if (!buffer.empty()) buffer[0] = static_cast<char>(static_cast<uint8_t>(buffer[0]) | 2);
                    out.copy(buffer);
                  }));
  builder.builtin("macaddr8(macaddr)", row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    std::string& buffer = out.buffer();
                    buffer = v.view();
                    if (buffer.size() == kMacBytes) buffer.insert(kManufacturerBytes, "\xff\xfe");
                    out.copy(buffer);
                  }));
  builder.builtin("macaddr(macaddr8)",
                  row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) { return to_macaddr(v, out); }));
}

}  // namespace eventd::engine
