#!/bin/sh
# Takes back on a host of the benchmark what a deploy made, whichever tool made it.
userdel -f -r deploy 2>/dev/null
userdel -f app 2>/dev/null
groupdel app 2>/dev/null
groupdel ops 2>/dev/null
rm -rf /srv/app /etc/app /var/lib/app /var/cache/app /opt/app /var/log/app /usr/local/bin/app
rm -f /etc/sysctl.d/60-app.conf /etc/sudoers.d/ops /var/spool/cron/crontabs/root
rm -rf /root/.ansible /srv/upload
[ -d /bench-pristine ] || {
    mkdir /bench-pristine
    cp -p /etc/environment /etc/profile /etc/bash.bashrc /etc/security/limits.conf /bench-pristine/
}
for name in environment profile bash.bashrc; do cp -p "/bench-pristine/$name" "/etc/$name"; done
cp -p /bench-pristine/limits.conf /etc/security/limits.conf
