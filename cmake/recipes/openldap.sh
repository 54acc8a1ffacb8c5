# OpenLDAP's client library, libldap and liblber: OpenLDAP Public License. With OpenSSL, without SASL, and with the changes
# of openldap.patch, on both targets, so that the host build behaves as the Windows one does.
branch='^2\.6\.'
orig='openldap_2.6.14+dfsg.orig.tar.xz f8e1b8ed7343667b124ecf872bf9f1f38cf36da65f652d77d95ce6995f39a131'
needs=openssl

build()
{
    # No fuzz: when upstream changes these places, someone has to look at them again.
    patch -p1 --fuzz=0 < "$RECIPES/openldap.patch"

    local options=(--prefix="$PREFIX" --enable-static --disable-shared --disable-slapd --with-tls=openssl
        --without-cyrus-sasl) libs="-lpthread" answers=()
    if [ "$TARGET" = windows ]; then
        # CC is given because configure takes `cc` even with --host. Not among the libraries: ws2_32, or configure finds
        # Winsock in "none" and leaves HAVE_WINSOCK2 out.
        options+=(--host=$host --build=x86_64-pc-linux-gnu)
        libs="-lcrypt32 -lbcrypt"
        answers=(
            # regex is demanded, but only the server uses it.
            ac_cv_header_regex_h=yes ac_cv_search_regfree='none required' ol_cv_c_posix_regex=yes
            # A cross configure takes memcmp for broken and wants one from a library that is not built.
            ac_cv_func_memcmp_working=yes
            # mingw's snprintf is C's; _snprintf does not end a text that was too long with a NUL.
            ac_cv_func__snprintf=no ac_cv_func_snprintf=yes)
    fi
    env "${answers[@]}" CC="$CC" AR="$AR" RANLIB="$RANLIB" STRIP=true CFLAGS=-O2 \
        CPPFLAGS="-I$PREFIX_openssl/include" LDFLAGS="-L$PREFIX_openssl/lib" LIBS="$libs" ./configure "${options[@]}"

    # The two archives only: the rest of these folders are tools, which want further libraries.
    make -C include
    make -j"$jobs" -C libraries/liblber liblber.la
    make -j"$jobs" -C libraries/libldap libldap.la
    install_files lib libraries/lib{lber,ldap}/.libs/*.a
    install_files include include/{lber,lber_types,ldap,ldap_cdefs,ldap_features,ldap_schema,ldap_utf8,ldif,openldap}.h
}
