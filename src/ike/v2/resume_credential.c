/* SPDX-License-Identifier: Apache-2.0 */
/* What a ticket remembers of how the peer proved itself (RFC 5723 sections 4.3.2, 9.8): a changed preshared
 * key ends what was proved with the one before. Certificates are not looked at again.
 *
 * After several rounds of authentication (RFC 4739) both ends are known by their last identities, and which
 * secrets the rounds before were proved with is not: there any change of any secret that is configured ends
 * the session. */
#include "crypto/alg.h"
#include "ike/v2/resume.h"

static bool is_proved_by_secret(const struct connection *conn)
{
    for (size_t i = 0; i < connection_rounds(conn, false); i++) {
        if (connection_round(conn, false, i)->method == AUTH_PSK)
            return true;
    }
    return false;
}

static bool add(struct ike_env *env, const struct shared_secret *s, uint8_t mac[PRF_MAX_LEN])
{
    uint8_t before[TICKET_CREDENTIAL];
    memcpy(before, mac, sizeof(before));
    const struct span parts[] = {span_str("keyway ticket credential"), span_of(before, sizeof(before)),
                                 secret_view(&s->secret)};
    return prf_compute(PRF_HMAC_SHA2_256, env->secret, parts, ARRAY_LEN(parts), mac);
}

bool resume_credential(struct ike_env *env, const struct config *config, const struct connection *conn,
                       const struct identity *local, const struct identity *remote,
                       uint8_t out[TICKET_CREDENTIAL])
{
    uint8_t mac[PRF_MAX_LEN] = {0};
    bool ok = true;
    memset(out, 0, TICKET_CREDENTIAL);
    if (!is_proved_by_secret(conn))
        return true;
    if (connection_has_rounds(conn)) {
        for (size_t i = 0; ok && i < config->n_secrets; i++)
            ok = add(env, &config->secrets[i], mac);
    } else {
        const struct shared_secret *s = config_secret_for(config, local, remote);
        ok = s && add(env, s, mac);
    }
    memcpy(out, mac, TICKET_CREDENTIAL);
    secret_wipe(mac, sizeof(mac));
    return ok;
}
