--- The part of the C library that the specs call: one set of declarations, so
-- that no two support modules declare the same thing in different words.
--
-- Integers stand for pid_t, socklen_t and the like: a spec of its own may
-- declare those names again.  Structs are prefixed for the same reason.
local ffi = require "ffi"

ffi.cdef [[
struct spec_pollfd { int fd; short events; short revents; };
struct spec_timespec { long tv_sec; long tv_nsec; };
struct spec_linger { int l_onoff; int l_linger; };
struct spec_sockaddr_in {
  uint16_t sin_family; uint8_t sin_port[2]; uint8_t sin_addr[4];
  uint8_t sin_zero[8];
};
struct spec_sockaddr_in6 {
  uint16_t sin6_family; uint8_t sin6_port[2]; uint32_t sin6_flowinfo;
  uint8_t sin6_addr[16]; uint32_t sin6_scope_id;
};
struct spec_sockaddr_un { uint16_t sun_family; char sun_path[108]; };

int poll(struct spec_pollfd *fds, unsigned long n, int timeout_ms);
int clock_gettime(int clock, struct spec_timespec *ts);

int socket(int domain, int type, int protocol);
int bind(int fd, const void *address, unsigned len);
int listen(int fd, int backlog);
int accept4(int fd, void *address, unsigned *len, int flags);
int connect(int fd, const void *address, unsigned len);
int getsockname(int fd, void *address, unsigned *len);
int getpeername(int fd, void *address, unsigned *len);
int getsockopt(int fd, int level, int name, void *value, unsigned *len);
int setsockopt(int fd, int level, int name, const void *value, unsigned len);
int shutdown(int fd, int how);
long send(int fd, const void *bytes, size_t n, int flags);
long recv(int fd, void *bytes, size_t n, int flags);
int close(int fd);

int fork(void);
int execvp(const char *file, const char *const argv[]);
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
int chdir(const char *path);
int setpgid(int pid, int pgid);
int setsid(void);
int prctl(int option, unsigned long a, unsigned long b, unsigned long c,
          unsigned long d);
int open(const char *path, int flags, ...);
int dup2(int from, int to);
int kill(int pid, int signal);
int waitpid(int pid, int *status, int options);
int sigprocmask(int how, const uint64_t set[16], uint64_t old[16]);
int signalfd(int fd, const uint64_t set[16], int flags);
long read(int fd, void *bytes, size_t n);
long syscall(long number, ...);
int getpid(void);
int getuid(void);
void _exit(int status);
char *strerror(int number);

char *mkdtemp(char *template);
int symlink(const char *target, const char *path);
int chmod(const char *path, unsigned mode);
int chown(const char *path, unsigned user, unsigned group);
int utimes(const char *path, const long times[4]);

void *mmap(void *at, size_t len, int prot, int flags, int fd, long offset);
int munmap(void *at, size_t len);
int mprotect(void *at, size_t len, int prot);
]]

local C = ffi.C
local _M = {}


--- The words for the last error of the C library.
-- @return string: for instance "Connection refused"
function _M.reason()
  return ffi.string(C.strerror(ffi.errno()))
end


--- Raises, unless a call of the C library succeeded.
-- @param result  what the call returned: negative means failure
-- @param what    string: what was being attempted
-- @return the result as a number
function _M.check(result, what)
  if result < 0 then
    error(what .. ": " .. _M.reason(), 2)
  end
  return tonumber(result)
end


return _M
