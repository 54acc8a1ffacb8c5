/* rooms: smtp base */
/* Addresses from strangers: whatever is taken for an address lies inside the text and is spelt the same when it is
 * read again. */
#include "smtp/address.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct view inner, struct view outer)
{
    return inner.data >= outer.data && inner.data + inner.length <= outer.data + outer.length;
}

static void check_address(struct view text, const struct smtp_address *address, bool smtputf8)
{
    struct smtp_address again;
    assert(lies_within(address->text, text));
    assert(lies_within(address->local_part, address->text));
    assert(lies_within(address->domain, address->text));
    for (size_t i = 0; i < address->text.length; i++)
        assert((unsigned char)address->text.data[i] >= ' ' && address->text.data[i] != 0x7f);
    assert(smtputf8 ? view_is_utf8(address->text) : view_is_ascii(address->text));
    if (view_is_empty(address->text))
        return;
    assert(smtp_parse_mailbox(address->text, smtputf8, &again) == SMTP_PATH_OK);
    assert(view_equal(again.text, address->text));
    assert(view_equal(again.local_part, address->local_part));
    assert(view_equal(again.domain, address->domain));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool smtputf8 = (data[0] & 1) != 0;
    bool allow_null = (data[0] & 2) != 0;
    struct view text = view_of((const char *)data + 1, size - 1);
    struct view rest = text;
    struct smtp_address address;

    if (smtp_parse_path(&rest, allow_null, smtputf8, &address) == SMTP_PATH_OK) {
        size_t taken = text.length - rest.length;
        assert(rest.data == text.data + taken);
        assert(taken >= 2 && taken <= SMTP_PATH_MAXIMUM);
        assert(text.data[0] == '<' && text.data[taken - 1] == '>');
        check_address(text, &address, smtputf8);
    } else {
        assert(rest.data == text.data && rest.length == text.length);
    }
    if (smtp_parse_mailbox(text, smtputf8, &address) == SMTP_PATH_OK)
        check_address(text, &address, smtputf8);
    return 0;
}
