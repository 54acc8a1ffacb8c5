/*
 * The conditions of a search, prepared once and asked of each row. One thread at a time; the query must
 * outlive it.
 */
#ifndef GATEPOST_TRACKING_CONDITION_H
#define GATEPOST_TRACKING_CONDITION_H

#include "tracking/tracking.h"

/* Without ASCII case; "*" stands for any text, "?" for one character. */
bool tracking_wildcard_match(struct view pattern, struct view text);
bool tracking_has_wildcard(struct view pattern);

/* A part, without ASCII case. */
bool tracking_contains(struct view text, struct view part);

/* All conditions but the time. */
bool tracking_condition_holds(const struct tracking_query *query, const struct tracking_row *row);

#endif
