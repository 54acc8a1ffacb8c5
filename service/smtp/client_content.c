#include "smtp/client_content.h"

void client_content_begin(struct client_content_writer *writer)
{
    /* As behind the end of a line, so that an empty message is a lone dot. */
    memcpy(writer->last, "\r\n", sizeof writer->last);
}

static void remember_end(struct client_content_writer *writer, struct view piece)
{
    if (piece.length >= 2) {
        memcpy(writer->last, piece.data + piece.length - 2, 2);
    } else if (piece.length == 1) {
        writer->last[0] = writer->last[1];
        writer->last[1] = piece.data[0];
    }
}

/* A dot is doubled behind every LF, not only behind CRLF: a bare LF must never make the end of the
 * message for a next hop that takes it for a line end. */
void client_content_write(struct client_content_writer *writer, struct view piece,
                          const struct smtp_client_host *host, void *user)
{
    size_t sent = 0;
    for (size_t at = view_find(piece, '.'); at < piece.length;
         at += 1 + view_find(view_from(piece, at + 1), '.')) {
        char before = at == 0 ? writer->last[1] : piece.data[at - 1];
        if (before != '\n')
            continue;
        host->send(user, piece.data + sent, at + 1 - sent);
        sent = at;
    }
    if (sent < piece.length)
        host->send(user, piece.data + sent, piece.length - sent);
    remember_end(writer, piece);
}

void client_content_end(struct client_content_writer *writer, const struct smtp_client_host *host,
                        void *user)
{
    static const char end[] = "\r\n.\r\n";
    bool line_ended = writer->last[0] == '\r' && writer->last[1] == '\n';
    size_t skip = line_ended ? 2 : 0;
    host->send(user, end + skip, sizeof end - 1 - skip);
}
