/* What the two sides of the tracking room, writing and searching, share. */
#ifndef GATEPOST_TRACKING_INTERNAL_H
#define GATEPOST_TRACKING_INTERNAL_H

#include "tracking/tracking.h"

/* Lives as long as the tracking. */
const char *tracking_path(const struct tracking *tracking);

#endif
