# Check: LGPL 2.1 or later. Linked into the tests only, never into the product.
branch='^0\.15'
orig='check_0.15.2.orig.tar.gz 8451b68ac5d6f3157b24f22eceff575bcf566264f6d78f3852f89d4e08cf42e1'

build()
{
    # Without HAVE_SUBUNIT=OFF the host build would take a libsubunit that happens to be on the machine.
    configure_cmake -DCHECK_ENABLE_TESTS=OFF -DHAVE_SUBUNIT=OFF
    # Its own `install` would add a DLL and an import library that ld prefers to the archive.
    ninja -C build src/libcheck.a
    install_files lib build/src/libcheck.a
    install_files include build/src/check.h build/check_stdint.h
}
