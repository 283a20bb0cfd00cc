#include "interrupt.h"

namespace eventd {
namespace {

thread_local InterruptSource current_source;

}  // namespace

InterruptScope::InterruptScope(InterruptSource source) : outer_(current_source) { current_source = source; }

InterruptScope::~InterruptScope() { current_source = outer_; }

InterruptSource InterruptScope::current() { return current_source; }

Status check_interrupt() {
  const InterruptSource source = current_source;
  return source.check == nullptr ? Status() : source.check(source.who);
}

}  // namespace eventd
