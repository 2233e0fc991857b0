"""The deploy of the benchmark for pyinfra: 50 operations, the same ones as in deploy.rhai."""

from pyinfra.operations import apt, crontab, files, server, systemd

server.group(group="app")
server.group(group="ops")
server.user(user="app", group="app", home="/srv/app", shell="/bin/sh", create_home=False)
server.user(user="deploy", groups=["ops"], shell="/bin/bash", append=True)

for path in ("/srv/app", "/srv/app/releases", "/srv/app/releases/1.0", "/srv/app/shared", "/srv/app/shared/log"):
    files.directory(path=path, user="app", group="app", mode="755")
for path in ("/etc/app", "/etc/app/conf.d", "/var/lib/app", "/var/cache/app", "/opt/app"):
    files.directory(path=path, user="root", group="root", mode="755")

for part in range(1, 11):
    files.put(
        src=f"files/{part:02}.conf",
        dest=f"/etc/app/conf.d/{part:02}.conf",
        user="root",
        group="app",
        mode="640",
    )

for name in ("app", "listen", "limits", "log", "cache", "peers"):
    files.template(
        src=f"files/{name}.conf.j2",
        dest=f"/etc/app/{name}.conf",
        user="root",
        group="app",
        mode="640",
        listen_address="127.0.0.1",
        listen_port=8080,
        workers=4,
    )

files.line(path="/etc/environment", line="APP_ENV=production")
files.line(path="/etc/environment", line="APP_HOME=/srv/app")
files.line(path="/etc/profile", line="umask 027")
files.line(path="/etc/bash.bashrc", line="alias app='sudo -u app'")
files.line(path="/etc/security/limits.conf", line="app soft nofile 65536")
files.line(path="/etc/security/limits.conf", line="app hard nofile 65536")

files.link(path="/srv/app/current", target="/srv/app/releases/1.0")
files.link(path="/usr/local/bin/app", target="/srv/app/current/app")
files.link(path="/etc/app/current.conf", target="/etc/app/app.conf")
files.link(path="/var/log/app", target="/srv/app/shared/log")

apt.packages(packages=["curl", "git"])
apt.packages(packages=["procps"])
apt.packages(packages=["ca-certificates"])

systemd.service(service="cron", running=True, enabled=True)
systemd.service(service="ssh", running=True, enabled=True)

crontab.crontab(
    command="find /var/cache/app -mtime +7 -delete", cron_name="app cleanup", user="root", hour=3, minute=15
)
crontab.crontab(command="/usr/local/bin/app report", cron_name="app report", user="root", hour=6, minute=0)

files.put(src="files/sysctl.conf", dest="/etc/sysctl.d/60-app.conf", user="root", group="root", mode="644")
files.put(src="files/sudoers", dest="/etc/sudoers.d/ops", user="root", group="root", mode="440")
files.file(path="/etc/app/old.conf", present=False)
