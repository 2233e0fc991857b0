//! Packages on Debian, against a small repository of our own, and on busybox through a stub of apk.

use crate::support::aptrepo::{self, Deb};
use crate::support::docker::Container;
use crate::support::shell::{PlainShell, converge, plan};
use rhapsode::ops::{OpError, Plan, apply};
use serde_json::{Value, json};

fn texts(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(|change| change.text.clone()).collect()
}

fn refusal(shell: &mut PlainShell, op: &str, want: Value) -> String {
    let error = plan(shell, op, want).expect_err("refused");
    assert!(matches!(error, OpError::Refused { .. }), "{error:?}");
    format!("{error}; {}", error.hint().unwrap_or_default())
}

#[test]
fn packages_of_a_local_repository_move_as_asked() {
    let container = Container::debian();
    let app = |version: &str| Deb::new("rh-app", version).field("Depends: rh-lib").file("/etc/rh-app.conf", version);
    let debs = [
        app("1.0"),
        app("2.0"),
        Deb::new("rh-lib", "1.0"),
        Deb::new("rh-mta", "1.0").field("Provides: rh-virtual"),
        Deb::new("rh-user", "1.0").field("Depends: rh-app"),
    ];
    aptrepo::only(&container, &debs);
    let mut shell = container.shell();
    let shell = &mut shell;

    let error = refusal(shell, "pkg::installed", json!({"names": "rh-app"}));
    assert!(error.contains("Unable to locate package rh-app; `update: true`"), "{error}");

    let first = converge(shell, "pkg::installed", json!({"names": "rh-app=1.0", "update": true, "cache_time": 3600}));
    assert_eq!(first, ["install rh-app=1.0"]);
    assert_eq!(shell.changed.len(), 1, "update and installation are one exchange: {:?}", shell.changed);

    let error = refusal(shell, "pkg::installed", json!({"names": ["rh-app", "rh-nosuch"]}));
    assert!(error.contains("Unable to locate package rh-nosuch"), "{error}");

    assert_eq!(converge(shell, "pkg::latest", json!({"names": "rh-app"})), ["rh-app 1.0 -> 2.0"]);
    assert_eq!(converge(shell, "pkg::latest", json!({"names": ["rh-app", "rh-lib"]})), [""; 0]);
    let error = refusal(shell, "pkg::installed", json!({"names": "rh-app=1.0"}));
    assert!(error.contains("`allow_downgrade: true`"), "{error}");
    let down = json!({"names": "rh-app=1.*", "allow_downgrade": true});
    assert_eq!(converge(shell, "pkg::installed", down), ["rh-app 2.0 -> 1.0"]);

    assert_eq!(converge(shell, "pkg::hold", json!({"names": "rh-app"})), ["hold rh-app"]);
    assert_eq!(converge(shell, "pkg::latest", json!({"names": "rh-app"})), [""; 0], "a hold wins");
    assert_eq!(converge(shell, "pkg::upgrade", json!({})), [""; 0], "a hold wins");
    let error = refusal(shell, "pkg::installed", json!({"names": "rh-app=2.0"}));
    assert!(error.contains("pkg::hold(names, #{ present: false })"), "{error}");
    assert_eq!(converge(shell, "pkg::hold", json!({"names": "rh-app", "present": false})), ["release rh-app"]);
    assert_eq!(converge(shell, "pkg::upgrade", json!({"only": ["rh-app"]})), ["rh-app 1.0 -> 2.0"]);

    assert_eq!(converge(shell, "pkg::installed", json!({"names": "rh-virtual"})), ["install rh-mta 1.0"]);
    assert_eq!(converge(shell, "pkg::removed", json!({"names": "rh-virtual"})), [""; 0], "only a provider is there");

    converge(shell, "pkg::installed", json!({"names": "rh-user"}));
    let removed = converge(shell, "pkg::removed", json!({"names": "rh-app"}));
    assert_eq!(removed, ["remove rh-app (with rh-user)"]);
    assert!(container.try_exec("test -f /etc/rh-app.conf").status.success());
    assert_eq!(converge(shell, "pkg::removed", json!({"names": "rh-app", "purge": true})), ["purge rh-app"]);
    assert!(!container.try_exec("test -f /etc/rh-app.conf").status.success());
}

#[test]
fn an_edited_configuration_file_survives_an_upgrade_without_a_question() {
    let container = Container::debian();
    let app = |version: &str| Deb::new("rh-app", version).file("/etc/rh-app.conf", version);
    aptrepo::only(&container, &[app("1.0")]);
    let mut shell = container.shell();
    converge(&mut shell, "pkg::installed", json!({"names": "rh-app", "update": true}));
    container.write("/etc/rh-app.conf", "mine\n");
    aptrepo::publish(&container, &[app("2.0")]);
    let texts = converge(&mut shell, "pkg::latest", json!({"names": "rh-app", "update": true}));
    assert!(texts[0].contains("then the newest rh-app"), "{texts:?}");
    assert_eq!(container.says("cat /etc/rh-app.conf; dpkg-query -W -f '${Version}' rh-app"), "mine\n2.0");
}

#[test]
fn package_lists_count_as_changed_only_when_the_repository_offers_others() {
    let container = Container::debian();
    aptrepo::only(&container, &[Deb::new("rh-app", "1.0")]);
    let mut shell = container.shell();
    assert_eq!(converge(&mut shell, "pkg::update", json!({})), ["package lists of copy:/srv/apt/."]);
    aptrepo::publish(&container, &[Deb::new("rh-app", "2.0")]);
    assert_eq!(converge(&mut shell, "pkg::update", json!({"cache_time": 3600})), [""; 0], "recent enough");
    assert_eq!(converge(&mut shell, "pkg::update", json!({})).len(), 1);
    converge(&mut shell, "pkg::installed", json!({"names": "rh-app=2.0"}));

    container.exec("rm /srv/apt/Packages /srv/apt/Release");
    let broken = plan(&mut shell, "pkg::update", json!({})).expect("a repository that vanished is stale");
    let error = apply(&broken, &mut shell).expect_err("it cannot be read");
    assert!(matches!(&error, OpError::Command { code: 100, stderr, .. } if stderr.contains("E: ")), "{error:?}");
}

#[test]
fn a_lock_of_dpkg_delays_and_does_not_fail() {
    let container = Container::debian();
    let slow = Deb::new("rh-slow", "1.0").script("preinst", "touch /run/rh-slow; sleep 5");
    aptrepo::only(&container, &[Deb::new("rh-app", "1.0")]);
    let path = slow.build(&container, "/root");
    container.exec("apt-get -q update");
    container.exec(&format!(
        "dpkg -i {path} >/dev/null 2>&1 & timeout 10 sh -c 'until [ -e /run/rh-slow ]; do sleep 0.1; done'"
    ));
    let mut shell = container.shell();
    let plan =
        plan(&mut shell, "pkg::installed", json!({"names": "rh-app", "lock_wait": 0})).expect("a plan needs no lock");
    let error = apply(&plan, &mut shell).expect_err("the lock is held");
    assert!(matches!(&error, OpError::Command { stderr, .. } if stderr.contains("lock")), "{error:?}");
    converge(&mut shell, "pkg::installed", json!({"names": "rh-app"}));
    assert_eq!(
        container.says("dpkg-query -W -f '${Status} ' rh-app rh-slow"),
        "install ok installed install ok installed"
    );
}

#[test]
fn a_lock_of_the_package_lists_delays_and_does_not_fail() {
    let container = Container::debian();
    aptrepo::only(&container, &[Deb::new("rh-app", "1.0")]);
    let hold = "use Fcntl; open F, '>>', '/var/lib/apt/lists/lock' or die $!;\n\
                my $lock = pack 's s x4 q q i', F_WRLCK, 0, 0, 0, 0; fcntl F, F_SETLK, $lock or die $!;\n\
                open G, '>', '/run/held'; sleep 3";
    container.write("/root/hold.pl", hold);
    container
        .exec("perl /root/hold.pl >/dev/null 2>&1 & timeout 10 sh -c 'until [ -e /run/held ]; do sleep 0.1; done'");
    converge(&mut container.shell(), "pkg::installed", json!({"names": "rh-app", "update": true}));
}

#[test]
fn a_package_may_bring_what_a_plan_cannot_see_yet() {
    let container = Container::debian();
    aptrepo::only(&container, &[Deb::new("rh-app", "1.0").field("Depends: rh-lib"), Deb::new("rh-lib", "1.0")]);
    container.exec("apt-get -q update");
    let mut shell = container.shell();
    let mut overlay = rhapsode::ops::Overlay::default();
    let planned = plan(&mut shell, "pkg::installed", json!({"names": "rh-app"})).expect("a plan");
    assert_eq!(texts(&planned), ["install rh-app 1.0 (with rh-lib)"]);
    planned.changes.into_iter().for_each(|change| overlay.take(change.effects));
    let mut after = |op: &str, want: Value| {
        let entry = rhapsode::ops::entry(op).expect("an operation");
        let planned = (entry.accept)(want).expect("accepted");
        planned.plan(&mut rhapsode::ops::View::new(&mut shell, &overlay))
    };
    let dependency = after("pkg::installed", json!({"names": ["rh-app", "rh-lib=1.0"]})).expect("known");
    assert!(dependency.is_empty(), "{:?}", texts(&dependency));
    assert!(after("pkg::latest", json!({"names": "rh-app"})).expect("known").is_empty());
    let unit = after("service::running", json!({"name": "rh-app"})).expect_err("its unit may come");
    assert!(matches!(&unit, OpError::Unknown(why) if why.contains("package rh-app")), "{unit:?}");
    let other = after("service::running", json!({"name": "ssh"})).expect("sshd is there");
    assert!(texts(&other).iter().all(|text| text == "start ssh.service" || text.is_empty()));
}

#[test]
fn a_planned_release_lets_a_held_package_move() {
    let container = Container::debian();
    aptrepo::only(&container, &[Deb::new("rh-app", "1.0"), Deb::new("rh-app", "2.0")]);
    container.exec("apt-get -q update && apt-get -q -y install rh-app=1.0 && apt-mark hold rh-app");
    let mut shell = container.shell();
    let mut overlay = rhapsode::ops::Overlay::default();
    let release = plan(&mut shell, "pkg::hold", json!({"names": "rh-app", "present": false})).expect("a plan");
    release.changes.into_iter().for_each(|change| overlay.take(change.effects));
    let mut after = |op: &str, want: Value| {
        let planned = (rhapsode::ops::entry(op).expect("an operation").accept)(want).expect("accepted");
        planned.plan(&mut rhapsode::ops::View::new(&mut shell, &overlay))
    };
    let moved = after("pkg::installed", json!({"names": "rh-app=2.0"})).expect("certain");
    assert_eq!(texts(&moved), ["install rh-app=2.0"]);
    let latest = after("pkg::latest", json!({"names": "rh-app"})).expect_err("the simulation sees the hold");
    assert!(matches!(latest, OpError::Unknown(_)), "{latest:?}");
}

/// Keeps its packages in `/lib/apk/db/installed`, as apk does, and knows of three.
const STUB_APK: &str = r#"#!/bin/sh
db=/lib/apk/db/installed; cache=/var/cache/apk; simulate=; verb=; words=; purge=
while [ $# -gt 0 ]; do
  case $1 in
    --wait) shift ;; --cache-dir) cache=$2; shift ;; --simulate) simulate=1 ;; --update-cache|--upgrade|--purge) ;;
    -v) ;; info|add|del|update|upgrade) verb=$1 ;; *) words="$words $1" ;;
  esac; shift
done
mkdir -p ${db%/*}; touch $db
version() { awk -v n="$1" '/^P:/ { p = substr($0, 3) } /^V:/ && p == n { print substr($0, 3) }' $db; }
drop() { awk -v RS= -v ORS='\n\n' -v n="P:$1" 'index($0 "\n", n "\n") != 1' $db > $db.new; mv $db.new $db; }
newest=$(cat /srv/newest)
case $verb in
  info) awk '/^P:/ { p = substr($0, 3) } /^V:/ { print p "-" substr($0, 3) }' $db ;;
  update) mkdir -p $cache; cp /srv/newest $cache/APKINDEX.0000.tar.gz ;;
  add|upgrade)
    for w in $words; do
      n=${w%%=*}; case $w in *=*) v=${w#*=} ;; *) v=$newest ;; esac; had=$(version $n)
      case $n in nosuch) printf 'ERROR: unable to select packages:\n  nosuch (no such package):\n    required by: world[nosuch]\n' >&2; exit 1 ;; esac
      [ "$had" = "$v" ] && continue
      if [ -n "$had" ]; then echo "(1/1) Upgrading $n ($had -> $v)"; else echo "(1/1) Installing $n ($v)"; fi
      [ -n "$simulate" ] || { drop $n; printf 'P:%s\nV:%s\np:cmd:%s=%s\n\n' $n $v $n $v >> $db; }
    done ;;
  del) for n in $words; do echo "(1/1) Purging $n ($(version $n))"; [ -n "$simulate" ] || drop $n; done ;;
esac
"#;

#[test]
fn the_same_operations_speak_to_apk() {
    let container = Container::busybox();
    container.exec("mkdir -p /srv /usr/bin /tmp && echo 1.0-r0 > /srv/newest");
    let folder = container.says("d=/usr/bin; case :$PATH: in *:/usr/bin:*) ;; *) d=${PATH%%:*} ;; esac; echo $d");
    container.write(&format!("{folder}/apk"), STUB_APK);
    container.exec(&format!("chmod 755 {folder}/apk"));
    let mut shell = container.shell();
    let shell = &mut shell;
    let error = refusal(shell, "pkg::installed", json!({"names": "nosuch"}));
    assert!(error.starts_with("apk refuses: unable to select packages:;   nosuch (no such package)"), "{error}");
    assert_eq!(converge(shell, "pkg::update", json!({})).len(), 1);
    assert_eq!(converge(shell, "pkg::installed", json!({"names": ["curl"]})), ["install curl 1.0-r0"]);
    assert_eq!(converge(shell, "pkg::installed", json!({"names": "cmd:curl"})), [""; 0], "curl provides it");
    container.exec("echo 2.0-r1 > /srv/newest");
    assert_eq!(converge(shell, "pkg::update", json!({})).len(), 1);
    assert_eq!(converge(shell, "pkg::latest", json!({"names": "curl"})), ["curl 1.0-r0 -> 2.0-r1"]);
    assert_eq!(converge(shell, "pkg::installed", json!({"names": "curl=1.0-r0"})), ["curl 2.0-r1 -> 1.0-r0"]);
    assert_eq!(converge(shell, "pkg::removed", json!({"names": "curl"})), ["remove curl"]);
    let error = refusal(shell, "pkg::hold", json!({"names": "curl"}));
    assert!(error.contains("apk has no holds"), "{error}");
}
