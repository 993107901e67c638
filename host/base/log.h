/* The host's log: human or JSON lines on stderr (or the file given), module name on every line.
 *
 * Control bytes are escaped, lines cut at 2 KiB, anything that looks like a credential masked. Any thread. */
#ifndef HOST_BASE_LOG_H
#define HOST_BASE_LOG_H

#include <backplane/base.h>
#include <backplane/log.h>
#include <stdbool.h>

enum log_format { LOG_HUMAN, LOG_JSON };

/* Before the first line; the defaults are human lines of INFO on stderr. */
void log_configure(enum log_format format, uint32_t level, int fd);
/* Lines go to this descriptor as well; -1 for none. */
void log_also(int fd);
bool log_enabled(uint32_t level);
/* `module`: "http", "store", or a plugin's id. */
void log_line(uint32_t level, const char *module, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* With structured fields (array of bp_log_field). */
void log_fields(uint32_t level, bp_str module, bp_str message, bp_array fields);

#define log_error(module, ...) log_line(BP_LOG_ERROR, (module), __VA_ARGS__)
#define log_warn(module, ...) log_line(BP_LOG_WARN, (module), __VA_ARGS__)
#define log_info(module, ...) log_line(BP_LOG_INFO, (module), __VA_ARGS__)
#define log_debug(module, ...) log_line(BP_LOG_DEBUG, (module), __VA_ARGS__)

#endif
