/* close() that closes and then says EIO, as Linux does when what was written before can't be: loaded before the C
   library by benchmarks/failing_close.py, which gives the start of a path, a number and a log in the environment. The
   close with that number of a descriptor whose path starts so fails, in each process; all of them are logged. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *start, *log_path;
static unsigned long number, seen;

__attribute__((constructor)) static void configure(void)
{
    const char *wanted = getenv("FAILING_CLOSE_NUMBER");
    number = wanted ? strtoul(wanted, NULL, 10) : 0;
    start = getenv("FAILING_CLOSE_START");
    log_path = getenv("FAILING_CLOSE_LOG");
}

int close(int descriptor)
{
    char name[64], path[4096], line[4200];
    ssize_t length = 0;
    if (start && log_path) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
        length = readlink(name, path, sizeof path - 1);
    }
    int result = (int)syscall(SYS_close, descriptor);
    if (length <= 0 || strncmp(path, start, strlen(start)))
        return result;
    path[length] = '\0';
    unsigned long own = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log >= 0) {
        int size = snprintf(line, sizeof line, "%s %lu %s\n", own == number ? "failed" : "closed", own, path);
        ssize_t written = write(log, line, (size_t)size);
        (void)written;
        syscall(SYS_close, log);
    }
    if (own != number)
        return result;
    errno = EIO;
    return -1;
}
