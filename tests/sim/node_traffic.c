/* SPDX-License-Identifier: Apache-2.0 */
/* Packets between the hosts behind the gateways: made, sealed and opened by the real data plane. Complains
 * about what leaves in the clear, comes damaged or for somebody else, and numbers or IVs that come twice. */
#include "esp/ah.h"
#include "esp/state.h"
#include "net/packet.h"
#include "node_impl.h"
#include "sim.h"

static void give_dataplane_events(struct node *n)
{
    struct dataplane_event ev[16];
    size_t count;
    while (n->engine && (count = esp_events(n->esp, ev, ARRAY_LEN(ev))) > 0) {
        for (size_t i = 0; i < count; i++)
            node_step(n, &(struct input){.kind = INPUT_DATAPLANE, .dataplane = ev[i]});
    }
}

/* What make_packet() made, for the host behind this gateway. */
static void check_arrived(struct node *n, const struct esp_packet *p)
{
    struct packet ip;
    if (!packet_parse(span_of(p->data, p->len), &ip) || !ip_equal(ip.dst, n->inside) ||
        (n->peer.family && !ip_equal(ip.src, n->peer)))
        sim_fail(n->sim, "%s: a packet came for somebody else", n->name);
    else if (checksum_upper(&ip.src, &ip.dst, NH_UDP, span_of(p->data + ip.upper, p->len - ip.upper)) != 0)
        sim_fail(n->sim, "%s: a packet came with a wrong checksum", n->name);
}

void node_receive_esp(struct node *n, const struct endpoint *local, const struct endpoint *remote,
                      enum wire_kind kind, struct span bytes)
{
    uint8_t buf[ESP_HEADROOM + 2048 + ESP_TAILROOM];
    if (bytes.len > 2048)
        return;
    memcpy(buf + ESP_HEADROOM, bytes.ptr, bytes.len);
    struct esp_packet p = {
        .data = buf + ESP_HEADROOM, .len = (uint32_t)bytes.len, .local = *local, .remote = *remote};
    p.has_encap = kind == WIRE_ESP_UDP;
    p.is_ah = kind == WIRE_AH;
    esp_inbound(n->esp, &p, 1, n->sim->now.mono);
    if (p.verdict == ESP_FORWARD) {
        check_arrived(n, &p);
        n->traffic_received++;
    }
    give_dataplane_events(n);
}

/* A UDP packet of 64 bytes of payload, IPv4. */
static uint32_t make_packet(uint8_t *p, struct ip from, struct ip to, uint64_t number, uint8_t dscp)
{
    const uint32_t len = 20 + 8 + 64;
    memset(p, 0, len);
    p[0] = 0x45;
    p[1] = (uint8_t)(dscp << 2);
    p[3] = (uint8_t)len;
    p[8] = 64;
    p[9] = 17;
    memcpy(p + 12, from.b, 4);
    memcpy(p + 16, to.b, 4);
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
    p[10] = (uint8_t)(sum >> 8);
    p[11] = (uint8_t)sum;
    p[21] = p[23] = 7;
    p[25] = 8 + 64;
    memcpy(p + 28, &number, sizeof(number));
    uint16_t checksum = checksum_upper(&from, &to, NH_UDP, span_of(p + 20, len - 20));
    checksum = checksum ? checksum : UINT16_MAX;
    p[26] = (uint8_t)(checksum >> 8);
    p[27] = (uint8_t)checksum;
    return len;
}

/* SPI and sequence number, and SPI and explicit IV: neither comes twice, as the SPI stands for the key. */
static void check_esp_iv(struct node *n, const struct esp_packet *p)
{
    uint8_t mark[12];
    if (p->is_ah) {
        uint32_t at = ah_find(span_of(p->data, p->len));
        if (!at || !sim_remember(n->sim, span_of(p->data + at + 4, 8), 2))
            sim_fail(n->sim, "%s: SPI and sequence number repeat on the wire", n->name);
        return;
    }
    if (p->len < 16 || !sim_remember(n->sim, span_of(p->data, 8), 2))
        sim_fail(n->sim, "%s: SPI and sequence number repeat on the wire", n->name);
    memcpy(mark, p->data, 4);
    memcpy(mark + 4, p->data + 8, 8);
    if (!sim_remember(n->sim, span_of(mark, sizeof(mark)), 5))
        sim_fail(n->sim, "%s: SPI and IV repeat on the wire", n->name);
}

static void send_sealed(struct node *n, const struct esp_packet *p)
{
    check_esp_iv(n, p);
    n->traffic_sent++;
    n->last_spi =
        (uint32_t)p->data[0] << 24 | (uint32_t)p->data[1] << 16 | (uint32_t)p->data[2] << 8 | p->data[3];
    if (p->remote.stream) {
        tcp_send(n->sim, node_index(n), p->remote.stream, false, span_of(p->data, p->len));
        return;
    }
    enum wire_kind kind = p->is_ah ? WIRE_AH : p->has_encap ? WIRE_ESP_UDP : WIRE_ESP_RAW;
    net_send(&n->sim->net, n->sim->now.mono, kind, &p->local, &p->remote, span_of(p->data, p->len));
}

bool node_send_traffic(struct node *n, const struct node *to)
{
    if (n->is_dead)
        return false;
    uint8_t buf[ESP_HEADROOM + 2048 + ESP_TAILROOM];
    struct esp_packet p = {.data = buf + ESP_HEADROOM};
    uint8_t dscp = n->n_dscps ? n->dscps[n->traffic_sent % n->n_dscps] : 0;
    p.len = make_packet(p.data, n->inside, n->peer.family ? n->peer : to->inside, n->traffic_sent, dscp);
    p.room = 2048 - p.len;
    esp_outbound(n->esp, &p, 1, n->sim->now.mono);
    give_dataplane_events(n);
    if (p.verdict == ESP_BYPASS)
        sim_fail(n->sim, "%s: what the tunnel is for leaves in the clear", n->name);
    n->traffic_held += p.verdict == ESP_HELD;
    if (p.verdict != ESP_FORWARD)
        return false;
    if (!node_has_address(n, p.local.ip)) /* the kernel refuses it */
        return false;
    send_sealed(n, &p);
    return true;
}

uint64_t node_last_number(const struct node *n, uint32_t spi_out)
{
    const struct sa *sa = sad_find(&n->esp->sad, SA_OUT, spi_out, 0);
    return sa ? sa->seq : 0;
}

/* As the daemon does after it has applied records. */
void node_send_held(struct node *n)
{
    uint8_t buf[ESP_HEADROOM + 256 + ESP_TAILROOM];
    struct span held;
    while ((held = esp_next_held(n->esp, n->sim->now.mono)).len) {
        struct esp_packet p = {.data = buf + ESP_HEADROOM, .len = (uint32_t)held.len};
        memcpy(p.data, held.ptr, held.len);
        esp_outbound(n->esp, &p, 1, n->sim->now.mono);
        if (p.verdict != ESP_FORWARD) {
            sim_fail(n->sim, "%s: a packet that was held does not leave: %s", n->name, esp_drop_name(p.drop));
            return;
        }
        n->held_sent++;
        send_sealed(n, &p);
    }
}

void node_report_use(struct node *n)
{
    struct dataplane_event ev[NODE_SAS];
    size_t count = 0;
    for (size_t i = 0; !n->is_dead && i < n->n_sas; i++)
        count += esp_sa_counters(n->esp, n->sas[i].direction, n->sas[i].spi, &ev[count]);
    for (size_t i = 0; i < count; i++)
        node_step(n, &(struct input){.kind = INPUT_DATAPLANE, .dataplane = ev[i]});
}
