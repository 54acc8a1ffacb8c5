# Read before each recipe, in a bash with `set -euo pipefail` and an empty working directory.
#
# A recipe declares
#   branch   the versions that may be taken, as a regular expression on Debian's version
#   orig     "FILE SHA256" of the upstream tarball that was proven: a warning is printed when another one is built
#   needs    recipes whose libraries it is built upon; the prefix of NAME is then in $PREFIX_NAME
#   build    a function: the working directory is the unpacked source; installs into $STAGE$PREFIX what a user needs
# and may use
#   TARGET   windows or host
#   RECIPES  this folder, for files that lie beside the recipe and have its name
#   PREFIX   where the library will be, STAGE the directory that stands for / until it is whole

host=x86_64-w64-mingw32
if [ "$TARGET" = windows ]; then
    CC=$host-gcc AR=$host-ar RANLIB=$host-ranlib
    cmake_target=(-DCMAKE_SYSTEM_NAME=Windows -DCMAKE_C_COMPILER=$CC -DCMAKE_RC_COMPILER=$host-windres
        -DCMAKE_FIND_ROOT_PATH=/usr/$host -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER
        -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY)
else
    CC=gcc AR=ar RANLIB=ranlib
    cmake_target=(-DCMAKE_C_COMPILER=$CC)
fi
jobs=$(nproc)

# What the environment may say is meant for Gatepost's own compilation.
unset CFLAGS CPPFLAGS LDFLAGS LIBS MAKEFLAGS CMAKE_GENERATOR CMAKE_BUILD_TYPE CMAKE_TOOLCHAIN_FILE DESTDIR

unpack()
{
    local dsc=("$SOURCES"/*.dsc)
    if [ -f "${dsc[0]}" ]; then
        dpkg-source --extract "${dsc[0]}" source
    else
        mkdir source
        tar -xf "$(ls "$SOURCES"/*.orig.tar.* | grep -v '\.asc$')" -C source --strip-components=1
    fi
}

# configure_cmake OPTION...: in build/, Release, static.
configure_cmake()
{
    cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib \
        -DBUILD_SHARED_LIBS=OFF "${cmake_target[@]}" "$@"
}

# install_files DIRECTORY FILE...: into that directory of the prefix
install_files()
{
    local directory=$STAGE$PREFIX/$1
    shift
    mkdir -p "$directory"
    cp -R "$@" "$directory/"
}

run()
{
    unpack
    cd source
    build
}
