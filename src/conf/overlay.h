/* SPDX-License-Identifier: Apache-2.0 */
/* What clients loaded into the running daemon, and what they unloaded, over the configuration of files, the
 * base. The last word counts: an item takes the place of the file's of that name, and a file that is read
 * again that of the item. */
#pragma once

#include "conf/item.h"

struct overlay;

struct overlay *overlay_new(void);
void overlay_free(struct overlay *o);

#define OVERLAY_ITEMS_MAX 200000

/* Takes the part. One of that kind and name is replaced. False: there are too many. */
bool overlay_put(struct overlay *o, enum conf_item_kind kind, const char *name, struct config *part);
/* One that was loaded goes; a connection, pool or authority of the base is not shown any more. False: there
 * is none of that name. */
bool overlay_remove(struct overlay *o, enum conf_item_kind kind, const char *name, const struct config *base);
/* Keys, shared secrets, certificates, CRLs and tokens that were loaded. */
void overlay_clear_credentials(struct overlay *o);
/* The files were read again: what they name is as they have it. */
void overlay_rebase(struct overlay *o, const struct config *base);
/* Base and items as one, a new reference. */
struct config *overlay_config(const struct overlay *o, struct config *base);

/* Names of items of that kind, in the order in which they came: that after previous (NULL: the first), or
 * NULL when there are no more. Valid as long as nothing changes. */
const char *overlay_next(const struct overlay *o, enum conf_item_kind kind, const char *previous);
