/* SPDX-License-Identifier: Apache-2.0 */
/* Operations of a SCEP server: see scep_http.h. Messages are signed and encrypted themselves, so that plain
 * HTTP will do; https trusts the CAs of the system. */
#include "bin/pki/scep_http.h"
#include "pki/scep.h"

enum { TIMEOUT = 60000000 }; /* microseconds, of one request */

bool scep_http_ask(const struct pki_run *r, struct arena *scratch, const char *operation, struct span message,
                   bool is_post, struct fetch_answer *answer, struct secret *body, struct diag *d)
{
    char why[FETCH_WHY_MAX];
    struct span none = {0};
    const char *url = scep_url(scratch, pki_get(r, "url"), operation, is_post ? none : message, d);
    if (!url)
        return false;
    struct fetch f = {
        .url = url,
        .post = is_post ? message : none,
        .post_type = "application/x-pki-message",
        .max = SCEP_ANSWER_MAX,
        .timeout = TIMEOUT,
        .answer = answer,
    };
    if (!fetch_url(&f, body, why)) {
        diag_set(d, FAIL_UNREACHABLE, "did not receive a valid SCEP response: %s", why);
        return false;
    }
    if (answer->status == 200)
        return true;
    secret_free(body);
    diag_set(d, FAIL_GENERIC, "did not receive a valid SCEP response: HTTP %ld", answer->status);
    return false;
}
