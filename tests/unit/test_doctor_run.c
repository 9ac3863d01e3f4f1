#define _GNU_SOURCE
#include "tests/unit/doctor_root.h"

#include <pthread.h>
#include <time.h>

#include "common/err.h"
#include "ztt-doctor/run.h"
#include "ztt-doctor/select.h"

static void sees_ok(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	(void)doctor;
	ztt_finding_note(finding, ZTT_STATUS_OK, "seen");
}

static void sees_nothing(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	(void)doctor;
	(void)finding;
}

static pthread_barrier_t both;

/* Ends only when another runs at the same time. */
static void meets_another(struct ztt_doctor *doctor,
			  struct ztt_finding *finding)
{
	(void)doctor;
	pthread_barrier_wait(&both);
	ztt_finding_note(finding, ZTT_STATUS_OK, "met");
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void waits_for_ever(struct ztt_doctor *doctor,
			   struct ztt_finding *finding)
{
	(void)doctor;
	(void)finding;
	pthread_mutex_lock(&held);
	pthread_mutex_unlock(&held);
}

static const struct ztt_check ok = {.id = "a.ok", .run = sees_ok};
static const struct ztt_check nothing = {.id = "a.nothing",
					 .run = sees_nothing};
static const struct ztt_check live = {.id = "a.live",
				      .needs = ZTT_NEED_LIVE,
				      .run = sees_ok};
static const struct ztt_check network = {.id = "a.network",
					 .needs = ZTT_NEED_NETWORK,
					 .run = sees_ok};
static const struct ztt_check bundled = {.id = "a.bundled",
					 .needs = ZTT_IN_BUNDLE,
					 .run = sees_ok};
static const struct ztt_check one = {.id = "a.one",
				     .needs = ZTT_NEED_TIME,
				     .run = meets_another};
static const struct ztt_check other = {.id = "a.other",
				       .needs = ZTT_NEED_TIME,
				       .run = meets_another};
static const struct ztt_check stuck = {.id = "a.stuck",
				       .needs = ZTT_NEED_TIME,
				       .run = waits_for_ever};

static void what_is_not_concluded_is_unknown(void **state)
{
	const struct ztt_check *checks[] = {&ok, &nothing};
	struct ztt_answer answers[2];
	struct test_host host;
	bool left;

	(void)state;
	test_host_begin(&host);
	ztt_run_checks(&host.doctor, checks, 2, answers, NULL, &left);
	assert_false(left);
	assert_int_equal(answers[0].finding.status, ZTT_STATUS_OK);
	assert_ptr_equal(answers[0].check, &ok);
	assert_int_equal(answers[1].finding.status, ZTT_STATUS_UNKNOWN);
	test_host_end(&host);
}

static void unmet_needs_are_skipped_with_the_reason(void **state)
{
	const struct ztt_check *checks[] = {&live, &network, &ok, &bundled};
	struct ztt_root *bundle = ztt_root_new_bundle();
	struct ztt_answer answers[4];
	struct test_host host;
	bool left;

	(void)state;
	test_host_begin(&host);
	ztt_run_checks(&host.doctor, checks, 4, answers, NULL, &left);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(answers[i].finding.status, ZTT_STATUS_SKIP);
		assert_non_null(strstr(answers[i].finding.observed,
				       "needs the host itself"));
	}
	assert_int_equal(answers[2].finding.status, ZTT_STATUS_OK);
	host.doctor.root = bundle;
	ztt_run_checks(&host.doctor, checks, 4, answers, NULL, &left);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(answers[i].finding.observed,
				    "not in a bundle");
	assert_int_equal(answers[3].finding.status, ZTT_STATUS_OK);
	ztt_root_free(bundle);
	test_host_end(&host);
}

static void offline_contacts_nobody(void **state)
{
	const struct ztt_check *checks[] = {&live, &network};
	struct ztt_answer answers[2];
	struct ztt_root *root;
	struct test_host host;
	bool left;

	(void)state;
	test_host_begin(&host);
	assert_int_equal(ztt_root_open(NULL, &root, NULL), 0);
	host.doctor.root = root;
	host.doctor.plan.offline = true;
	ztt_run_checks(&host.doctor, checks, 2, answers, NULL, &left);
	assert_int_equal(answers[0].finding.status, ZTT_STATUS_OK);
	assert_int_equal(answers[1].finding.status, ZTT_STATUS_SKIP);
	assert_non_null(strstr(answers[1].finding.observed, "--offline"));
	ztt_root_free(root);
	test_host_end(&host);
}

static void what_waits_runs_side_by_side(void **state)
{
	const struct ztt_check *checks[] = {&one, &ok, &other};
	struct ztt_answer answers[3];
	struct test_host host;
	bool left;

	(void)state;
	test_host_begin(&host);
	pthread_barrier_init(&both, NULL, 2);
	ztt_run_checks(&host.doctor, checks, 3, answers, NULL, &left);
	assert_false(left);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(answers[i].finding.status, ZTT_STATUS_OK);
		assert_ptr_equal(answers[i].check, checks[i]);
	}
	pthread_barrier_destroy(&both);
	test_host_end(&host);
}

/* The thread is left behind, and what it uses with it: nothing is freed here
 * until it has ended. */
static void what_is_not_done_in_time_is_unknown(void **state)
{
	static struct ztt_answer answers[2];
	static struct test_host host;
	const struct ztt_check *checks[] = {&stuck, &ok};
	const struct timespec moment = {.tv_nsec = 50 * ZTT_NS_PER_MS};
	bool left;

	(void)state;
	test_host_begin(&host);
	host.doctor.deadline_ns = ztt_clock_ns() + 20 * ZTT_NS_PER_MS;
	pthread_mutex_lock(&held);
	ztt_run_checks(&host.doctor, checks, 2, answers, NULL, &left);
	assert_true(left);
	assert_int_equal(answers[0].finding.status, ZTT_STATUS_UNKNOWN);
	assert_non_null(strstr(answers[0].finding.observed, "not done"));
	assert_int_equal(answers[1].finding.status, ZTT_STATUS_OK);
	pthread_mutex_unlock(&held);
	nanosleep(&moment, NULL);
	test_host_end(&host);
}

static void the_worst_of_several_notes_stays(void **state)
{
	struct ztt_finding finding = {0};

	(void)state;
	ztt_finding_note(&finding, ZTT_STATUS_FAIL, "%d of 2", 1);
	ztt_finding_note(&finding, ZTT_STATUS_OK, "two\033[31m");
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_string_equal(finding.observed, "1 of 2; two?[31m");
	for (int i = 0; i < 400; i++)
		ztt_finding_note(&finding, ZTT_STATUS_OK, "again %d", i);
	assert_true(strlen(finding.observed) < sizeof(finding.observed));
}

static void steps_past_the_most_are_left_out(void **state)
{
	struct ztt_finding finding = {0};
	char path[600];

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	ztt_finding_mode(&finding, path, 0644, 0600);
	assert_int_equal(finding.action_count, 0);
	for (int i = 0; i < 2 * ZTT_FINDING_ACTIONS_MAX; i++)
		ztt_finding_mode(&finding, "/etc/secret", 0100644, 0600);
	assert_int_equal(finding.action_count, ZTT_FINDING_ACTIONS_MAX);
	assert_string_equal(finding.actions[0].old, "0644");
	assert_string_equal(finding.actions[0].value, "0600");
}

static void words_choose_checks_and_groups(void **state)
{
	char *words[] = {"udp.rmem_max", "kernel"};
	const struct ztt_check **checks;
	struct ztt_err err;
	size_t count, all;

	(void)state;
	assert_int_equal(ztt_select(NULL, 0, NULL, &checks, &all, &err), 0);
	free(checks);
	assert_int_equal(ztt_select(words, 2, "kernel.version", &checks, &count,
				    &err),
			 0);
	assert_true(count > 1 && count < all);
	for (size_t i = 0; i < count; i++)
		assert_true(strcmp(checks[i]->id, "udp.rmem_max") == 0 ||
			    strcmp(checks[i]->group, "kernel") == 0);
	assert_string_equal(checks[count - 1]->id, "udp.rmem_max");
	free(checks);
	words[0] = "upd";
	assert_int_equal(ztt_select(words, 1, NULL, &checks, &count, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "\"udp\""));
	assert_int_equal(ztt_select(NULL, 0, "udp,,nic", &checks, &count, &err),
			 -EINVAL);
	words[0] = "udp";
	assert_int_equal(ztt_select(words, 1, "udp", &checks, &count, &err),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_concluded_is_unknown),
		cmocka_unit_test(unmet_needs_are_skipped_with_the_reason),
		cmocka_unit_test(offline_contacts_nobody),
		cmocka_unit_test(what_waits_runs_side_by_side),
		cmocka_unit_test(what_is_not_done_in_time_is_unknown),
		cmocka_unit_test(the_worst_of_several_notes_stays),
		cmocka_unit_test(steps_past_the_most_are_left_out),
		cmocka_unit_test(words_choose_checks_and_groups),
	};

	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
