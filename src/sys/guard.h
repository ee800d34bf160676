/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps what is in this process's memory there: out of swap, out of core dumps. */
#pragma once

/* For the process that goes on to hold secrets (locks do not survive fork()), before it reads any and before
 * it has threads or has used OpenSSL. What cannot be had is logged: the program works without. */
void guard_memory(void);
