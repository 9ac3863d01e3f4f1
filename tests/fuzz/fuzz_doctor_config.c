/* config.yml, and what is made of its services. */
#include <stddef.h>
#include <stdint.h>

#include "ztt-doctor/engine/config.h"
#include "ztt-doctor/engine/origin_service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ztt_config config;
	struct ztt_origin_service service;
	char problem[128];

	ztt_config_parse((const char *)data, size, &config);
	for (size_t i = 0; i < config.rule_count; i++)
		if (config.rules[i].service)
			ztt_origin_service_parse(config.rules[i].service,
						 &service, problem);
	ztt_config_release(&config);
	return 0;
}
