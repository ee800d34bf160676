/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP server on loopback for tests, which serves well and badly: a thread for each connection, so
 * that one that hangs keeps nobody else waiting. What is served is the test's to say, for each request. */
#pragma once

#include "base/span.h"

enum web_how {
    WEB_WELL,      /* 200 and the body */
    WEB_NOT_FOUND, /* 404 */
    WEB_BROKEN,    /* 500 */
    WEB_CLOSES,    /* takes the request and says nothing */
    WEB_SILENT,    /* and keeps the connection until the client goes */
    WEB_DRIPS,     /* a byte now and then */
    WEB_HUGE,      /* says that 100 MB come */
    WEB_ENDLESS,   /* sends and sends, without saying how much */
    WEB_CUT,       /* says that one byte more comes than does */
    WEB_LOOP,      /* moved to where it is */
    WEB_MOVED,     /* to the same name with "-there" behind it */
    WEB_TO_FILE,   /* moved to file:///etc/passwd */
};

struct web_answer {
    enum web_how how;
    struct span body; /* freed with free() */
};

/* path: "/x"; body: of a POST. Called from any thread. */
typedef struct web_answer web_serve(void *ctx, const char *path, struct span body);

/* On a port of 127.0.0.1, which it returns. One for each program. */
int web_start(web_serve *serve, void *ctx);
void web_stop(void); /* the clients are gone */
