# The answer is `status` on the first line, then the body. Redirects are not followed: their status counts.
fetch() {
  if command -v curl >/dev/null; then
    curl -s -m 10 -o - -w '\n%{http_code}' -- "$u" || return 1
  elif command -v wget >/dev/null; then
    # busybox prints `HTTP/1.1 404 Not Found` on stderr, GNU indents it; the body of an error is lost.
    t=$(wget -S -T 10 -O - -- "$u" 2>&1); echo "$t"
    case $t in *'server returned error: HTTP/'*) c=${t##*server returned error: HTTP/} ;; *HTTP/*) c=${t#*HTTP/} ;; *) return 1 ;; esac
    c=${c#* }; echo; printf %s "${c%%[!0-9]*}"
  else
    echo 'the host has neither curl nor wget' >&2; return 1
  fi
}
a=$(fetch) || exit 1
[ "${a##*
}" = "$s" ] || { echo "it answered with ${a##*
}" >&2; exit 1; }
case ${a%
*} in *"$b"*) ;; *) echo 'the body differs' >&2; exit 1 ;; esac
