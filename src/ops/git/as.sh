# A checkout belongs to somebody, and its configuration can run programs: git acts as its owner, never as root.
as() {
  if [ "$(id -u)" = 0 ] && [ "$1" != root ] && [ -n "$1" ]; then su -s /bin/sh "$1" -c "$2"; else sh -c "$2"; fi
}
export GIT_TERMINAL_PROMPT=0 LC_ALL=C
