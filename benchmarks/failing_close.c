/* close() that closes and then says EIO, as Linux does when what was written before can't be: loaded before the C
   library by benchmarks/failing_close.py, which names a folder, a number and a log in the environment. The close with
   that number of a descriptor below the folder fails, in each process; all of them are logged. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *folder, *log_path;
static unsigned long number, seen;

__attribute__((constructor)) static void configure(void)
{
    const char *wanted = getenv("FAILING_CLOSE_NUMBER");
    number = wanted ? strtoul(wanted, NULL, 10) : 0;
    folder = getenv("FAILING_CLOSE_FOLDER");
    log_path = getenv("FAILING_CLOSE_LOG");
}

int close(int descriptor)
{
    char name[64], line[4200] = "";
    ssize_t length = 0;
    if (folder && log_path) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
        length = readlink(name, line + 2, sizeof line - 4);
    }
    int result = (int)syscall(SYS_close, descriptor);
    if (length <= 0 || strncmp(line + 2, folder, strlen(folder)))
        return result;
    int fails = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST) == number;
    memcpy(line, fails ? "! " : "- ", 2);
    line[2 + length] = '\n';
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log >= 0) {
        ssize_t written = write(log, line, 3 + length);
        (void)written;
        syscall(SYS_close, log);
    }
    if (!fails)
        return result;
    errno = EIO;
    return -1;
}
