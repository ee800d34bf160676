/* SPDX-License-Identifier: Apache-2.0 */
/* A CA and the certificates of moon and sun, for all tests of a program: group setup and teardown for cmocka.
 * Include it once, in the test itself. */
#pragma once

#include "support/testca.h"

static struct testca_cert *ca, *moon, *sun;

static int make_certificates(void **state)
{
    (void)state;
    ca = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    moon = testca_issue(&(struct testca_spec){.subject = "CN=moon", .san = "DNS:moon"}, ca);
    sun = testca_issue(&(struct testca_spec){.subject = "CN=sun", .san = "DNS:sun"}, ca);
    return 0;
}

static int free_certificates(void **state)
{
    (void)state;
    testca_free(sun);
    testca_free(moon);
    testca_free(ca);
    return 0;
}
