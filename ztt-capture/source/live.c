#define _GNU_SOURCE
#include "ztt-capture/source/live.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"

#define BLOCK_BYTES (1U << 20)
#define FRAME_BYTES (1U << 16)
#define BUFFER_BYTES (16U << 20)
/* How long the kernel may keep a block that is not full. */
#define BLOCK_MS (ZTT_LIVE_LATE_MS / 2)
/* draft-ietf-opsawg-pcaplinktype, LINKTYPE_LINUX_SLL2. */
#define SLL2_BYTES 20
#define VIRTIO_GSO_UDP_L4 5

struct ztt_live {
	int fd;
	uint8_t *ring;
	size_t ring_bytes;
	unsigned blocks, block; /* the one that is read */
	struct tpacket3_hdr *next;
	unsigned left; /* frames of the block that were not given yet */
	bool vnet;
	uint64_t number, seen, dropped;
};

static int fail(struct ztt_err *err, const char *what)
{
	int code = -errno;

	return ztt_err_set(err, code, "cannot capture: %s: %s%s", what,
			   strerror(-code),
			   code == -EPERM || code == -EACCES
				   ? "; needs CAP_NET_RAW: run it as root, or "
				     "setcap cap_net_raw+ep ztt-capture"
				   : "");
}

/* Compiled for packets that begin with the IP header, which is where it has to
 * look on whatever interface (net/core/filter.c, SKF_NET_OFF). */
static void look_at_network(struct bpf_program *program)
{
	for (unsigned i = 0; i < program->bf_len; i++) {
		struct bpf_insn *one = &program->bf_insns[i];
		unsigned mode = BPF_MODE(one->code);

		if ((BPF_CLASS(one->code) == BPF_LD &&
		     (mode == BPF_ABS || mode == BPF_IND)) ||
		    (BPF_CLASS(one->code) == BPF_LDX && mode == BPF_MSH))
			one->k += (unsigned)SKF_NET_OFF;
	}
}

static int attach_filter(int fd, const char *text, uint32_t snap_bytes,
			 struct ztt_err *err)
{
	pcap_t *dead = pcap_open_dead(DLT_RAW, snap_bytes ? (int)snap_bytes
							  : (int)FRAME_BYTES);
	struct bpf_program program;
	struct sock_fprog attached;
	int rc = 0;

	if (!dead)
		return ztt_err_set(err, -ENOMEM, "cannot capture: no memory");
	if (pcap_compile(dead, &program, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		rc = ztt_err_set(err, -EINVAL, "the filter \"%s\": %s", text,
				 pcap_geterr(dead));
		goto out;
	}
	look_at_network(&program);
	attached.len = (unsigned short)program.bf_len;
	attached.filter = (struct sock_filter *)(void *)program.bf_insns;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &attached,
		       sizeof(attached)) < 0)
		rc = fail(err, "the filter");
	pcap_freecode(&program);
out:
	pcap_close(dead);
	return rc;
}

static int make_ring(struct ztt_live *live, size_t buffer_bytes,
		     struct ztt_err *err)
{
	size_t bytes = buffer_bytes ? buffer_bytes : BUFFER_BYTES;
	struct tpacket_req3 request = {
		.tp_block_size = BLOCK_BYTES,
		.tp_block_nr =
			(unsigned)((bytes + BLOCK_BYTES - 1) / BLOCK_BYTES),
		.tp_frame_size = FRAME_BYTES,
		.tp_retire_blk_tov = BLOCK_MS,
	};
	const int version = TPACKET_V3, reserve = SLL2_BYTES;

	request.tp_frame_nr = request.tp_block_nr * (BLOCK_BYTES / FRAME_BYTES);
	if (setsockopt(live->fd, SOL_PACKET, PACKET_VERSION, &version,
		       sizeof(version)) < 0 ||
	    setsockopt(live->fd, SOL_PACKET, PACKET_RESERVE, &reserve,
		       sizeof(reserve)) < 0)
		return fail(err, "the packet socket");
	if (setsockopt(live->fd, SOL_PACKET, PACKET_RX_RING, &request,
		       sizeof(request)) < 0)
		return fail(err, "its ring");
	live->ring_bytes = (size_t)request.tp_block_nr * BLOCK_BYTES;
	live->blocks = request.tp_block_nr;
	live->ring = mmap(NULL, live->ring_bytes, PROT_READ | PROT_WRITE,
			  MAP_SHARED, live->fd, 0);
	if (live->ring == MAP_FAILED) {
		live->ring = NULL;
		return fail(err, "its ring");
	}
	return 0;
}

static int bind_to(const struct ztt_live *live,
		   const struct ztt_live_plan *plan, struct ztt_err *err)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(ETH_P_ALL)};
	struct packet_mreq promiscuous = {.mr_type = PACKET_MR_PROMISC};

	if (strcmp(plan->interface, "any") != 0) {
		address.sll_ifindex = (int)if_nametoindex(plan->interface);
		if (address.sll_ifindex == 0)
			return ztt_err_set(err, -ENODEV,
					   "there is no interface %s; ip link "
					   "shows them",
					   plan->interface);
	}
	if (bind(live->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(err, plan->interface);
	promiscuous.mr_ifindex = address.sll_ifindex;
	if (plan->promiscuous && address.sll_ifindex &&
	    setsockopt(live->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP,
		       &promiscuous, sizeof(promiscuous)) < 0)
		return fail(err, "promiscuous mode");
	return 0;
}

/* Bound to no protocol until all is set: nothing is queued before. */
static int set_up(struct ztt_live *live, const struct ztt_live_plan *plan,
		  struct ztt_err *err)
{
	const int on = 1;
	int rc;

	live->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (live->fd < 0)
		return fail(err, "a packet socket");
	live->vnet = setsockopt(live->fd, SOL_PACKET, PACKET_VNET_HDR, &on,
				sizeof(on)) == 0;
	rc = attach_filter(live->fd, plan->filter ? plan->filter : "ip or ip6",
			   plan->snap_bytes, err);
	if (rc == 0)
		rc = make_ring(live, plan->buffer_bytes, err);
	return rc < 0 ? rc : bind_to(live, plan, err);
}

int ztt_live_open(const struct ztt_live_plan *plan, struct ztt_live **ret_live,
		  struct ztt_err *err)
{
	struct ztt_live *live = ztt_calloc(1, sizeof(*live));
	int rc = set_up(live, plan, err);

	if (rc < 0) {
		ztt_live_close(live);
		return rc;
	}
	*ret_live = live;
	return 0;
}

static struct tpacket_block_desc *block_of(const struct ztt_live *live)
{
	return (void *)(live->ring + (size_t)live->block * BLOCK_BYTES);
}

static void give_back(struct ztt_live *live)
{
	__atomic_store_n(&block_of(live)->hdr.bh1.block_status,
			 TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	live->block = (live->block + 1) % live->blocks;
}

static bool take_block(struct ztt_live *live)
{
	struct tpacket_block_desc *block = block_of(live);

	if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) &
	      TP_STATUS_USER))
		return false;
	live->left = block->hdr.bh1.num_pkts;
	live->next =
		(void *)((uint8_t *)block + block->hdr.bh1.offset_to_first_pkt);
	return true;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Into the room before the packet that PACKET_RESERVE made. */
static void write_cooked(uint8_t *at, const struct sockaddr_ll *from)
{
	memcpy(at, &from->sll_protocol, 2);
	put16(at + 2, 0);
	put16(at + 4, (unsigned)from->sll_ifindex >> 16);
	put16(at + 6, (unsigned)from->sll_ifindex & 0xffff);
	put16(at + 8, from->sll_hatype);
	at[10] = from->sll_pkttype;
	at[11] = from->sll_halen;
	memcpy(at + 12, from->sll_addr, 8);
}

/* False: what leaves over loopback comes back in, and is given then. */
static bool give_frame(struct ztt_live *live, struct ztt_frame *frame)
{
	struct tpacket3_hdr *header = live->next;
	const struct sockaddr_ll *from =
		(void *)((uint8_t *)header +
			 TPACKET_ALIGN((int)sizeof(struct tpacket3_hdr)));
	const uint32_t link_bytes = (uint32_t)(header->tp_net - header->tp_mac);
	uint8_t *packet = (uint8_t *)header + header->tp_net;
	struct virtio_net_hdr vnet = {.gso_type = 0};

	if (live->vnet)
		memcpy(&vnet, packet - link_bytes - sizeof(vnet), sizeof(vnet));
	write_cooked(packet - SLL2_BYTES, from);
	*frame = (struct ztt_frame){
		.at_ns = (int64_t)header->tp_sec * (int64_t)ZTT_NS_PER_S +
			 header->tp_nsec,
		.link = ZTT_LINK_LINUX_SLL2,
		.captured_bytes = header->tp_snaplen - link_bytes + SLL2_BYTES,
		.length_bytes = header->tp_len - link_bytes + SLL2_BYTES,
		.data = packet - SLL2_BYTES,
		.has_vnet = live->vnet,
		.segment_bytes = (vnet.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) ==
						 VIRTIO_GSO_UDP_L4
					 ? vnet.gso_size
					 : 0,
		.outgoing = from->sll_pkttype == PACKET_OUTGOING,
	};
	live->next = (void *)((uint8_t *)header + header->tp_next_offset);
	live->left--;
	if (from->sll_hatype == ARPHRD_LOOPBACK && frame->outgoing)
		return false;
	frame->number = ++live->number;
	return true;
}

static int wait_for(struct ztt_live *live, int timeout_ms, struct ztt_err *err)
{
	struct pollfd one = {.fd = live->fd, .events = POLLIN};
	int rc = poll(&one, 1, timeout_ms);

	if (rc < 0)
		return -errno;
	if (one.revents & POLLERR)
		return ztt_err_set(err, -ENETDOWN,
				   "the interface went down or away");
	return rc;
}

/* What was given last is given back with its block at the next call. */
int ztt_live_next(struct ztt_live *live, int timeout_ms,
		  struct ztt_frame *ret_frame, struct ztt_err *err)
{
	for (;;) {
		int rc;

		while (live->left > 0)
			if (give_frame(live, ret_frame))
				return 1;
		if (live->next) {
			live->next = NULL;
			give_back(live);
		}
		if (take_block(live))
			continue;
		rc = wait_for(live, timeout_ms, err);
		if (rc <= 0)
			return rc;
	}
}

void ztt_live_stop(struct ztt_live *live)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog program = {.len = 1, .filter = &none};

	setsockopt(live->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		   sizeof(program));
}

bool ztt_live_splits(const struct ztt_live *live)
{
	return live->vnet;
}

/* The kernel's counters begin anew at each reading. */
void ztt_live_counts(struct ztt_live *live, uint64_t *ret_seen,
		     uint64_t *ret_dropped)
{
	struct tpacket_stats_v3 stats;
	socklen_t len = sizeof(stats);

	if (getsockopt(live->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) ==
	    0) {
		live->seen += stats.tp_packets;
		live->dropped += stats.tp_drops;
	}
	*ret_seen = live->seen;
	*ret_dropped = live->dropped;
}

void ztt_live_close(struct ztt_live *live)
{
	if (!live)
		return;
	if (live->ring)
		munmap(live->ring, live->ring_bytes);
	if (live->fd >= 0)
		close(live->fd);
	free(live);
}
