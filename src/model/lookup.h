/* SPDX-License-Identifier: Apache-2.0 */
/* The index of a snapshot. Private to src/model. */
#pragma once

struct config_index;
void config_index_free(struct config_index *x);
