umask 077
fail() { echo "$1" >&2; exit 1; }
# edit FILE NAME FIELD2 REST [drop]: '' keeps what is there, or takes x
edit() {
  t=$1.rhapsode-$$
  trap 'rm -f -- "$t"' EXIT
  cp -p -- "$1" "$t" || exit 1
  seen=
  while IFS= read -r l || [ -n "$l" ]; do
    case $l in
      "$2":*)
        seen=1 r=${l#*:}
        [ "$5" = drop ] || printf '%s:%s:%s\n' "$2" "${3:-${r%%:*}}" "${4:-${r#*:}}" ;;
      *) printf '%s\n' "$l" ;;
    esac
  done < "$1" > "$t" || exit 1
  [ -n "$seen" ] || [ "$5" = drop ] || printf '%s:%s:%s\n' "$2" "${3:-x}" "$4" >> "$t" || exit 1
  sync "$t" 2>/dev/null
  mv -f -- "$t" "$1" || exit 1
}
drop() { [ ! -e "$1" ] || edit "$1" "$2" '' '' drop; }
# entry FILE NAME: sets n p i and the rest r
entry() {
  while IFS=: read -r n p i r; do [ "$n" != "$2" ] || return 0; done < "$1"
  return 1
}
user() {
  while IFS=: read -r n p u g c h s; do [ "$n" != "$1" ] || return 0; done < /etc/passwd
  fail "no user $1 in /etc/passwd"
}
taken() { while IFS=: read -r n p i r; do [ "$i" != "$2" ] || return 0; done < "$1"; return 1; }
# free FROM: the first number that neither a user nor a group has
free() {
  ids=' '
  while IFS=: read -r n p i r; do ids="$ids$i "; done < /etc/passwd
  while IFS=: read -r n p i r; do ids="$ids$i "; done < /etc/group
  id=$1
  while :; do case $ids in *" $id "*) id=$((id + 1)) ;; *) return ;; esac; done
}
gid_of() {
  if entry /etc/group "$1"; then gid=$i; return; fi
  case $1 in *[!0-9]*) fail "no group $1 in /etc/group" ;; *) gid=$1 ;; esac
}
add_group() {
  id=$2
  [ -n "$id" ] || free "$3"
  ! taken /etc/group "$id" || fail "group number $id belongs to $n"
  edit /etc/group "$1" x "$id:"
}
set_gid() {
  ! taken /etc/group "$2" || fail "group number $2 belongs to $n"
  entry /etc/group "$1" && edit /etc/group "$1" '' "$2:$r"
}
# member add|remove GROUP USER
member() {
  entry /etc/group "$2" || fail "no group $2 in /etc/group"
  members=
  set -f
  old=$IFS IFS=,
  for m in $r; do [ "$m" = "$3" ] || members="${members:+$members,}$m"; done
  IFS=$old
  [ "$1" = remove ] || members="${members:+$members,}$3"
  edit /etc/group "$2" '' "$i:$members"
}
# add_user NAME UID SHARED GROUP COMMENT HOME SHELL FROM
add_user() {
  uid=$2
  if [ -z "$uid" ]; then free "$8"; uid=$id; fi
  [ -n "$3" ] || ! taken /etc/passwd "$uid" || fail "user number $uid belongs to $n"
  if [ -n "$4" ]; then gid_of "$4"
  else
    gid=$uid
    if taken /etc/group "$gid"; then free "$8"; gid=$id; fi
    edit /etc/group "$1" x "$gid:"
  fi
  edit /etc/passwd "$1" x "$uid:$gid:$5:$6:$7"
  [ ! -e /etc/shadow ] || edit /etc/shadow "$1" '!' "$(($(date +%s) / 86400)):0:99999:7:::"
}
make_home() {
  user "$1"
  [ ! -d "$h" ] || return 0
  mkdir -p -m 0755 -- "${h%/*}/" && mkdir -m 0700 -- "$h" || exit 1
  [ ! -d /etc/skel ] || cp -R -P /etc/skel/. "$h/" || exit 1
  chown -R "$u:$g" "$h"
}
set_uid() {
  [ -n "$3" ] || ! taken /etc/passwd "$2" || fail "user number $2 belongs to $n"
  user "$1"
  edit /etc/passwd "$1" '' "$2:$g:$c:$h:$s"
  [ ! -d "$h" ] || find "$h" -xdev -user "$u" -exec chown -h "$2" {} +
}
set_group() { gid_of "$2"; user "$1"; edit /etc/passwd "$1" '' "$u:$gid:$c:$h:$s"; }
set_field() {
  user "$1"
  case $2 in comment) c=$3 ;; home) h=$3 ;; shell) s=$3 ;; esac
  edit /etc/passwd "$1" '' "$u:$g:$c:$h:$s"
}
set_password() {
  if [ -e /etc/shadow ]; then
    entry /etc/shadow "$1" || i="$(($(date +%s) / 86400))" r=0:99999:7:::
    edit /etc/shadow "$1" "$2" "$i:$r"
  else edit /etc/passwd "$1" "$2" ''; fi
}
lock_password() {
  f=/etc/shadow; [ -e "$f" ] || f=/etc/passwd
  entry "$f" "$1" || fail "no entry for $1 in $f"
  case $2 in lock) edit "$f" "$1" "!$p" '' ;; *) edit "$f" "$1" "${p#!}" '' ;; esac
}
# remove_user NAME HOME
remove_user() {
  user "$1"
  home=$h gid=$g
  drop /etc/passwd "$1"
  drop /etc/shadow "$1"
  groups=$(while IFS=: read -r n p i r; do case ",$r," in *",$1,"*) echo "$n" ;; esac; done < /etc/group)
  for name in $groups; do member remove "$name" "$1"; done
  ! entry /etc/group "$1" || [ "$i" != "$gid" ] || [ -n "$r" ] || taken_gid "$gid" || drop /etc/group "$1"
  [ -z "$2" ] || [ "$home" = / ] || [ ! -d "$home" ] || rm -rf -- "$home"
}
taken_gid() { while IFS=: read -r n p u g c; do [ "$g" != "$1" ] || return 0; done < /etc/passwd; return 1; }
