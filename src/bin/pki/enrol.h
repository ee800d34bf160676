/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands share that get certificates from a server: the CA certificates of --cacert, judging what
 * came, telling of it, writing it down, and waiting. */
#pragma once

#include "bin/pki/pki.h"
#include "pki/cert.h"

enum { ENROL_CAS_MAX = 64 };

struct enrol_cas {
    struct cert *roots[ENROL_CAS_MAX], *others[ENROL_CAS_MAX]; /* self-signed, and not */
    size_t n_roots, n_others;
    bool came; /* from a server: nobody vouches for them */
};

/* Those of --cacert; false with d. enrol_cas_free() in both cases. */
bool enrol_cas_read(const struct pki_run *r, struct enrol_cas *cas, struct diag *d);
bool enrol_cas_add(struct enrol_cas *cas, struct cert *c, struct diag *d); /* takes a reference */
void enrol_cas_free(struct enrol_cas *cas);
/* All of them as PEM, in the run's memory. */
struct span enrol_cas_pem(const struct pki_run *r, const struct enrol_cas *cas);
/* A certificate as PEM and behind it those of cas that lead to its root, without the root. */
struct span enrol_chain_pem(const struct pki_run *r, const struct cert *leaf, const struct enrol_cas *cas);
bool enrol_is_among(const struct enrol_cas *cas, const struct cert *c);

/* Does a path lead to one of the roots? Tells of the path, or why there is none. One that is not valid yet is
 * judged as of its first second: the server's clock may be ahead of ours. */
bool enrol_trusts(const struct pki_run *r, struct enrol_cas *cas, struct cert *leaf, struct diag *why);
/* "  serial: 01:02" and, of a CA, its fingerprints. */
void enrol_tell_serial(const struct pki_run *r, const struct cert *c);
void enrol_tell_fingerprints(const struct pki_run *r, const struct cert *c);
/* "Nov 21 16:20:44 2026" in the user's zone. */
const char *enrol_time(const struct pki_run *r, int64_t t);

/* Tells of a certificate that was issued for a request, checks it and writes it to stdout. One that is not
 * trusted is not written. Returns the exit code. */
int enrol_finish(const struct pki_run *r, struct enrol_cas *cas, struct cert *issued);

/* CA certificates that came: the root first, then those below it. Files are named after template. */
struct enrol_out {
    const char *template; /* --caout; NULL: to stdout, in PEM only */
    const char *infix;    /* behind its name: "-ra"; or NULL */
    bool counts_from_two; /* "x.crt" and "x-2.crt", not "x-1.crt" */
    unsigned n_written;
};
/* Where the certificate went: a path, "stdout", NULL with d. */
const char *enrol_write_ca(const struct pki_run *r, struct enrol_out *o, const struct cert *c,
                           struct diag *d);

/* Polling, from --interval and --maxpolltime. */
struct enrol_poll {
    const char *protocol; /* "EST" */
    long waited;          /* seconds so far */
    bool has_begun;
};
/* Sleeps until it is time to ask again: retry_after seconds when the server says so (0: it does not). False
 * with d: that would be longer than the user will wait. */
bool enrol_wait(const struct pki_run *r, struct enrol_poll *p, long retry_after, struct diag *d);
