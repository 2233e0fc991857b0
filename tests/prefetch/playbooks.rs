//! Playbooks that read much, and what may change behind their backs.

/// Names and scripts. A line that ends with `//` takes a disturbance behind it.
pub const PLAYBOOKS: &[(&str, &str)] = &[
    (
        "files",
        r#"let d = host.data("here"); //
file::put(d + "/conf", #{ redeclare: true, content: "one=1\nthree=3\n" }); //
file::put(d + "/new", #{ redeclare: true, content: "new\n", mode: "0600" }); //
file::dir(d + "/sub/dir", #{ mode: "0750" }); //
file::absent(d + "/old", #{ recursive: true }); //
file::put(d + "/conf", #{ redeclare: true, content: "one=1\nfour=4\n", backup: false }); //
file::present(d + "/touched"); //
"#,
    ),
    (
        "links",
        r#"let d = host.data("here"); //
file::link(d + "/link", #{ to: "new" }); //
file::put(d + "/new", #{ redeclare: true, content: "target\n" }); //
file::link(d + "/second", #{ to: d + "/old" }); //
file::absent(d + "/second", #{ redeclare: true }); //
file::link(d + "/link", #{ to: "conf" }); //
"#,
    ),
    (
        "two names of one thing",
        r#"let d = host.data("here"); //
cmd::run("mkdir -p real/sub; echo one >real/sub/one; ln -s real alias; ln real/sub/one hard; ln -s ../real/sub old/way");
file::put(d + "/real/sub/one", #{ redeclare: true, content: "by its name\n" }); //
file::put(d + "/alias/sub/one", #{ redeclare: true, content: "by a link above it\n" }); //
file::put(d + "/real/sub/one", #{ redeclare: true, content: "by its name\n" }); //
file::line(d + "/hard", #{ line: "by a hard link" }); //
file::put(d + "/old/way/two", #{ redeclare: true, content: "two\n" }); //
file::put(d + "/real/sub/two", #{ redeclare: true, content: "two\n" }); //
file::put(d + "/hard", #{ redeclare: true, content: "in place\n", in_place: true }); //
cmd::run("ln -f hard real/third");
file::put(d + "/hard", #{ redeclare: true, content: "of both\n", in_place: true }); //
file::put(d + "/real/third", #{ redeclare: true, content: "of both\n" }); //
file::dir(d + "/alias/made", #{ redeclare: true, mode: "0700" }); //
file::put(d + "/real/made/x", #{ redeclare: true, content: "x\n" }); //
file::absent(d + "/alias", #{ redeclare: true }); //
file::dir(d + "/alias", #{ redeclare: true }); //
file::put(d + "/alias/sub", #{ redeclare: true, content: "no link any more\n" }); //
file::link(d + "/alias/there", #{ redeclare: true, to: "../real" }); //
file::put(d + "/alias/there/sub/one", #{ redeclare: true, content: "through a new link\n" }); //
file::put(d + "/real/sub/one", #{ redeclare: true, content: "by its name\n", mode: "0600" }); //
file::absent(d + "/real", #{ redeclare: true, recursive: true }); //
file::present(d + "/hard", #{ redeclare: true }); //
"#,
    ),
    (
        "lines",
        r#"let d = host.data("here"); //
file::line(d + "/conf", #{ pattern: "^one=", line: "one=uno" }); //
file::line(d + "/conf", #{ line: "three=3" }); //
file::block(d + "/conf", #{ id: "tail", content: "last=1\n" }); //
file::line(d + "/conf", #{ pattern: "^one=", line: "one=1" }); //
file::block(d + "/conf", #{ id: "tail", content: "last=2\n" }); //
"#,
    ),
    (
        "commands",
        r#"let d = host.data("here"); //
cmd::run("echo made >made", #{ creates: d + "/made" }); //
cmd::run("rm -f made", #{ removes: d + "/made" }); //
cmd::run("echo made again >made", #{ creates: d + "/made" }); //
cmd::run("echo never >never", #{ creates: d + "/conf" }); //
cmd::run("exit 3", #{ ignore_errors: true }); //
cmd::run("echo half >half; exit 3", #{ ignore_errors: true }); //
file::put(d + "/half", #{ redeclare: true, content: "whole\n" }); //
"#,
    ),
    (
        "conditions",
        r#"let d = host.data("here"); //
let put = file::put(d + "/conf", #{ redeclare: true, content: "switch=on\n" }); //
if put.changed { file::put(d + "/was-changed", #{ redeclare: true, content: "yes\n" }); } //
let seen = cmd::read("cat conf | head -n 1", #{ success_codes: [0, 1] }).stdout; //
if seen == "switch=on" { file::link(d + "/state", #{ to: "on" }); } else { file::link(d + "/state", #{ to: "off" }); } //
let again = cmd::read("cat conf | head -n 1", #{ success_codes: [0, 1] }).stdout; //
file::put(d + "/seen", #{ redeclare: true, content: `${seen} ${again}\n` }); //
file::put(d + "/only", #{ redeclare: true, content: "x\n", when: cmd::read("test -e was-changed", #{ success_codes: [0, 1] }).code == 0 }); //
"#,
    ),
    (
        "loops",
        r#"let d = host.data("here"); //
for name in ["x", "y", "z"] { file::put(`${d}/loop-${name}`, #{ redeclare: true, content: name + "\n" }); cmd::run(`cat loop-${name} >>all`); } //
for name in ["x", "y", "z"] { file::line(d + "/all", #{ line: "end " + name }); } //
for n in 0..3 { let r = file::put(`${d}/n${n}`, #{ redeclare: true, content: `${n}\n` }); if r.changed { cmd::run(`rm -f ${d}/n${n + 1}`); } } //
file::put([d + "/m1", d + "/m2"], #{ redeclare: true, content: "both\n" }); //
"#,
    ),
    (
        "handlers and plays",
        r#"let d = host.data("here"); //
handler("again", |h| { cmd::run("cat conf >>handled 2>/dev/null || :"); file::line(d + "/handled", #{ line: "handled", create: true }); });
play("all", |h| {
let d = h.data("here"); //
file::put(d + "/conf", #{ redeclare: true, content: "play=1\n", notify: "again" }); //
file::line(d + "/conf", #{ line: "more=2", notify: "again" }); //
});
play("b", |h| {
let d = h.data("here"); //
file::put(d + "/from-b", #{ redeclare: true, content: "b\n" }); //
delegate("a", |other| { cmd::run("echo by b >>conf"); file::put(other.data("here") + "/by-b", #{ redeclare: true, content: "b\n" }); });
});
play("all", #{ serial: 1 }, |h| {
let d = h.data("here"); //
file::put(d + "/by-b", #{ redeclare: true, content: "last\n" }); //
file::line(d + "/conf", #{ line: "end=1" }); //
});
"#,
    ),
    (
        "hosts that reach into each other",
        r#"let d = host.data("here"); //
let other = if host.name == "a" { d + "/../b" } else { d + "/../a" }; //
file::put(d + "/mine", #{ redeclare: true, content: "mine\n" }); //
barrier();
play("a", |h| { let other = h.data("here") + "/../b"; cmd::run(`echo by a >${other}/mine; rm -f ${other}/conf`); });
file::put(d + "/mine", #{ redeclare: true, content: "mine\n" }); //
file::present(d + "/conf"); //
barrier();
play("b", |h| { local(|| { file::put(h.data("here") + "/../a/mine", #{ redeclare: true, content: "by local\n" }); }); });
file::line(d + "/mine", #{ line: "after" }); //
once(|| { local(|| { cmd::run(`echo once >>${d}/../b/conf; echo once >>${d}/../a/conf`); }) });
file::line(d + "/conf", #{ line: "end" }); //
"#,
    ),
    (
        "large content and waits",
        r#"let d = host.data("here"); //
let large = ""; large.pad(400_000, "x");
file::put(d + "/large", #{ redeclare: true, content: large }); //
file::line(d + "/conf", #{ line: "after large" }); //
cmd::run("(sleep 0.2; echo late >late) >/dev/null 2>&1 &", #{ creates: d + "/late" });
wait::file(d + "/late", #{ timeout: 20, every: 1 });
file::put(d + "/late", #{ redeclare: true, content: "late and mine\n" }); //
file::put(d + "/large", #{ redeclare: true, content: large + "y" }); //
if !is_planning() { cmd::read("test -e started || { echo >started; false; }", #{ retries: 3, delay: 0 }); }
block("rescued", |h| { file::put(d + "/rescued", #{ redeclare: true, content: "1\n" }); cmd::run("echo gone >conf; exit 9"); }, #{ rescue: |h, error| { file::put(d + "/conf", #{ redeclare: true, content: "rescued\n" }); } }); //
file::line(d + "/conf", #{ line: "end" }); //
"#,
    ),
];

/// Changes that a later line may read. `d` is the folder of the host.
pub const DISTURBANCES: &[&str] = &[
    r#"cmd::run("rm -rf conf old link");"#,
    r#"cmd::run("echo disturbed >>conf; ln -sfn old link");"#,
    r#"cmd::run("mkdir -p old/new; echo x >old/new/x; chmod 700 old");"#,
    r#"cmd::run("for f in *; do [ ! -f \"$f\" ] || echo tail >>\"$f\"; done");"#,
    r#"file::put(d + "/conf", #{ redeclare: true, content: "put in between\n" });"#,
    r#"file::absent(d + "/conf", #{ redeclare: true });"#,
    r#"file::absent(d + "/new", #{ redeclare: true });"#,
    r#"file::put(d + "/made", #{ redeclare: true, content: "made in between\n" });"#,
    r#"cmd::run("echo broken >conf; exit 5", #{ ignore_errors: true });"#,
    r#"local(|| { cmd::run(`echo local >>${d}/conf; rm -f ${d}/new ${d}/made`); });"#,
    r#"delegate(host.name, |h| { cmd::run("echo delegated >>conf"); });"#,
    r#"cmd::run("echo in another environment >>conf", #{ env: #{ WORD: "x" } });"#,
    r#"cmd::run("echo elsewhere >>conf", #{ chdir: d });"#,
    r#"op::custom("disturb", "conf", #{ read: |h| true, apply: |h, left| { cmd::run("echo custom >>conf"); } });"#,
];
