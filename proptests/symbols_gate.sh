#!/usr/bin/env bash
# Refuses undefined symbols in the deterministic archives that would let the outside world in:
# clocks, random devices, environment, sockets, files, threads, locale, printing.
#
#   symbols_gate.sh check NM ARCHIVE...     prints each offender; exit 1 if there is any
#   symbols_gate.sh self-test NM AR CXX     plants offenders and harmless code, and checks the check
set -u

# C functions and variables, whole names; printing ones stand apart, check.cpp may print.
forbidden_names='clock|clock_[a-z]+|gettimeofday|time|timespec_get|ftime|localtime(_r)?|gmtime(_r)?
|getenv|secure_getenv|setenv|environ|__environ
|socket|connect|accept4?|bind|listen|send|sendto|sendmsg|recv|recvfrom|recvmsg|getaddrinfo
|poll|select|epoll_[a-z0-9]+
|open(64)?|openat(64)?|fopen(64)?|freopen(64)?|fdopen|read|write|close|fread|pread(64)?|pwrite(64)?
|opendir|stat(64)?|unlink|mmap(64)?|ioctl|system|fork|execv[pe]*|exit|_exit|quick_exit|signal
|pthread_.*|__pthread_.*|thrd_.*|mtx_.*|sleep|usleep|nanosleep
|rand|rand_r|srand|random|srandom|[demjln]rand48|getrandom|getentropy|arc4random.*
|setlocale|localeconv|newlocale|uselocale|__ctype_[a-z_]+|toupper|tolower|strcoll|strtod|strtof|strtold
|scanf|sscanf'
forbidden_names=$(printf '%s' "$forbidden_names" | tr -d '\n')
printing_names='(f|v|vf)?printf|__(f|v|vf)?printf_chk|puts|fputs|fputc|putc|putchar|fwrite|fflush|perror'
printing_names="$printing_names|stdout|stderr|stdin"
# C++ names, from their beginning (demangled).
forbidden_cpp='std::(__cxx11::)?(random_device|thread|jthread|this_thread|locale|ios_base|basic_ios'
forbidden_cpp="$forbidden_cpp|basic_[io]?fstream|basic_[io]?stringstream|basic_filebuf|cout|cerr|cin|clog"
forbidden_cpp="$forbidden_cpp|condition_variable|mutex|filesystem|chrono::_V2|__once_callable)"

advice_for() {
  case $1 in
    *clock* | *time* | *chrono*) echo "take Now or Instant as argument" ;;
    *rand* | *entropy*) echo "draw from the Prng that is passed in" ;;
    *env*) echo "take an option" ;;
    *thread* | mtx_* | thrd_* | *mutex* | *condition* | *sleep* | *once*)
      echo "the core has one thread; its owner serialises access" ;;
    *locale* | *ctype* | to*er | strto* | strcoll | *ios* | *stream* | *filebuf* | std::c*)
      echo "format and parse bytes without locale or streams" ;;
    *print* | *put* | fwrite | fflush | perror | std[oei]*) echo "return text; only check.cpp prints" ;;
    *) echo "the core does no input or output: let the driver below net do it" ;;
  esac
}

# Prints "member: symbol" of each forbidden undefined symbol of the archive.
offenders() {
  local nm=$1 archive=$2
  "$nm" -u -C -A "$archive" 2>/dev/null |
    sed -nE 's/^.*:([^: ]+\.o): +[UwvV] (.*)$/\1\t\2/p' |
    sed -E 's/@.*$//' |
    awk -F '\t' -v names="^($forbidden_names)$" -v cpp="^$forbidden_cpp" \
      -v printing="^($printing_names)$" '
        $2 ~ names || $2 ~ cpp || ($2 ~ printing && $1 != "check.cpp.o") { print $1 ": " $2 }'
}

check() {
  local nm=$1 archive line found=0
  shift
  for archive in "$@"; do
    if ! "$nm" "$archive" >/dev/null 2>&1; then
      echo "$archive: cannot be read by $nm: build it first"
      found=1
      continue
    fi
    while IFS= read -r line; do
      echo "${archive##*/}: $line: forbidden in the core: $(advice_for "${line#*: }")"
      found=1
    done < <(offenders "$nm" "$archive")
  done
  return "$found"
}

# plant NAME EXPECTED CODE: builds an archive of CODE; EXPECTED is the symbol that must be named, or
# "nothing".
plant() {
  local name=$1 expected=$2 code=$3 output status
  mkdir -p "$scratch/$name"
  printf '%s\n' "$code" >"$scratch/$name.cpp"
  "$cxx" -std=c++20 -O1 -c "$scratch/$name.cpp" -o "$scratch/$name/${4:-planted.cpp.o}" || exit 1
  "$ar" crs "$scratch/lib$name.a" "$scratch/$name/${4:-planted.cpp.o}" || exit 1
  output=$(check "$nm" "$scratch/lib$name.a")
  status=$?
  if [ "$expected" = nothing ] && [ $status -eq 0 ] && [ -z "$output" ]; then return; fi
  if [ "$expected" != nothing ] && [ $status -eq 1 ] &&
    printf '%s' "$output" | grep -qF "${4:-planted.cpp.o}: $expected"; then return; fi
  echo "self-test '$name': expected $expected, got status $status: $output"
  failed=1
}

self_test() {
  nm=$1 ar=$2 cxx=$3 failed=0
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  plant environment getenv '#include <cstdlib>
    const char* f() { return std::getenv("A"); }'
  plant clock 'std::chrono::_V2::steady_clock::now()' '#include <chrono>
    long f() { return std::chrono::steady_clock::now().time_since_epoch().count(); }'
  plant time time '#include <ctime>
    long f() { return std::time(nullptr); }'
  plant file fopen '#include <cstdio>
    bool f(const char* p) { return std::fopen(p, "r") != nullptr; }'
  plant socket socket '#include <sys/socket.h>
    int f() { return socket(1, 2, 3); }'
  plant thread pthread_create '#include <pthread.h>
    int f(pthread_t* t, void* (*g)(void*)) { return pthread_create(t, nullptr, g, nullptr); }'
  plant device 'std::random_device' '#include <random>
    unsigned f() { std::random_device d; return d(); }'
  plant stream 'std::' '#include <iostream>
    void f() { std::cout << 1; }'
  plant print stderr '#include <cstdio>
    void f(int n) { std::fprintf(stderr, "%d", n); }'
  plant print_in_check nothing '#include <cstdio>
    void f(int n) { std::fprintf(stderr, "%d", n); }' check.cpp.o
  plant harmless nothing '#include <map>
    #include <string>
    namespace own { int time(int); int open(const std::string&); }
    int f(std::map<int, std::string>& m) { return own::time(1) + own::open(m[2] += "x"); }'
  if "$0" check "$nm" "$scratch/absent.a" >/dev/null; then
    echo "self-test 'absent': a missing archive passed"
    failed=1
  fi
  return "$failed"
}

case ${1:-} in
  check | self-test)
    verb=${1/-/_}
    shift
    "$verb" "$@"
    exit $?
    ;;
  *)
    echo "usage: $0 check NM ARCHIVE... | self-test NM AR CXX" >&2
    exit 2
    ;;
esac
