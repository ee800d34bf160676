/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching by libcurl: see fetch.h. Redirections are followed to http and https only, and not more than
 * three, and none where the caller states whom to trust or a stranger chose the address. */
#include "sys/fetch.h"
#include "base/arena.h"
#include "base/text.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

enum { REDIRECTS_MAX = 3 };

struct download {
    const struct fetch *f;
    uint8_t *bytes;
    size_t len, cap;
    bool is_too_long;
};

void fetch_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t on_bytes(char *data, size_t size, size_t n, void *ctx)
{
    struct download *d = ctx;
    size_t len = size * n;
    if (len > d->f->max - d->len) {
        d->is_too_long = true;
        return 0;
    }
    if (len > d->cap - d->len) {
        size_t cap = 2 * d->cap + len;
        uint8_t *more = realloc(d->bytes, cap);
        if (!more)
            abort();
        d->bytes = more;
        d->cap = cap;
    }
    if (len)
        memcpy(d->bytes + d->len, data, len);
    d->len += len;
    return len;
}

static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    const struct download *d = ctx;
    (void)down_total, (void)down, (void)up_total, (void)up;
    return d->f->is_cancelled && atomic_load(d->f->is_cancelled);
}

static void set_options(CURL *c, struct download *d, char error[CURL_ERROR_SIZE])
{
    const struct fetch *f = d->f;
    curl_easy_setopt(c, CURLOPT_URL, f->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR,
                     f->allows_file ? "http,https,ldap,ldaps,file" : "http,https,ldap,ldaps");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(f->timeout / 1000 > 0 ? f->timeout / 1000 : 1));
    curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)f->max);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "keyway");
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, d);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, d);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
}

static void set_blob(CURL *c, CURLoption option, struct span s)
{
    struct curl_blob blob = {.data = (void *)(uintptr_t)s.ptr, .len = s.len, .flags = CURL_BLOB_NOCOPY};
    if (s.len)
        curl_easy_setopt(c, option, &blob);
}

static void set_tls(CURL *c, const struct fetch_tls *tls)
{
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_NO_PARTIALCHAIN);
    curl_easy_setopt(c, CURLOPT_CAINFO, NULL); /* not those of the system */
    curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    set_blob(c, CURLOPT_CAINFO_BLOB, tls->cas);
    set_blob(c, CURLOPT_SSLCERT_BLOB, tls->certs);
    set_blob(c, CURLOPT_SSLKEY_BLOB, tls->key);
    if (tls->user_pass) {
        curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(c, CURLOPT_USERPWD, tls->user_pass);
    }
}

static void set_http_only(CURL *c)
{
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
}

static bool is_redirection(CURL *c)
{
    long status = 0;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    return status / 100 == 3;
}

static void take_answer(CURL *c, struct fetch_answer *a)
{
    curl_off_t retry = 0;
    char *type = NULL;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a->status);
    curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &retry);
    curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
    a->retry_after = retry > INT32_MAX ? INT32_MAX : retry > 0 ? (long)retry : 0;
    snprintf(a->type, sizeof(a->type), "%s", type ? type : "");
}

static struct curl_slist *set_post(CURL *c, const struct fetch *f)
{
    char type[128], encoding[128];
    if (!f->post.len)
        return NULL;
    snprintf(type, sizeof(type), "Content-Type: %s", f->post_type);
    struct curl_slist *headers = curl_slist_append(NULL, type);
    if (f->encoding) {
        snprintf(encoding, sizeof(encoding), "Content-Transfer-Encoding: %s", f->encoding);
        headers = curl_slist_append(headers, encoding);
    }
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->post.len);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, f->post.ptr);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    return headers;
}

bool fetch_url(const struct fetch *f, struct secret *out, char why[FETCH_WHY_MAX])
{
    char error[CURL_ERROR_SIZE] = "";
    struct download d = {.f = f};
    CURL *c = curl_easy_init();
    if (!c)
        abort();
    set_options(c, &d, error);
    struct curl_slist *headers = set_post(c, f);
    if (f->tls)
        set_tls(c, f->tls);
    if (f->is_http_only)
        set_http_only(c);
    if (f->answer)
        curl_easy_setopt(c, CURLOPT_FAILONERROR, 0L);
    CURLcode code = curl_easy_perform(c);
    if (f->answer)
        take_answer(c, f->answer);
    bool is_elsewhere = f->is_http_only && code == CURLE_OK && is_redirection(c);
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
    if (code == CURLE_OK && !is_elsewhere && (d.len || f->answer)) {
        *out = secret_copy(span_of(d.bytes, d.len));
        free(d.bytes);
        return true;
    }
    free(d.bytes);
    if (d.is_too_long || code == CURLE_FILESIZE_EXCEEDED)
        snprintf(why, FETCH_WHY_MAX, "more than %zu bytes", f->max);
    else if (is_elsewhere)
        snprintf(why, FETCH_WHY_MAX, "a redirection, which is not followed");
    else if (code == CURLE_OK)
        snprintf(why, FETCH_WHY_MAX, "nothing in it");
    else
        snprintf(why, FETCH_WHY_MAX, "%.190s", error[0] ? error : curl_easy_strerror(code));
    return false;
}

struct span fetch_ldap_value(struct secret *answer, const char *attribute)
{
    struct span all = secret_view(answer);
    size_t len = strlen(attribute);
    const uint8_t *at = memmem(all.ptr, all.len, attribute, len);
    const uint8_t *end = all.ptr + all.len;
    if (!at)
        return span_of(NULL, 0);
    at += len;
    while (at < end && *at != ':' && *at != '\n') /* ";binary" */
        at++;
    if (end - at < 3 || memcmp(at, ":: ", 3) != 0)
        return span_of(NULL, 0);
    at += 3;
    const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
    struct span text = span_of(at, (size_t)((stop ? stop : end) - at));
    uint8_t *to = mem_new(text.len + 1);
    size_t n = 0;
    bool is_ok = base64_decode(text, to, text.len, &n);
    if (is_ok) {
        struct secret value = secret_copy(span_of(to, n));
        secret_free(answer);
        *answer = value;
    }
    free(to);
    return is_ok ? secret_view(answer) : span_of(NULL, 0);
}
