/* SPDX-License-Identifier: Apache-2.0 */
/* A SCEP server over HTTP (RFC 8894 section 4.1). */
#pragma once

#include "bin/pki/pki.h"
#include "sys/fetch.h"

/* An operation of the server at --url; scratch: for its address. message: empty, or the one of a
 * PKIOperation, sent by POST or in the address. False with d; other answers than 200 are refused. */
bool scep_http_ask(const struct pki_run *r, struct arena *scratch, const char *operation, struct span message,
                   bool is_post, struct fetch_answer *answer, struct secret *body, struct diag *d);
