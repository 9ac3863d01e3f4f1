/* Answers of a DNS server. The first byte chooses what was asked; the id is the
 * answer's own, so that more of them are read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/probes/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ztt_dns_question question;
	struct ztt_dns_answer answer;
	struct ztt_err err;
	int rc;

	if (size < 3)
		return 0;
	if (ztt_dns_question_init(&question, "a.example",
				  (enum ztt_dns_type)(data[0] % 4), &err) < 0)
		abort();
	data++;
	size--;
	question.id = (uint16_t)(data[0] << 8 | data[1]);
	ztt_dns_question_is_answered(&question, data, size);
	ztt_dns_is_truncated(data, size);
	rc = ztt_dns_answer_read(&question, data, size, &answer, &err);
	if (rc == 0 &&
	    (answer.count == 0 || answer.count > ZTT_DNS_RECORDS_MAX))
		abort();
	for (size_t i = 0; rc == 0 && i < answer.count; i++)
		if (strlen(answer.records[i].text) >=
		    sizeof(answer.records[i].text))
			abort();
	return 0;
}
