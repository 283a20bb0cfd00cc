#!/bin/sh
# install_test.sh CMAKE BUILD CC CXX LIBDIR SANITIZE: installs libkmes below a temporary directory and
# uses it as a stranger would: pkg-config, C99 and C++, shared and static, the man pages.
set -eu
cmake=$1 build=$2 cc=$3 cxx=$4 libdir=$5 sanitize=$6
command -v pkg-config >/dev/null || { echo "skipped: no pkg-config"; exit 77; }
test -e "$build/lib/libkmes.so" && test -e "$build/lib/libkmes.a" || {
  echo "skipped: libkmes is not built"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

"$cmake" --install "$build" --component libkmes --prefix "$work/usr" >/dev/null
export PKG_CONFIG_PATH="$work/usr/$libdir/pkgconfig"
test "$(pkg-config --modversion kmes)" = 1.0.0 || fail "version"
flags=$(pkg-config --cflags kmes)
libs=$(pkg-config --libs kmes)

# The soname, and nothing exported but the four functions.
objdump -p "$work/usr/$libdir/libkmes.so" | grep -q 'SONAME *libkmes.so.1$' || fail "soname"
exported=$(nm -D --defined-only "$work/usr/$libdir/libkmes.so" | awk '$2 == "T" {print $3}' |
           sed 's/@.*//' | sort | tr '\n' ' ')
test "$exported" = "kmes_close kmes_emit kmes_emit_batch kmes_open " || fail "exports: $exported"

cat >"$work/user.c" <<'C'
#include <kmes.h>
#include <errno.h>
#include <stdio.h>
int main(void)
{
	struct kmes_entry entry = {"a", 1, "\x01", 1};
	unsigned int emitted;
	struct kmes *k = kmes_open("/nonexistent/event.sock", KMES_NONBLOCK);
	if (k != NULL) {
		kmes_emit(k, entry.type, entry.type_len, entry.payload, entry.payload_len);
		kmes_emit_batch(k, &entry, 1, &emitted);
	}
	if (k != NULL || errno != ENOENT)
		return 1;
	kmes_close(k);
	return errno == ENOENT ? 0 : 2;
}
C
cp "$work/user.c" "$work/user.cpp"
strict="-Wall -Wextra -Wpedantic -Werror"
if [ -n "$sanitize" ]; then strict="$strict -fsanitize=$sanitize"; fi
export LD_LIBRARY_PATH="$work/usr/$libdir"
"$cc" -std=c99 $strict $flags "$work/user.c" $libs -o "$work/shared_c"
"$cxx" -std=c++11 $strict $flags "$work/user.cpp" $libs -o "$work/shared_cpp"
"$cc" -std=c99 $strict $flags "$work/user.c" "$work/usr/$libdir/libkmes.a" \
  $(pkg-config --libs-only-other --static kmes) -o "$work/static_c"
for program in shared_c shared_cpp static_c; do
  "$work/$program" || fail "$program: exit status $?"
done
ldd "$work/shared_c" | grep -q 'libkmes.so.1 => '"$work" || fail "shared_c does not use the library"
ldd "$work/static_c" | grep -q libkmes && fail "static_c needs the shared library"

# Every page is there, and the formatter finds nothing wrong.
for page in libkmes kmes_open kmes_emit kmes_emit_batch kmes_close; do
  test -s "$work/usr/share/man/man3/$page.3" || fail "no man page $page"
done
if command -v groff >/dev/null; then
  groff -man -Tutf8 -ww -z "$work/usr/share/man/man3/libkmes.3" 2>"$work/warnings"
  test ! -s "$work/warnings" || { cat "$work/warnings"; fail "man page"; }
fi
echo ok
