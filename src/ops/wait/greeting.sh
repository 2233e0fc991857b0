# The server speaks first: RFC 4253, 4.2.
greeting() {
  if command -v bash >/dev/null; then
    timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && IFS= read -r l <&3 && echo "$l"' "$h" "$p" 2>/dev/null
  elif command -v nc >/dev/null; then
    (sleep 1) | nc -w 5 "$h" "$p" 2>/dev/null
  elif command -v ssh-keyscan >/dev/null; then
    ssh-keyscan -T 5 -p "$p" -- "$h" 2>&1 | grep -o 'SSH-.*'
  else
    echo 'the host has no bash, nc or ssh-keyscan to connect with' >&2
  fi
}
case $(greeting) in *SSH-*) ;; *) exit 1 ;; esac
