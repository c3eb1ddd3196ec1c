# SPDX-License-Identifier: Apache-2.0
"""Small programs whose memory changes otherwise than by an instruction at its address."""

from __future__ import annotations

OUTPUTS = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
static volatile unsigned sum;
__attribute__((noinline)) static void look(const void *p, int size) {
  for (int i = 0; i < size; i++) sum += ((const volatile unsigned char *)p)[i];
}
static void sets(void) {
  int ends[2]; fd_set read_, write_; struct timeval time = {0, 1000}; struct timespec left = {0, 9};
  pipe(ends);
  FD_ZERO(&read_); FD_ZERO(&write_); FD_SET(ends[0], &read_); FD_SET(ends[1], &write_);
  syscall(SYS_select, ends[1] + 1, &read_, &write_, 0, &time);
  look(&read_, sizeof read_); look(&write_, sizeof write_); look(&time, sizeof time);
  FD_SET(ends[0], &read_); pselect(ends[1] + 1, &read_, 0, 0, &left, 0); look(&read_, 16);
  struct pollfd one = {ends[0], POLLIN, 0}; left.tv_nsec = 1000;
  syscall(SYS_ppoll, &one, 1, &left, 0, 8); look(&one, sizeof one); look(&left, sizeof left);
}
static void messages(void) {
  int ends[2]; char data[16], control[64]; struct sockaddr_un name; struct iovec part = {data, 16};
  socketpair(AF_UNIX, SOCK_DGRAM, 0, ends); write(ends[0], "abc", 3); write(ends[0], "de", 2);
  struct msghdr message = {&name, sizeof name, &part, 1, control, 64, 77};
  recvmsg(ends[1], &message, 0); look(&message, sizeof message); look(data, 3);
  struct mmsghdr many[2] = {{{0, 0, &part, 1, 0, 0, 5}, 9}};
  recvmmsg(ends[1], many, 1, MSG_DONTWAIT, 0); look(many, sizeof many);
  socklen_t length = sizeof name; write(ends[0], "f", 1);
  recvfrom(ends[1], data, 16, 0, (void *)&name, &length); look(&length, 4);
}
static void limits(void) {
  struct rlimit limit;
  for (int i = 0; i < 16; i++) { syscall(SYS_getrlimit, i, &limit); look(&limit, sizeof limit); }
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct rights[2]; int *word;
  syscall(SYS_capget, &head, rights); look(rights, sizeof rights);
  prctl(PR_GET_TID_ADDRESS, &word); look(&word, sizeof word);
}
static void files(void) {
  int f = open("/etc/passwd", O_RDONLY), ends[2]; loff_t from = 1; off_t at = 2; long flags;
  pipe(ends); splice(f, &from, ends[1], 0, 5, 0); look(&from, 8);
  sendfile(ends[1], f, &at, 5); look(&at, 8);
  struct flock lock = {.l_type = F_WRLCK}; fcntl(f, F_GETLK, &lock); look(&lock, sizeof lock);
  ioctl(f, 0x80086601, &flags); look(&flags, 8);
  int s = socket(AF_INET, SOCK_DGRAM, 0); struct ifreq cards[8];
  struct ifconf all = {sizeof cards, {.ifcu_req = cards}};
  ioctl(s, SIOCGIFCONF, &all); look(&all, sizeof all); look(cards, all.ifc_len);
}
static void others(void) {
  char from[8] = "1234567", to[8] = ""; int word = 1, other = 1;
  struct iovec local = {from, 8}, remote = {to, 8};
  process_vm_writev(getpid(), &local, 1, &remote, 1, 0); look(to, 8);
  syscall(SYS_futex, &word, 5, 1, 1, &other, 0x01000001); look(&other, 4);
  unsigned char table[16]; mincore((void *)((long)&sum & -4096L), 4096, table); look(table, 1);
}
int main(void) { sets(); messages(); limits(); files(); others(); return 0; }
"""

TWO_ADDRESSES = """
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
  int fd = memfd_create("two", 0);
  ftruncate(fd, 8192);
  volatile long *a = mmap(0, 8192, 3, MAP_SHARED, fd, 0), *b = mmap(0, 8192, 3, MAP_SHARED, fd, 0);
  volatile long *half = mmap(0, 4096, 3, MAP_SHARED, fd, 4096);
  volatile long *anon = mmap(0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0), sum = 0;
  for (int i = 0; i < 50; i++) {
    a[3] = i; sum += b[3]; b[3] += 2; sum += a[3]; anon[3] = sum;
    *(volatile long *)((char *)a + 4092) = 0x1122334455667788 + i;
    sum += *(volatile long *)((char *)b + 4092) + *(volatile int *)half;
    __sync_fetch_and_add(&a[5], 3); sum += b[5];
    __sync_val_compare_and_swap(&b[5], a[5], i); sum += a[5];
    __atomic_exchange_n(&b[6], sum, 5); sum += a[6];
  }
  memcpy((char *)a + 4000, "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijk", 58);
  sum += memcmp((char *)a + 4000, (char *)b + 4000, 58);
  void *to = (void *)(b + 20), *from = (void *)(a + 3); long count = 5;
  __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  for (int i = 0; i < 5; i++) sum += a[20 + i];
  __asm__ volatile("push (%0); pop 8(%1)" : : "r"(a + 20), "r"(b + 30) : "memory");
  sum += a[31];
  char *moved = mremap((void *)half, 4096, 8192, MREMAP_MAYMOVE);
  ftruncate(fd, 12288); moved[1] = 9; sum += ((char *)a)[4097];
  munmap((void *)a, 8192); b[1] = 5; sum += b[1] + moved[5000];
  printf("%ld\\n", sum);
  return 0;
}
"""

SYSTEM_V = """
#include <string.h>
#include <sys/shm.h>
int main(void) {
  int id = shmget(IPC_PRIVATE, 4096, 0600 | IPC_CREAT);
  char *a = shmat(id, 0, 0), *b = shmat(id, 0, 0);
  strcpy(a, "segment");
  int same = strcmp(b, "segment") == 0;
  shmdt(a); b[0] = 'S'; same &= b[0] == 'S';
  shmctl(id, IPC_RMID, 0);
  return !same;
}
"""

TWO_PROCESSES = """
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  volatile long *p = mmap(0, 65536, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0), sum = 0;
  int status;
  p[8] = 77;
  if (fork() == 0) {
    for (int i = 0; i < 100000; i++) {
      __sync_fetch_and_add(&p[1], 1); p[2] = i; p[3 + i % 4] += 2;
    }
    p[0] = 2;
    _exit(p[8] != 77);
  }
  while (p[0] != 2) {
    sum += p[2] ^ p[3]; __sync_fetch_and_add(&p[1], 1);
    memcpy((void *)&p[100], (void *)p, 80); sum += memcmp((void *)&p[100], (void *)p, 80);
  }
  wait(&status);
  return status != 0;
}
"""

FILES = """
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile unsigned sum;
__attribute__((noinline)) static void look(const char *p) {
  for (int i = 0; i < 16; i++) sum += ((const volatile char *)p)[i];
}
int main(int count, char **words) {
  int f = open(words[1], O_RDWR | O_CREAT | O_TRUNC, 0600), status;
  (void)count;
  ftruncate(f, 8192);
  char *own = mmap(0, 8192, 3, MAP_PRIVATE, f, 0), *shared = mmap(0, 8192, 3, MAP_SHARED, f, 0);
  own[4096] = 'X';
  look(own); look(shared);
  pwrite(f, "by the program", 14, 0); look(own); look(shared);
  if (fork() == 0) { pwrite(f, "by the child__", 14, 0); pwrite(f, "1", 1, 4096); _exit(0); }
  wait(&status); look(own); look(shared); look(own + 4096); look(shared + 4096);
  ftruncate(f, 0); ftruncate(f, 8192); look(own); look(shared); look(own + 4096);
  return own[4096] != 0; /* the kernel takes private copies away as well */
}
"""

OLD_FILE = """
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
int main(int count, char **words) {
  int file = open(words[1], O_RDWR | O_CREAT | O_TRUNC, 0600), there[2], back[2];
  char message;
  if (pipe(there) || pipe(back)) return 2;
  pwrite(file, "old", 3, 0);
  /* Nobody has changed it for long. */
  struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
  futimens(file, times);
  volatile char *mapped = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  if (fork() == 0) {
    for (int i = 0; i < 2000; i++)
      if (read(there[0], &message, 1) != 1 || write(back[1], &message, 1) != 1) _exit(1);
    struct timespec while_the_parent_waits = {0, 20000000};
    nanosleep(&while_the_parent_waits, 0);
    pwrite(file, "new", 3, 0);
    write(back[1], "n", 1);
    _exit(0);
  }
  for (int i = 0; i < 2000; i++)
    if (write(there[1], "x", 1) != 1 || read(back[0], &message, 1) != 1) return 2;
  if (mapped[0] != 'o') return 3;
  if (read(back[0], &message, 1) != 1) return 2;
  return mapped[0] != 'n';
}"""

ROBUST = """
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
static pthread_mutex_t mutex;
static void *dies(void *p) { pthread_mutex_lock(&mutex); return p; }
int main(void) {
  pthread_mutexattr_t attributes;
  pthread_t thread;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex, &attributes);
  pthread_create(&thread, 0, dies, 0);
  pthread_join(thread, 0);
  return pthread_mutex_lock(&mutex) != EOWNERDEAD;
}
"""

LATER = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static volatile unsigned sum;
static void look(const char *p, int size) {
  for (int i = 0; i < size; i++) sum += ((const volatile char *)p)[i];
}
static void ring(int file) {
  struct io_uring_params p = {0};
  int fd = syscall(SYS_io_uring_setup, 8, &p), ends[2];
  if (fd < 0) return; /* the kernel may forbid it */
  size_t size = p.sq_off.array + p.sq_entries * 4;
  size_t other = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
  char *r = mmap(0, size > other ? size : other, 3, MAP_SHARED, fd, IORING_OFF_SQ_RING);
  struct io_uring_sqe *s = mmap(0, p.sq_entries * sizeof *s, 3, MAP_SHARED, fd, IORING_OFF_SQES);
  unsigned *tail = (unsigned *)(r + p.sq_off.tail), *array = (unsigned *)(r + p.sq_off.array);
  volatile unsigned *done = (unsigned *)(r + p.cq_off.tail);
  char *block = malloc(100), buffer[64] = "";
  memset(block, 3, 100);
  pipe(ends);
  for (int i = 0; i < 2; i++) {
    memset(&s[i], 0, sizeof *s);
    s[i].opcode = IORING_OP_READ; s[i].fd = i ? ends[0] : file; s[i].off = i ? -1 : 0;
    s[i].addr = (unsigned long)(i ? block : buffer); s[i].len = i ? 100 : 64; array[i] = i;
  }
  __atomic_store_n(tail, 2, __ATOMIC_RELEASE);
  syscall(SYS_io_uring_enter, fd, 2, 0, 0, 0, 0);
  look(buffer, 64);
  write(ends[1], "later!", 6);
  while (*done < 2) {}
  look(block, 100); look(buffer, 64); look(r + p.cq_off.cqes, 32);
}
int main(void) {
  int file = open("/etc/passwd", O_RDONLY);
  aio_context_t context = 0;
  static char data[32];
  struct iocb one = {.aio_fildes = file, .aio_buf = (long)data, .aio_nbytes = 32}, *all[] = {&one};
  struct io_event event;
  if (syscall(SYS_io_setup, 4, &context) == 0) {
    syscall(SYS_io_submit, context, 1, all); look(data, 32);
    syscall(SYS_io_getevents, context, 1, 1, &event, 0); look(data, 32);
  }
  ring(file);
  return 0;
}
"""

FILE_TWICE = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
  int file = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
  int self = open("/proc/self/mem", O_RDWR);
  ftruncate(file, 16384);
  char *early = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  char *shared = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  char *late = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0), buffer[8] = "old";
  strcpy(shared, "one"); printf("%s %s\\n", early, late);
  early[0] = 'P'; strcpy(shared, "two"); printf("%s %s\\n", early, late);
  pwrite(file, "three", 6, 8192); printf("%s %s\\n", early + 8192, late + 8192);
  pwrite(self, "new", 4, (long)buffer); puts(buffer);
  lseek(self, (long)buffer, SEEK_SET); write(self, "newer", 6); puts(buffer);
  return 0;
}
"""

SCANNED = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
enum { SIZE = 80 << 20, PAGES = 1024 };
int main(void) {
  int file = open("scanned", O_RDWR | O_CREAT | O_TRUNC, 0600);
  long sum = 0;
  ftruncate(file, SIZE);
  for (long i = 0; i < PAGES; i++) pwrite(file, &i, 8, i * 4096 + 8);
  volatile char *p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  for (long i = 0; i < PAGES; i++) sum += p[i * 4096];
  for (long i = 0; i < PAGES; i++) sum += p[i * 4096 + 8];
  printf("%ld\\n", sum);
  return 0;
}
"""

MANY_ADDRESSES = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
enum { COUNT = 1200, SIZE = 80 << 20 };
int main(void) {
  int file = open("many", O_RDWR | O_CREAT | O_TRUNC, 0600);
  volatile char *p[COUNT];
  ftruncate(file, SIZE);
  for (int i = 0; i < COUNT; i++) p[i] = mmap(0, SIZE, PROT_READ, MAP_SHARED, file, 0);
  printf("%d\\n", p[0][5]);
  unlink("many");
  return 0;
}
"""

REMAP_ZERO = """
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
int main(void) {
  char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return mremap(p, 0, 4096, MREMAP_MAYMOVE) != MAP_FAILED;
}
"""
