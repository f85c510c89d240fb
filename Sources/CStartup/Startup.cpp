// Error messages of a process that ends by a C++ exception which nothing can catch, because a library throws it while being loaded or on
// a thread of its own; and of one whose current folder is gone, or that is asked to stop while libraries are being loaded. And how long
// OpenMP's threads wait awake, which GNU's OpenMP reads while being loaded.
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

#include "include/CStartup.h"

static void write_all(const char *text) {
  size_t count = strlen(text);
  while (count > 0) {
    const ssize_t written = write(STDERR_FILENO, text, count);
    if (written <= 0) return;
    text += written;
    count -= static_cast<size_t>(written);
  }
}

[[noreturn]] static void end() {
  // Nothing here may allocate. 71 and 70 are statuses of sysexits: the system refused, or a program is wrong.
  try {
    if (std::current_exception()) throw;
    write_all("espalier: ended by a library\n");
  } catch (const std::bad_alloc &) {
    write_all("espalier: out of memory\n");
    _exit(71);
  } catch (const std::exception &error) {
    write_all("espalier: ");
    write_all(error.what());
    write_all("\n");
  } catch (...) {
    write_all("espalier: ended by an exception of a library\n");
  }
  _exit(70);
}

// MKL, a part of libtorch, ends the process while being loaded if the current folder has been removed, with a message about a file of its
// own.
static void check_current_folder() {
  char path[PATH_MAX];
  if (getcwd(path, sizeof path) || errno != ENOENT) return;
  write_all("espalier: cannot read the current folder: No such file or directory\n");
  // The status of missing input.
  _exit(66);
}

// Used until the command installs its own handlers; nothing has been done by then.
static void stop(int number) {
  write_all("espalier: interrupted\n");
  _exit(128 + number);
}

// Left to itself, an OpenMP thread that waits for others looks a few hundred thousand times before it sleeps: for milliseconds. On a core
// that anybody else uses too, those for whom it waits cannot run meanwhile, and a step takes ten times as long as on one thread. A
// thousand looks bridge the gaps between the parts of a step and are over before a time slice is.
static void wait_briefly() {
  if (!getenv("OMP_WAIT_POLICY") && !getenv("GOMP_SPINCOUNT")) setenv("GOMP_SPINCOUNT", "1000", 0);
}

static void begin(int, char **, char **) {
  std::set_terminate(end);
  signal(SIGINT, stop);
  signal(SIGTERM, stop);
  check_current_folder();
  wait_briefly();
}

#ifdef __ELF__
// Before the libraries' own constructors, since libtorch's allocate memory.
__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) = begin;
#else
__attribute__((constructor)) static void first() { begin(0, nullptr, nullptr); }
#endif
