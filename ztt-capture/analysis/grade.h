/* How far a QUIC direction's loss can be trusted. */
#ifndef ZTT_CAPTURE_GRADE_H
#define ZTT_CAPTURE_GRADE_H

#include <stdbool.h>
#include <stdint.h>

struct ztt_direction;

/* `likely`: of lost_before, those that only a missing acknowledgement speaks
 * for; `numbers`: packet numbers of the application's space that were in use;
 * `decrypted`: some of them were opened. Sets loss_grade and loss_how. */
void ztt_quic_loss_grade(struct ztt_direction *direction, uint64_t likely,
			 uint64_t numbers, bool decrypted);

/* What a direction's figure is worth when the capture missed frames. */
void ztt_grade_capture_dropped(struct ztt_direction *direction,
			       uint64_t frames);

#endif
