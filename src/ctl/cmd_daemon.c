/* SPDX-License-Identifier: Apache-2.0 */
/* version, stats, get-algorithms, and the reload of the configuration files. */
#include "base/text.h"
#include "crypto/alg.h"
#include "crypto/kex.h"
#include "crypto/service.h"
#include "ctl/commands.h"
#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>

void ctl_cmd_version(struct ctl_request *r)
{
    struct utsname u = {0};
    uname(&u);
    vici_text(r->reply, "daemon", "keywayd");
    vici_text(r->reply, "version", KEYWAY_VERSION);
    vici_text(r->reply, "sysname", u.sysname);
    vici_text(r->reply, "release", u.release);
    vici_text(r->reply, "machine", u.machine);
}

static void write_uptime(struct vici_writer *w, int64_t seconds, int64_t since)
{
    char running[40];
    struct text t = TEXT_ON(running);
    char text[64];
    struct tm tm;
    time_t at = (time_t)since;
    text_duration(&t, seconds);
    vici_text(w, "running", running);
    strftime(text, sizeof(text), "%b %d %H:%M:%S %Y", localtime_r(&at, &tm));
    vici_text(w, "since", text);
}

/* The daemon, and the libraries that its algorithms are of. */
static void write_parts(struct vici_writer *w)
{
    struct service_library l;
    vici_list(w, "plugins");
    vici_item(w, "keywayd");
    for (size_t i = 0; service_library_at(i, &l); i++) {
        if (l.version)
            vici_item(w, l.name);
    }
    vici_list_end(w);
}

void ctl_cmd_stats(struct ctl_request *r)
{
    static const char *const priorities[] = {"critical", "high", "medium", "low"};
    struct vici_writer *w = r->reply;
    struct ctl_numbers n = {0};
    r->ctl->host.numbers(r->ctl->host.ctx, &n);
    const struct engine_stats *s = engine_stats(ctl_engine(r));
    struct time now = ctl_now(r->ctl);

    vici_section(w, "uptime");
    write_uptime(w, (now.mono - n.started.mono) / TIME_SECOND, n.started.wall);
    vici_section_end(w);
    vici_section(w, "workers");
    vici_printf(w, "total", "%u", n.workers);
    vici_printf(w, "idle", "%u", n.workers - n.working);
    vici_section(w, "active");
    for (size_t i = 0; i < ARRAY_LEN(priorities); i++)
        vici_printf(w, priorities[i], "%u", i == 2 ? n.working : 0);
    vici_section_end(w);
    vici_section_end(w);
    vici_section(w, "queues");
    for (size_t i = 0; i < ARRAY_LEN(priorities); i++)
        vici_text(w, priorities[i], "0");
    vici_section_end(w);
    vici_text(w, "scheduled", "0");
    vici_section(w, "ikesas");
    vici_printf(w, "total", "%" PRIu64, s->ike_sas);
    vici_printf(w, "half-open", "%" PRIu64, s->half_open);
    vici_section_end(w);
    write_parts(w);
    vici_section(w, "mallinfo");
    vici_printf(w, "sbrk", "%zu", n.memory.sbrk);
    vici_printf(w, "mmap", "%zu", n.memory.mmap);
    vici_printf(w, "used", "%zu", n.memory.used);
    vici_printf(w, "free", "%zu", n.memory.free);
    vici_section_end(w);
}

static void write_algorithms(struct vici_writer *w, const char *section, enum transform_type type,
                             bool is_aead)
{
    vici_section(w, section);
    const struct alg *a;
    for (size_t i = 0; (a = alg_at(i)); i++) {
        if (a->type != type || a->is_aead != is_aead || a->id == 0) /* 0 stands for none */
            continue;
        const char *by = type == TRANSFORM_KE ? kex_served_by(a->id) : "openssl";
        vici_text(w, a->name, by ? by : "");
    }
    vici_section_end(w);
}

/* What is no transform of proposals. */
static void write_others(struct vici_writer *w, const char *section)
{
    static const struct {
        const char *section, *name, *by;
    } rows[] = {
        {"hasher",    "HASH_MD5",        "openssl"},
        {"hasher",    "HASH_SHA1",       "openssl"},
        {"hasher",    "HASH_SHA2_256",   "openssl"},
        {"hasher",    "HASH_SHA2_384",   "openssl"},
        {"hasher",    "HASH_SHA2_512",   "openssl"},
        {"hasher",    "HASH_IDENTITY",   "openssl"},
        {"xof",       "XOF_MGF1_SHA256", "openssl"},
        {"xof",       "XOF_MGF1_SHA384", "openssl"},
        {"xof",       "XOF_MGF1_SHA512", "openssl"},
        {"kdf",       "KDF_PRF",         "keyway" },
        {"kdf",       "KDF_PRF_PLUS",    "keyway" },
        {"rng",       "RNG_STRONG",      "openssl"},
        {"rng",       "RNG_TRUE",        "openssl"},
        {"nonce-gen", "NONCE_GEN",       "keyway" },
    };
    vici_section(w, section);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].section, section) == 0)
            vici_text(w, rows[i].name, rows[i].by);
    }
    vici_section_end(w);
}

void ctl_cmd_get_algorithms(struct ctl_request *r)
{
    static const char *const others[] = {"xof", "kdf", "drbg"};
    struct vici_writer *w = r->reply;
    write_algorithms(w, "encryption", TRANSFORM_ENCR, false);
    write_algorithms(w, "integrity", TRANSFORM_INTEG, false);
    write_algorithms(w, "aead", TRANSFORM_ENCR, true);
    write_others(w, "hasher");
    write_algorithms(w, "prf", TRANSFORM_PRF, false);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        write_others(w, others[i]);
    write_algorithms(w, "ke", TRANSFORM_KE, false);
    write_others(w, "rng");
    write_others(w, "nonce-gen");
}

static uint64_t wait_for_reload(struct ctl_request *r, enum ctl_pending_kind kind)
{
    r->conn->pending =
        (struct ctl_pending){.kind = kind, .id = ++r->ctl->last_command, .deadline = TIME_NEVER};
    r->is_deferred = true;
    return r->conn->pending.id;
}

void ctl_cmd_reload_settings(struct ctl_request *r)
{
    const struct ctl_host *host = &r->ctl->host;
    host->reload_settings(host->ctx, wait_for_reload(r, CTL_PENDING_SETTINGS));
}

void ctl_cmd_keyway_reload(struct ctl_request *r)
{
    const struct ctl_host *host = &r->ctl->host;
    host->reload(host->ctx, wait_for_reload(r, CTL_PENDING_RELOAD));
}

static void write_drops(struct vici_writer *w, const struct ctl_numbers *n)
{
    vici_section(w, "drops");
    for (size_t i = 0; i < n->n_drops; i++) {
        if (n->drops[i])
            vici_printf(w, n->drop_names[i], "%" PRIu64, n->drops[i]);
    }
    vici_section_end(w);
}

static void write_engine(struct vici_writer *w, const struct engine_stats *s, const struct config *c)
{
    const struct {
        const char *key;
        uint64_t value;
    } rows[] = {
        {"ike-sas",             s->ike_sas            },
        {"half-open",           s->half_open          },
        {"child-sas",           s->child_sas          },
        {"received",            s->received           },
        {"sent",                s->sent               },
        {"retransmitted",       s->retransmitted      },
        {"dropped-malformed",   s->dropped_malformed  },
        {"dropped-replayed",    s->dropped_replayed   },
        {"dropped-bad-icv",     s->dropped_bad_icv    },
        {"dropped-unknown-spi", s->dropped_unknown_spi},
        {"dropped-blocked",     s->dropped_blocked    },
        {"cookies-sent",        s->cookies_sent       },
        {"displaced",           s->displaced          },
        {"auth-failed",         s->auth_failed        },
        {"proposal-mismatch",   s->proposal_mismatch  },
        {"selector-mismatch",   s->selector_mismatch  },
        {"timeouts",            s->timeouts           },
        {"rekeyed-ike",         s->rekeyed_ike        },
        {"rekeyed-child",       s->rekeyed_child      },
        {"crashes-detected",    s->crashes_detected   },
        {"resumed",             s->resumed            },
    };
    vici_section(w, "ike");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        vici_printf(w, rows[i].key, "%" PRIu64, rows[i].value);
    vici_section_end(w);
    vici_flag(w, "cookies-required", c && s->half_open >= c->settings.cookie_threshold);
}

/* How long a peer is waited for. */
static void write_retransmission(struct vici_writer *w, const struct config *c)
{
    if (!c)
        return;
    const struct settings *s = &c->settings;
    double total = 0, wait = (double)s->retransmit_timeout, limit = (double)s->retransmit_limit;
    for (unsigned i = 0; i <= s->retransmit_tries; i++, wait *= s->retransmit_base)
        total += limit > 0 && wait > limit ? limit : wait;
    vici_section(w, "retransmission");
    vici_printf(w, "interval-ms", "%" PRId64, s->retransmit_timeout / TIME_MS);
    vici_printf(w, "timeout", "%" PRId64, (int64_t)(total / TIME_SECOND));
    vici_printf(w, "keep-alive", "%" PRId64, s->keep_alive / TIME_SECOND);
    vici_section_end(w);
}

/* How many connections came from each dialect. */
static void write_dialects(struct vici_writer *w, const struct config *c)
{
    const char *names[16];
    size_t counts[16], n = 0;
    for (size_t i = 0; c && i < c->n_connections; i++) {
        size_t k = 0;
        while (k < n && strcmp(names[k], c->connections[i]->dialect) != 0)
            k++;
        if (k == n && n == ARRAY_LEN(names))
            continue;
        if (k == n) {
            names[n] = c->connections[i]->dialect;
            counts[n++] = 0;
        }
        counts[k]++;
    }
    vici_section(w, "dialects");
    for (size_t k = 0; k < n; k++)
        vici_printf(w, names[k], "%zu", counts[k]);
    vici_section_end(w);
}

void ctl_cmd_keyway_status(struct ctl_request *r)
{
    struct vici_writer *w = r->reply;
    struct ctl_numbers n = {.dataplane = "", .device = ""};
    r->ctl->host.numbers(r->ctl->host.ctx, &n);
    const struct engine *e = ctl_engine(r);
    const struct config *c = engine_config(e);

    vici_text(w, "version", KEYWAY_VERSION);
    vici_printf(w, "uptime", "%" PRId64, (ctl_now(r->ctl).mono - n.started.mono) / TIME_SECOND);
    vici_section(w, "dataplane");
    vici_text(w, "kind", n.dataplane);
    vici_text(w, "device", n.device);
    vici_printf(w, "packets-in", "%" PRIu64, n.packets_in);
    vici_printf(w, "bytes-in", "%" PRIu64, n.bytes_in);
    vici_printf(w, "packets-out", "%" PRIu64, n.packets_out);
    vici_printf(w, "bytes-out", "%" PRIu64, n.bytes_out);
    write_drops(w, &n);
    vici_section(w, "kernel-counters");
    for (size_t i = 0; i < n.n_moved; i++)
        vici_printf(w, n.moved[i].name, "%" PRIu64, n.moved[i].value);
    vici_section_end(w);
    vici_section_end(w);
    write_engine(w, engine_stats(e), c);
    write_dialects(w, c);
    write_retransmission(w, c);
    vici_section(w, "failures");
    for (size_t i = 0; c && i < c->n_connections; i++) {
        const struct diag *d = engine_last_failure(e, c->connections[i]->name);
        if (!d || !diag_failed(d))
            continue;
        vici_section(w, c->connections[i]->name);
        ctl_write_diag(w, d);
        vici_section_end(w);
    }
    vici_section_end(w);
}
