# Each way prints the body, a line break and the status. Redirects are not followed: their status counts.
by_curl() { curl -s -m 10 -o - -w '\n%{http_code}' -- "$u"; }
by_wget() {
  t=$(wget -S -T 10 -O - -- "$u" 2>&1)
  # Without -S support, busybox names the status of errors only.
  case $t in *HTTP/*) c=${t#*HTTP/} ;; *) return 1 ;; esac
  c=${c#* }; printf '%s\n%s' "$t" "${c%%[!0-9]*}"
}
by_nc() {
  r=${u#http://} ; r=${r%%#*}; a=${r%%/*}; path=${r#"$a"}; h=${a%:*}; p=80
  [ "$h" = "$a" ] || p=${a##*:}
  t=$(printf 'GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n' "${path:-/}" "$a" | nc -w 10 "$h" "$p" 2>/dev/null)
  case $t in HTTP/*) c=${t#* } ;; *) return 1 ;; esac
  cr=$(printf '\r'); printf '%s\n%s' "${t#*"$cr
$cr
"}" "${c%%[!0-9]*}"
}
has() { command -v "$1" >/dev/null 2>&1; }
answer() {
  has curl || has wget || has nc || { echo 'the host has neither curl, wget nor nc' >&2; return 1; }
  if has curl; then by_curl; return; fi
  if has wget && by_wget; then return; fi
  case $u in http://*) has nc && by_nc ;; *) return 1 ;; esac
}
a=$(answer) || exit 1
[ "${a##*
}" = "$s" ] || { echo "it answered with ${a##*
}" >&2; exit 1; }
case ${a%
*} in *"$b"*) ;; *) echo 'the body differs' >&2; exit 1 ;; esac
