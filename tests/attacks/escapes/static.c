/* A program without libraries: what holds a server must not lie in what it loads. Its status has a bit for each thing that
 * succeeded. Arguments: a file, a port of loopback, a process. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **words) {
    if (count != 4) return 64;
    int done = 0, process = atoi(words[3]);
    struct sockaddr_in place;
    memset(&place, 0, sizeof place);
    place.sin_family = AF_INET;
    place.sin_port = htons((unsigned short)atoi(words[2]));
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int sock = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    if (syscall(SYS_openat, AT_FDCWD, words[1], O_RDONLY) >= 0) done |= 1;
    if (sock >= 0 && syscall(SYS_connect, sock, &place, sizeof place) == 0) done |= 2;
    if (syscall(SYS_kill, process, SIGWINCH) == 0) done |= 4;
    if (syscall(SYS_ptrace, PTRACE_SEIZE, process, 0, 0) == 0) {
        done |= 8;
        syscall(SYS_ptrace, PTRACE_DETACH, process, 0, 0);
    }
    return done;
}
