/* Declares a topic in another plugin's name. */
#include "bad.h"

static const bp_topic topics[] = {{sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("good.news"), BP_STR("news")}};
DESCRIPTOR("foreign-topic", .topics = BP_ARRAY(topics))
