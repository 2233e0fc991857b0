#!/bin/sh
# The script floor: the deploy of deploy.rhai as a person would write it who wants nothing but speed, with the same
# checks before each change. `floor.py` puts the contents in front, as functions `content_NAME`. Prints `changed N`.
set -eu
changes=0
changed() { changes=$((changes + 1)); }

group() { grep -q "^$1:" /etc/group || { groupadd "$1" && changed; }; }

# user NAME HOME SHELL WORDS-OF-USERADD..
user() {
    name=$1 home=$2 shell=$3
    shift 3
    entry=$(grep "^$name:" /etc/passwd) || {
        useradd "$@" --home-dir "$home" --shell "$shell" "$name"
        changed
        return 0
    }
    case $entry in
    *:"$home":"$shell") ;;
    *) usermod --home "$home" --shell "$shell" "$name" && changed ;;
    esac
}

member() { case " $(id -nG "$1") " in *" $2 "*) ;; *) usermod -aG "$2" "$1" && changed ;; esac; }

# attributes PATH OWNER:GROUP MODE
attributes() {
    [ "$(stat -c '%U:%G %a' "$1")" = "$2 $3" ] || { chown "$2" "$1" && chmod "$3" "$1" && changed; }
}

dir() {
    if [ -d "$1" ]; then attributes "$@"; else mkdir -p "$1" && chown "$2" "$1" && chmod "$3" "$1" && changed; fi
}

# file PATH OWNER:GROUP MODE NAME SHA256
file() {
    if [ -f "$1" ] && echo "$5  $1" | sha256sum -c --status; then
        attributes "$1" "$2" "$3"
    else
        new=$(mktemp "$1.XXXXXX")
        "content_$4" >"$new" && chown "$2" "$new" && chmod "$3" "$new" && mv "$new" "$1" && changed
    fi
}

line() { grep -qxF -- "$2" "$1" || { printf '%s\n' "$2" >>"$1" && changed; }; }
link() { [ "$(readlink "$1")" = "$2" ] || { ln -sfn "$2" "$1" && changed; }; }

package() {
    for name; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name")" = installed ] || {
            apt-get install -y "$name" && changed
        }
    done
}

service() {
    systemctl is-enabled --quiet "$1" || { systemctl enable "$1" && changed; }
    systemctl is-active --quiet "$1" || { systemctl start "$1" && changed; }
}

# job NAME LINE
job() {
    table=$(crontab -l 2>/dev/null || true)
    case $table in
    *"# $1
$2"*) ;;
    *) printf '%s\n# %s\n%s\n' "$table" "$1" "$2" | crontab - && changed ;;
    esac
}

absent() { [ ! -e "$1" ] || { rm "$1" && changed; }; }

group app
group ops
user app /srv/app /bin/sh --no-create-home --gid app
user deploy /home/deploy /bin/bash --create-home
member deploy ops
for path in /srv/app /srv/app/releases /srv/app/releases/1.0 /srv/app/shared /srv/app/shared/log; do
    dir "$path" app:app 755
done
for path in /etc/app /etc/app/conf.d /var/lib/app /var/cache/app /opt/app; do dir "$path" root:root 755; done
files
line /etc/environment APP_ENV=production
line /etc/environment APP_HOME=/srv/app
line /etc/profile 'umask 027'
line /etc/bash.bashrc "alias app='sudo -u app'"
line /etc/security/limits.conf 'app soft nofile 65536'
line /etc/security/limits.conf 'app hard nofile 65536'
link /srv/app/current /srv/app/releases/1.0
link /usr/local/bin/app /srv/app/current/app
link /etc/app/current.conf /etc/app/app.conf
link /var/log/app /srv/app/shared/log
package curl git
package procps
package ca-certificates
service cron
service ssh
job 'app cleanup' '15 3 * * * find /var/cache/app -mtime +7 -delete'
job 'app report' '0 6 * * * /usr/local/bin/app report'
absent /etc/app/old.conf
echo "changed $changes"
