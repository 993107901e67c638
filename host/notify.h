/* Telling systemd how the service is doing: sd_notify's protocol, one datagram a message. Without NOTIFY_SOCKET all do nothing. */
#ifndef HOST_NOTIFY_H
#define HOST_NOTIFY_H

/* Reads the environment, and removes what children must not inherit. Starts the watchdog where one is asked for. */
void notify_init(void);
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
void notify_release(void);

#endif
