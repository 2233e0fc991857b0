# reload sshd
f=$(sshd -T 2>/dev/null | while read -r k v; do [ "$k" != pidfile ] || echo "$v"; done)
[ -n "$f" ] || f=/run/sshd.pid
[ -s "$f" ] || [ ! -s /run/sshd.pid ] || f=/run/sshd.pid
[ -s "$f" ] && read -r pid < "$f" && kill -0 "$pid" 2>/dev/null || exit 0
rm -f -- "$f"
kill -HUP "$pid" || exit 1
n=0
while [ ! -s "$f" ]; do
  n=$((n + 1))
  [ "$n" -le 50 ] || { echo 'sshd did not come back after its reload' >&2; exit 1; }
  sleep 0.2 2>/dev/null || sleep 1
done
