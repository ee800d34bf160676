/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files for other people's eyes: with every secret replaced, commented-out ones, too. Rather
 * too much is left out than too little. */
#pragma once

#include "conf/show.h"

#define CENSORED "[censored]"

/* swanctl.conf, keyway.conf, strongswan.conf, ipsec.conf: values of keys that hold secrets. */
void censor_settings(struct span text, const struct conf_sink *sink);
/* ipsec.secrets: who has which kind of secret is kept, and which files are included. Comments are not. */
void censor_secrets(struct span text, const struct conf_sink *sink);
/* Replaces what is in the text as it is, in hex or in base64 by asterisks, whatever the file said around it.
 * Those of less than four bytes are left: they are in everything. */
void censor_value(char *text, size_t len, struct span secret);
