#include "ztt-bench/account/account.h"

#include <math.h>
#include <string.h>

#include "common/clock.h"

#define THREAD_FULL 0.90
#define WAITING_FULL 0.95
#define CORES_FULL 0.93

const char *const ztt_part_names[ZTT_PARTS] = {
	[ZTT_PART_ENGINE] = "engine",
	[ZTT_PART_EDGE] = "edge",
	[ZTT_PART_LOAD] = "load",
	[ZTT_PART_ORIGIN] = "origin",
};

static double seconds(uint64_t ns)
{
	return (double)ns / (double)ZTT_NS_PER_S;
}

static double per(double amount, double whole)
{
	return whole > 0 ? amount / whole : (double)NAN;
}

static double share(uint64_t ns, uint64_t whole_ns)
{
	return whole_ns ? (double)ns / (double)whole_ns : 0;
}

static void find_busiest(const struct ztt_cpu *window,
			 struct ztt_account_thread *busiest)
{
	uint64_t most_ns = 0;

	for (size_t i = 0; i < window->thread_count; i++) {
		const struct ztt_cpu_thread *thread = &window->threads[i];

		if (thread->cpu_ns + thread->wait_ns < most_ns)
			continue;
		most_ns = thread->cpu_ns + thread->wait_ns;
		memcpy(busiest->name, thread->name, sizeof(busiest->name));
		busiest->cpu = share(thread->cpu_ns, window->at_ns);
		busiest->wait = share(thread->wait_ns, window->at_ns);
	}
}

static void account_part(const struct ztt_cpu *window, uint64_t bytes,
			 uint64_t requests, struct ztt_account_part *part)
{
	part->present = true;
	part->cpu_s = seconds(window->cpu_ns);
	part->user_s = seconds(window->user_ns);
	part->system_s = seconds(window->system_ns);
	part->cpu_s_per_gb = per(part->cpu_s, (double)bytes / 1e9);
	part->cpu_us_per_request = per(part->cpu_s * 1e6, (double)requests);
	part->cores = share(window->cpu_ns, window->at_ns);
	part->voluntary_switches = window->voluntary_switches;
	part->involuntary_switches = window->involuntary_switches;
	part->rss_peak_bytes = window->rss_peak_bytes;
	part->udp_drops = window->udp_drops;
	part->threads = window->thread_count;
	find_busiest(window, &part->busiest);
}

static double all_cpu_s(const struct ztt_account *account)
{
	double sum = 0;

	for (int i = 0; i < ZTT_PARTS; i++)
		sum += account->parts[i].cpu_s;
	return sum;
}

static void account_host(const struct ztt_cpu_host *window,
			 struct ztt_account *account)
{
	uint64_t busy_ns = window->user_ns + window->system_ns +
			   window->irq_ns + window->softirq_ns +
			   window->steal_ns;
	uint64_t all_ns = busy_ns + window->idle_ns;

	account->cores = window->cores_online;
	account->busy = share(busy_ns, all_ns);
	account->steal = share(window->steal_ns, all_ns);
	account->other = share(window->user_ns + window->system_ns, all_ns) -
			 share((uint64_t)(all_cpu_s(account) * 1e9), all_ns);
	account->other = account->other > 0 ? account->other : 0;
}

void ztt_account_make(const struct ztt_account_sample *begin,
		      const struct ztt_account_sample *end,
		      const struct ztt_cpu *last, uint64_t bytes,
		      uint64_t requests, struct ztt_account *ret_account)
{
	struct ztt_account account = {0};
	struct ztt_cpu_host host;
	struct ztt_cpu window;

	for (int i = 0; i < ZTT_PARTS; i++) {
		if (!begin->present[i] || !end->present[i])
			continue;
		ztt_cpu_window(&begin->parts[i], &end->parts[i], &window);
		account_part(&window, bytes, requests, &account.parts[i]);
		account.udp_drops += account.parts[i].udp_drops;
	}
	if (last && account.parts[ZTT_PART_LOAD].present) {
		struct ztt_account_part *load = &account.parts[ZTT_PART_LOAD];

		ztt_cpu_window(&begin->parts[ZTT_PART_LOAD], last, &window);
		load->threads = window.thread_count;
		load->voluntary_switches = window.voluntary_switches;
		load->involuntary_switches = window.involuntary_switches;
		find_busiest(&window, &load->busiest);
	}
	ztt_cpu_host_window(&begin->host, &end->host, &host);
	account.window_s = seconds(host.at_ns);
	account_host(&host, &account);
	*ret_account = account;
}

/* The part for which `of` is largest. */
static enum ztt_part top(const struct ztt_account *account,
			 double (*of)(const struct ztt_account_part *))
{
	enum ztt_part best = ZTT_PART_ENGINE;

	for (int i = 0; i < ZTT_PARTS; i++)
		if (account->parts[i].present &&
		    (!account->parts[best].present ||
		     of(&account->parts[i]) > of(&account->parts[best])))
			best = (enum ztt_part)i;
	return best;
}

static double by_running(const struct ztt_account_part *part)
{
	return part->busiest.cpu;
}

static double by_waiting(const struct ztt_account_part *part)
{
	return part->busiest.cpu + part->busiest.wait;
}

static double by_cpu(const struct ztt_account_part *part)
{
	return part->cpu_s;
}

static void blame(struct ztt_bottleneck *found, enum ztt_bottleneck_kind kind,
		  enum ztt_part part, double amount)
{
	found->kind = kind;
	found->part = part;
	found->share = amount;
}

void ztt_account_bottleneck(const struct ztt_account *account,
			    struct ztt_bottleneck *ret_bottleneck)
{
	enum ztt_part running = top(account, by_running);
	enum ztt_part waiting = top(account, by_waiting);
	enum ztt_part spending = top(account, by_cpu);
	double ran = by_running(&account->parts[running]);
	double wanted = by_waiting(&account->parts[waiting]);
	double all_s = all_cpu_s(account);
	struct ztt_bottleneck found = {
		.all_cores_busy = account->busy >= CORES_FULL,
	};

	if (ran >= THREAD_FULL)
		blame(&found, ZTT_BOTTLENECK_THREAD, running, ran);
	else if (found.all_cores_busy && all_s > 0)
		blame(&found, ZTT_BOTTLENECK_CORES, spending,
		      account->parts[spending].cpu_s / all_s);
	else if (wanted >= WAITING_FULL)
		blame(&found, ZTT_BOTTLENECK_WAITING, waiting, wanted);
	*ret_bottleneck = found;
}

bool ztt_account_load_limits(const struct ztt_account *account)
{
	const struct ztt_account_part *load = &account->parts[ZTT_PART_LOAD];

	return load->present && by_running(load) >= THREAD_FULL &&
	       by_waiting(load) >= WAITING_FULL &&
	       by_running(&account->parts[ZTT_PART_ENGINE]) <=
		       by_running(load) &&
	       by_running(&account->parts[ZTT_PART_EDGE]) <= by_running(load);
}
