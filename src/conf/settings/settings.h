/* SPDX-License-Identifier: Apache-2.0 */
/* The settings grammar that keyway.conf, swanctl.conf and strongswan.conf share, into a tree:
 *
 *   name = value            # words are joined by one blank; "..." keeps blanks and knows \n \r \t \" \\
 *   name =                  clears the key, also an inherited one
 *   section { ... }         again under the same name: merges, the later value of a key wins
 *   section : a, b.c { }    inherits what it does not set itself, from the first that has it
 *   a.b.key = value         dots separate sections
 *   include conf.d/ *.conf  relative to the including file, also inside a section
 *
 * Keys and sections have separate name spaces. Files, depth, names and the tree's size are bounded. */
#pragma once

#include "base/map.h"
#include "conf/conf.h"
#include "conf/errors.h"

#define SETTINGS_MAX_DEPTH   32
#define SETTINGS_MAX_NAME    256
#define SETTINGS_MAX_NODES   1000000
#define SETTINGS_MAX_BYTES   (32u << 20) /* all files together */
#define SETTINGS_MAX_FILES   20000
#define SETTINGS_MAX_INCLUDE 10 /* files inside files */

struct setting_ref {
    const char *path; /* from the root, dotted */
    int line, column;
    struct setting_ref *next;
};

struct setting { /* a key or a section */
    struct map_node by_name;
    struct setting *parent, *next;
    struct setting *first, *last; /* a section's contents, in the order of first mention */
    const char *name;
    const char *written; /* what the user called it: differs for the short form */
    const char *value;   /* NULL: a section, or a cleared key */
    bool is_section;
    bool is_base;  /* another section inherits from it */
    bool is_known; /* set by the schema check, so that an error is told once */
    uint8_t resolve_state;
    const char *file; /* NULL: made from a default */
    int line, column;
    int value_line, value_column;
    struct setting_ref *refs;
};

/* A line outside all sections that is no setting, and the error about it: whoever knows what the
 * sections around it are may say more. */
struct setting_stray {
    struct diag *error;
    const char *file;
    int line;
};

#define SETTINGS_MAX_STRAYS 8

struct settings_tree {
    struct arena *arena; /* of values: wiped after loading */
    struct arena *names; /* of file names: outlives the tree */
    struct setting *root;
    struct map index;
    size_t n_nodes, n_bytes, n_files;
    struct setting_stray strays[SETTINGS_MAX_STRAYS];
    size_t n_strays;
    bool allows_titles; /* "tunnel office {" means tunnel.office */
};

void settings_init(struct settings_tree *t, struct arena *arena, struct arena *names);
void settings_deinit(struct settings_tree *t); /* not the arenas */
/* Parses a file into section `into` (the root, mostly). False only when it does not exist. */
bool settings_read(struct settings_tree *t, struct setting *into, const char *path,
                   const struct conf_source *src, struct errors *errs);
/* Fills in what sections inherit. Once, after all files are read. */
void settings_resolve(struct settings_tree *t, struct errors *errs);

struct setting *settings_section(const struct settings_tree *t, const struct setting *parent,
                                 const char *name);
struct setting *settings_key(const struct settings_tree *t, const struct setting *parent, const char *name);
/* Finds or makes. NULL when the tree is full. */
struct setting *settings_add(struct settings_tree *t, struct setting *parent, const char *name, size_t len,
                             bool is_section);
