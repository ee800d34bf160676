/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts for which CRLs are fetched and OCSP responders are asked. */
#pragma once

#include "bin/pki/pki.h"
#include "pki/cert.h"

struct online;

struct online *online_new(void);
void online_free(struct online *o);
/* As trust_evaluate(), after fetching whatever might decide it; what came serves the next call, too. */
void online_evaluate(struct online *o, const struct pki_run *r, const struct trust_request *req,
                     struct trust_verdict *out);
