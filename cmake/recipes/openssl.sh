# OpenSSL 3.5 LTS: Apache 2.0. The libraries only; TLS 1.2 and 1.3.
branch='^3\.5\.'
orig='openssl_3.5.7.orig.tar.gz a8c0d28a529ca480f9f36cf5792e2cd21984552a3c8e4aa11a24aa31aeac98e8'

build()
{
    local options=(
        no-shared no-apps no-tests no-docs no-makedepend
        # Nothing is loaded at run time, be it code or a configuration that others on the machine might have written.
        no-module no-legacy no-engine no-dso no-uplink no-autoload-config
        # What a mail server of today does not speak. DES stays: certificates come in PKCS#12 files that are made with it.
        no-quic no-dtls no-ssl3 no-tls1 no-tls1_1 no-comp no-srp no-psk no-cms no-cmp no-ts no-http
        no-aria no-bf no-camellia no-cast no-ec2m no-gost no-idea no-md4 no-mdc2 no-rc2 no-rc4 no-rc5 no-rmd160 no-seed
        no-sm2 no-sm3 no-sm4 no-whirlpool no-rfc3779 no-slh-dsa
    )
    # Given to make instead of --openssldir, which on this machine takes a Windows path for a relative one.
    local folder=/etc/ssl
    if [ "$TARGET" = windows ]; then
        # A path that only an administrator can write.
        folder='C:/Program Files/Common Files/SSL'
        options+=(mingw64 --cross-compile-prefix=$host- no-pic no-winstore)
    else
        options+=(linux-x86_64)
    fi
    local folders=(OPENSSLDIR="$folder" MODULESDIR="$folder/ossl-modules" ENGINESDIR="$folder/engines-3")

    ./Configure "${options[@]}" --prefix="$PREFIX" --libdir=lib
    make -j"$jobs" build_libs "${folders[@]}"
    make install_dev "${folders[@]}" DESTDIR="$STAGE"
    strings "$STAGE$PREFIX/lib/libcrypto.a" | grep -F "OPENSSLDIR: \"$folder\""
}
