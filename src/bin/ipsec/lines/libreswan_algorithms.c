/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals, and what was chosen, as Libreswan writes them: "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_256/ECP_256" is
 * AES_GCM_16_256-HMAC_SHA2_256-DH19. */
#include "bin/ipsec/lines/block.h"
#include <stdlib.h>
#include <string.h>

static const char *method_name(const char *word, char *buf, size_t cap)
{
    static const char *const names[][2] = {
        {"ECP_256",     "DH19"},
        {"ECP_384",     "DH20"},
        {"ECP_521",     "DH21"},
        {"CURVE_25519", "DH31"}
    };
    for (size_t i = 0; i < 4; i++) {
        if (!strcmp(word, names[i][0]))
            return names[i][1];
    }
    if (!strncmp(word, "MODP_", 5))
        snprintf(buf, cap, "MODP%s", word + 5);
    else
        snprintf(buf, cap, "%s", word);
    return buf;
}

enum part { PART_CIPHER, PART_HASH, PART_METHOD, N_PARTS };

static void write_proposal(FILE *f, const char *words, size_t len)
{
    char text[2048], part[N_PARTS][1024] = {"", "", ""}, buf[64], *save = NULL;
    snprintf(text, sizeof(text), "%.*s", (int)len, words);
    char *at = strchr(text, ':');
    bool is_ike = !strncmp(text, "IKE:", 4), is_ah = !strncmp(text, "AH:", 3);
    for (char *w = strtok_r(at ? at + 1 : text, "/", &save); w; w = strtok_r(NULL, "/", &save)) {
        bool is_prf = !strncmp(w, "PRF_", 4),
             is_integ = !strncmp(w, "HMAC_", 5) || !strncmp(w, "AES_XCBC", 8) || !strncmp(w, "AES_CMAC", 8);
        bool is_method = !strncmp(w, "MODP", 4) || !strncmp(w, "ECP", 3) || !strncmp(w, "CURVE", 5) ||
                         !strncmp(w, "ML_", 3);
        if ((is_ike && is_integ) || text_holds(w, "EXT_SEQ"))
            continue;
        char *to = part[is_method ? PART_METHOD : is_prf || is_integ ? PART_HASH : PART_CIPHER];
        size_t used = strlen(to);
        snprintf(to + used, sizeof(part[0]) - used, "%s%s", used ? "+" : "",
                 is_method ? method_name(w, buf, sizeof(buf))
                 : is_prf  ? w + 4
                           : w);
    }
    fprintf(f, "%s%s%s%s%s", part[PART_CIPHER], is_ah ? "" : "-", *part[PART_HASH] ? part[PART_HASH] : "NONE",
            *part[PART_METHOD] ? "-" : "", part[PART_METHOD]);
}

static void write_proposals(FILE *f, const char *kind, const char *list)
{
    fprintf(f, "%s algorithms: ", kind);
    for (const char *p = list; *p;) {
        size_t len = strcspn(p, ",");
        fputs(p > list ? ", " : "", f);
        write_proposal(f, p, len);
        p += len;
        p += strspn(p, ", ");
    }
}

void block_ike_algorithms(FILE *f, const struct block *b)
{
    if (block_is_said(b->set, "proposals"))
        write_proposals(f, "IKE", block_set(b->set, "proposals"));
}

void block_ike_newest(FILE *f, const struct block *b)
{
    char buf[64];
    const char *prf = member(b->sa, "prf-alg"), *bits = member(b->sa, "encr-keysize");
    if (!b->sa)
        return;
    fprintf(f, "IKEv2 algorithm newest: %s%s%s-%s-%s", member(b->sa, "encr-alg"), *bits ? "_" : "", bits,
            !strncmp(prf, "PRF_", 4) ? prf + 4 : prf,
            method_name(member(b->sa, "dh-group"), buf, sizeof(buf)));
}

void block_child_algorithms(FILE *f, const struct block *b)
{
    json_t *ah = member_object(b->kid, "ah_proposals");
    if (block_is_said(b->kid, ah ? "ah_proposals" : "esp_proposals"))
        write_proposals(f, ah ? "AH" : "ESP", member(block_proposals(b), "value"));
}

void block_child_newest(FILE *f, const struct block *b)
{
    const char *bits = member(b->up, "encr-keysize"), *integ = member(b->up, "integ-alg");
    if (!b->up)
        return;
    fprintf(f, "%s algorithm newest: %s%s%s-%s; pfsgroup=%s", member(b->up, "protocol"),
            member(b->up, "encr-alg"), *bits ? "_" : "", bits, *integ ? integ : "NONE",
            block_has_method(member(block_proposals(b), "value")) ? "<Phase1>" : "<N/A>");
}
