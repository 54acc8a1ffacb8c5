# A room is one folder with one job (see the table in the design): a static library gatepost_ROOM of the C files in it.

# gatepost_room(ROOM [GLOBS pattern...] USES target...)
# All *.c of the folder, or what GLOBS says. A folder without sources yet is a library without objects.
function(gatepost_room room)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "GLOBS;USES")
    if(NOT arg_GLOBS)
        set(arg_GLOBS *.c)
    endif()
    file(GLOB sources CONFIGURE_DEPENDS ${arg_GLOBS})
    if(sources)
        add_library(gatepost_${room} STATIC ${sources})
        set(scope PUBLIC)
    else()
        add_library(gatepost_${room} INTERFACE)
        set(scope INTERFACE)
    endif()
    target_include_directories(gatepost_${room} ${scope}
        ${PROJECT_SOURCE_DIR}/service ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
    target_link_libraries(gatepost_${room} ${scope} ${arg_USES})
    set_property(GLOBAL APPEND PROPERTY gatepost_rooms gatepost_${room})
endfunction()
