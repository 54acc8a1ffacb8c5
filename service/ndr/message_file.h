/*
 * An accepted message as a file that Windows' drop readers and every mail program open: X-Sender
 * and X-Receiver lines (the envelope) on top, then the message as it was stored. Blocks; any thread
 * that has a spool reader.
 */
#ifndef GATEPOST_NDR_MESSAGE_FILE_H
#define GATEPOST_NDR_MESSAGE_FILE_H

#include "spool/spool.h"

struct message_file {
    const struct spool_item *item;
    const uint32_t *numbers; /* of the recipients that the file is for */
    size_t number_count;
    bool final_delivery; /* a Return-Path line below the envelope, in place of any that came */
};

enum message_file_result {
    MESSAGE_FILE_WRITTEN,
    MESSAGE_FILE_FAILED,    /* the folder or its disk */
    MESSAGE_FILE_UNREADABLE /* the store */
};

/* Makes the file at `path`, which must not be read by anybody yet, and syncs it. What is left of an
 * earlier try is replaced. Leaves nothing behind on failure. */
enum message_file_result message_file_write(const struct message_file *message,
                                            struct spool_reader *reader, const char *path,
                                            struct error *error);

/* A path in `folder` that is free for "IDENT-N" and both extensions, N from 1 on, without
 * extension. The caller frees it. Only one thread at a time for one message. */
char *message_file_choose_path(const char *folder, ident message, const char *extension,
                               const char *other_extension);

/* That path with an extension. The caller frees it. */
char *message_file_name(const char *path, const char *extension);

/* The recipient with that number, NULL when the message has none. */
const struct spool_recipient *message_file_recipient(const struct spool_item *item,
                                                     uint32_t number);

#endif
