# SQLite: public domain. One amalgamated source, made by its own scripts on this machine, compiled for the target.
branch='^3\.46\.'
orig='sqlite3_3.46.1.orig.tar.xz d0cdd2ece271b29e7ce18095745d892517ee26d0f270065b3a25c2e9eb11639c'

build()
{
    ./configure --disable-tcl --disable-readline
    make sqlite3.c
    # DQS=0: "x" is never taken for the string 'x'. WAL keeps synchronous=FULL: what was committed survives a power failure.
    "$CC" -O2 -DSQLITE_THREADSAFE=1 -DSQLITE_DQS=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_DEPRECATED \
        -DSQLITE_DEFAULT_WAL_SYNCHRONOUS=2 -c sqlite3.c
    "$AR" rcs libsqlite3.a sqlite3.o
    install_files lib libsqlite3.a
    install_files include sqlite3.h
}
