#include "cpu.h"

static uint64_t minus(uint64_t end, uint64_t begin)
{
	return end > begin ? end - begin : 0;
}

static const struct ztt_cpu_thread *find(const struct ztt_cpu *cpu, pid_t tid)
{
	for (size_t i = 0; i < cpu->thread_count; i++)
		if (cpu->threads[i].tid == tid)
			return &cpu->threads[i];
	return NULL;
}

static void window_thread(const struct ztt_cpu *begin,
			  struct ztt_cpu_thread *thread)
{
	const struct ztt_cpu_thread *old = find(begin, thread->tid);

	/* Less than before: another thread under a number used again. */
	if (old == NULL || old->cpu_ns > thread->cpu_ns)
		return;
	thread->cpu_ns -= old->cpu_ns;
	thread->wait_ns = minus(thread->wait_ns, old->wait_ns);
}

void ztt_cpu_window(const struct ztt_cpu *begin, const struct ztt_cpu *end,
		    struct ztt_cpu *ret_window)
{
	struct ztt_cpu window = *end;

	window.at_ns = minus(end->at_ns, begin->at_ns);
	window.cpu_ns = minus(end->cpu_ns, begin->cpu_ns);
	/* A split that was corrected since may go backwards. */
	window.user_ns = minus(end->user_ns, begin->user_ns);
	if (window.user_ns > window.cpu_ns)
		window.user_ns = window.cpu_ns;
	window.system_ns = window.cpu_ns - window.user_ns;
	window.voluntary_switches =
		minus(end->voluntary_switches, begin->voluntary_switches);
	window.involuntary_switches =
		minus(end->involuntary_switches, begin->involuntary_switches);
	window.udp_drops = minus(end->udp_drops, begin->udp_drops);
	for (size_t i = 0; i < window.thread_count; i++)
		window_thread(begin, &window.threads[i]);
	*ret_window = window;
}

const struct ztt_cpu_thread *ztt_cpu_busiest(const struct ztt_cpu *window)
{
	const struct ztt_cpu_thread *best = NULL;

	for (size_t i = 0; i < window->thread_count; i++)
		if (best == NULL || window->threads[i].cpu_ns > best->cpu_ns)
			best = &window->threads[i];
	return best;
}
