#include "ztt-capture/source/split.h"

#include "capture_file.h"

#define HEAD4 (20 + 20 + 8)
#define HEAD6 (20 + 40 + 8)
#define PAYLOAD 3500

static struct ztt_split split;
static uint8_t bytes[HEAD6 + 65536];

static uint32_t sum_of(const uint8_t *data, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static struct ztt_frame frame_of(unsigned family, uint16_t segment)
{
	uint8_t *ip = bytes + 20;
	uint32_t head = family == 4 ? HEAD4 : HEAD6;

	memset(bytes, 0, sizeof(bytes));
	bytes[0] = family == 4 ? 0x08 : 0x86;
	bytes[1] = family == 4 ? 0x00 : 0xdd;
	ip[0] = (uint8_t)(family << 4 | (family == 4 ? 5 : 0));
	ip[family == 4 ? 1 : 0] |= family == 4 ? 0x02 : 0; /* ECT(0) */
	if (family == 4) {
		ip[4] = 0xff;
		ip[5] = 0xfe;
	}
	ip[family == 4 ? 9 : 6] = 17;
	for (size_t i = family == 4 ? 12 : 8; i < (family == 4 ? 20 : 40); i++)
		ip[i] = (uint8_t)i;
	for (size_t i = 0; i < PAYLOAD; i++)
		bytes[head + i] = (uint8_t)(i * 7 >> 3);
	return (struct ztt_frame){.number = 5,
				  .at_ns = 77,
				  .link = ZTT_LINK_LINUX_SLL2,
				  .captured_bytes = head + PAYLOAD,
				  .length_bytes = head + PAYLOAD,
				  .data = bytes,
				  .segment_bytes = segment,
				  .has_vnet = true};
}

static void check_udp(const uint8_t *ip, size_t head, size_t len,
		      unsigned family)
{
	const uint8_t *udp = ip + head;
	uint32_t sum = 17 + (uint32_t)(8 + len);

	assert_int_equal(get16(udp + 4), 8 + len);
	sum = family == 4 ? sum_of(ip + 12, 8, sum) : sum_of(ip + 8, 32, sum);
	assert_int_equal(sum_of(udp, 8 + len, sum), 0xffff);
}

static void check_one(const struct ztt_frame *one, unsigned family,
		      unsigned index, size_t offset, size_t len)
{
	const uint8_t *ip = one->data + 20;
	size_t head = family == 4 ? 20 : 40;

	assert_int_equal(one->captured_bytes, 20 + head + 8 + len);
	assert_int_equal(one->length_bytes, one->captured_bytes);
	assert_int_equal(one->at_ns, 77);
	assert_int_equal(one->segment_bytes, 0);
	assert_true(one->has_vnet);
	assert_memory_equal(one->data, bytes, 20);
	assert_memory_equal(ip + head + 8, bytes + 20 + head + 8 + offset, len);
	if (family == 4) {
		assert_int_equal(get16(ip + 2), 28 + len);
		assert_int_equal(get16(ip + 4), (0xfffe + index) & 0xffff);
		assert_int_equal(sum_of(ip, 20, 0), 0xffff);
		assert_int_equal(ip[1], 0x02);
	} else {
		assert_int_equal(get16(ip + 4), 8 + len);
	}
	check_udp(ip, head, len, family);
}

static void check_all(unsigned family)
{
	struct ztt_frame frame = frame_of(family, 1000), one;

	assert_int_equal(ztt_split_begin(&split, &frame), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(ztt_split_next(&split, &one), 1);
		check_one(&one, family, i, i * 1000, i < 3 ? 1000 : 500);
	}
	assert_int_equal(ztt_split_next(&split, &one), 0);
	assert_int_equal(ztt_split_next(&split, &one), 0);
}

static void test_ipv4(void **state)
{
	(void)state;
	check_all(4);
}

static void test_ipv6(void **state)
{
	(void)state;
	check_all(6);
}

static void test_whole_segments_leave_no_empty_one(void **state)
{
	struct ztt_frame frame = frame_of(4, 500), one;
	unsigned count = 0;

	(void)state;
	assert_int_equal(ztt_split_begin(&split, &frame), 7);
	while (ztt_split_next(&split, &one))
		count++;
	assert_int_equal(count, 7);
	frame = frame_of(4, PAYLOAD);
	assert_int_equal(ztt_split_begin(&split, &frame), 1);
	frame = frame_of(4, PAYLOAD - 1);
	assert_int_equal(ztt_split_begin(&split, &frame), 2);
	frame = frame_of(4, 1);
	assert_int_equal(ztt_split_begin(&split, &frame), PAYLOAD);
}

static void test_what_is_none_is_left_as_it_is(void **state)
{
	struct ztt_frame frame = frame_of(4, 0), one;

	(void)state;
	assert_int_equal(ztt_split_begin(&split, &frame), 1);
	assert_int_equal(ztt_split_next(&split, &one), 0);
	frame = frame_of(4, 1000);
	frame.captured_bytes -= 1; /* cut */
	assert_int_equal(ztt_split_begin(&split, &frame), 1);
	frame = frame_of(4, 1000);
	frame.link = ZTT_LINK_ETHERNET;
	assert_int_equal(ztt_split_begin(&split, &frame), 1);
	frame = frame_of(4, 1000);
	bytes[20 + 9] = 6;
	assert_int_equal(ztt_split_begin(&split, &frame), 1);
	frame = frame_of(6, 1000);
	bytes[20 + 6] = 43; /* a routing header */
	assert_int_equal(ztt_split_begin(&split, &frame), 1);
	frame = frame_of(4, 1000);
	bytes[20] = 0x54;
	assert_int_equal(ztt_split_begin(&split, &frame), 1);
}

static void test_short_frames_of_any_length(void **state)
{
	uint8_t *copy;

	(void)state;
	for (uint32_t len = 0; len < 80; len++) {
		struct ztt_frame frame = frame_of(4, 8), one;

		bytes[20] = 0x4f;             /* as long a header as there is */
		copy = malloc(len ? len : 1); /* its end is seen by ASan */
		memcpy(copy, bytes, len);
		frame.data = copy;
		frame.captured_bytes = frame.length_bytes = len;
		ztt_split_begin(&split, &frame);
		while (ztt_split_next(&split, &one))
			assert_true(one.captured_bytes <= len);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_whole_segments_leave_no_empty_one),
		cmocka_unit_test(test_what_is_none_is_left_as_it_is),
		cmocka_unit_test(test_short_frames_of_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
