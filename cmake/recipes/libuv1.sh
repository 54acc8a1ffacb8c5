# libuv: MIT.
branch='^1\.'
orig='libuv1_1.50.0.orig.tar.gz ec9de6ecf2a780fd2afb3b007947d2cd57c3bb17f3b9e721a66774980d35cd4d'

build()
{
    configure_cmake -DLIBUV_BUILD_SHARED=OFF -DLIBUV_BUILD_TESTS=OFF -DLIBUV_BUILD_BENCH=OFF -DBUILD_TESTING=OFF
    ninja -C build
    DESTDIR=$STAGE cmake --install build
}
