#!/usr/bin/env bash
# rustdoc that checks the error code of `compile_fail,E0451` doctests, which a stable rustdoc ignores. Cargo runs it as
# $RUSTDOC for doctests alone, so nothing else is compiled differently or again.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@"
