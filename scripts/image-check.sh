#!/usr/bin/env bash
# image-check.sh PROGRAM: whether a program finds, in the image's base, everything that it links with. No engine is needed: the base
# is known by what its libraries are (gcr.io/distroless/cc-debian13: glibc, libgcc and libstdc++ of Debian 13).
set -euo pipefail

program=$1
libraries="ld-linux-x86-64.so.2 ld-linux-aarch64.so.1 libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libutil.so.1 libgcc_s.so.1 libstdc++.so.6 libgomp.so.1"
glibc=2.41

failed=
for library in $(readelf --dynamic --wide "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p'); do
    case " $libraries " in
    *" $library "*) ;;
    *)
        echo "$program needs $library, which the base has not" >&2
        failed=yes
        ;;
    esac
done
newest=$(readelf --version-info --wide "$program" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -Vu | tail -n 1)
if [ -z "$newest" ] || [ "$(printf '%s\n%s\n' "$newest" "$glibc" | sort -V | tail -n 1)" != "$glibc" ]; then
    echo "$program needs glibc ${newest:-unknown}, and the base has $glibc" >&2
    failed=yes
fi
[ -z "$failed" ]
