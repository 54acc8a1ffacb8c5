# Jansson: MIT.
branch='^2\.14'
orig='jansson_2.14.orig.tar.gz c739578bf6b764aa0752db9a2fdadcfe921c78f1228c7ec0bb47fa804c55d17b'

build()
{
    configure_cmake -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF
    ninja -C build
    DESTDIR=$STAGE cmake --install build
}
