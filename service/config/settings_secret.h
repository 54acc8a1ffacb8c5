/*
 * Inside the config room: secrets in documents. In the store and in force they are sealed (platform/secret.h);
 * whoever asks is shown SETTINGS_MASK in place of each, and whoever gives the mask back means the one that is
 * stored. So a document from outside never holds a sealed secret, and what looks like one is taken as a secret.
 */
#ifndef GATEPOST_CONFIG_SETTINGS_SECRET_H
#define GATEPOST_CONFIG_SETTINGS_SECRET_H

#include "base/buffer.h"
#include "base/error.h"

#include <jansson.h>

/* Replaces every secret of a document as settings_write() makes it. */
void settings_mask(json_t *document);

/* Seals the secrets of a document from outside. Those that are masked are taken from `stored` (sealed, may be
 * NULL): the element of a list with the same key, or the one at the same place when it was renamed. folder: the
 * data folder. */
bool settings_seal(json_t *document, const json_t *stored, const char *folder, struct error *error);

/* Whether it can be what settings_seal() leaves. */
bool settings_is_sealed(struct view text);

#endif
