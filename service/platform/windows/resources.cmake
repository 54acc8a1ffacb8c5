# Joins the texts of the events, version and manifest with the program `gatepost`:
#
#     base/events.def -> message_table (runs here) -> messages.mc -> windmc -> messages.rc -+
#                                       gatepost.rc, version.h, gatepost.manifest ----------+-> windres -> the program
set(from ${CMAKE_CURRENT_LIST_DIR}/resources)
set(to ${PROJECT_BINARY_DIR}/resources)
set(headers ${PROJECT_SOURCE_DIR}/service/base/events.def ${PROJECT_SOURCE_DIR}/service/base/event.h
    ${CMAKE_CURRENT_LIST_DIR}/event_message.h)
file(MAKE_DIRECTORY ${to})

# The compiler of the machine that builds, not the one of the product.
find_program(GATEPOST_BUILD_CC NAMES cc gcc clang REQUIRED)

add_custom_command(OUTPUT ${to}/message_table
    COMMAND ${GATEPOST_BUILD_CC} -std=c11 -Wall -Wextra -Werror -I${PROJECT_SOURCE_DIR}/service
        -o ${to}/message_table ${from}/message_table.c
    DEPENDS ${from}/message_table.c ${headers} VERBATIM)
add_custom_command(OUTPUT ${to}/messages.mc
    COMMAND ${to}/message_table > ${to}/messages.mc
    DEPENDS ${to}/message_table VERBATIM)
add_custom_command(OUTPUT ${to}/messages.rc ${to}/MSG00409.bin
    COMMAND ${CMAKE_MC_COMPILER} -C 65001 -h ${to} -r ${to} ${to}/messages.mc
    DEPENDS ${to}/messages.mc VERBATIM)
add_custom_command(OUTPUT ${to}/gatepost_resources.o
    COMMAND ${CMAKE_RC_COMPILER} -I${to} -I${from} -I${PROJECT_BINARY_DIR}/generated ${from}/gatepost.rc
        ${to}/gatepost_resources.o
    DEPENDS ${from}/gatepost.rc ${from}/gatepost.manifest ${to}/messages.rc ${to}/MSG00409.bin
        ${PROJECT_BINARY_DIR}/generated/version.h VERBATIM)
target_sources(gatepost PRIVATE ${to}/gatepost_resources.o)
