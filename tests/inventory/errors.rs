//! What is refused, and where it is.

use super::Project;
use rstest::rstest;

#[rstest]
#[case::broken_yaml("hosts:\n\tweb-1: {}\n", "inv.yaml:2:2", "broken YAML: tabs disallowed", "indent with blanks")]
#[case::bracket(
    "hosts: {\n",
    "inv.yaml:1:8",
    "broken YAML: unclosed bracket",
    "close the bracket or quote that is opened here"
)]
#[case::not_a_map(
    "[web-1]\n",
    "inv.yaml:1:1",
    "an inventory is a map, not a list",
    "write it as `{ key: value }`, or as `key: value` on lines of its own"
)]
#[case::section("host: {}\n", "inv.yaml:1:1", "unknown key `host` in an inventory", "did you mean `hosts`?")]
#[case::ansible_yaml(
    "all: {}\n",
    "inv.yaml:1:1",
    "unknown key `all` in an inventory",
    "put groups under `groups` and every host under `hosts`"
)]
#[case::key(
    "hosts:\n  web-1: { adress: 192.0.2.1 }\n",
    "inv.yaml:2:12",
    "unknown key `adress` in host `web-1`",
    "did you mean `address`?"
)]
#[case::foreign(
    "hosts:\n  a: { ansible_host: x }\n",
    "inv.yaml:2:8",
    "unknown key `ansible_host` in host `a`",
    "did you mean `address`?"
)]
#[case::group_key(
    "groups:\n  web: { childs: [] }\n",
    "inv.yaml:2:10",
    "unknown key `childs` in group `web`",
    "did you mean `children`?"
)]
#[case::defaults_key(
    "defaults: { prt: 22 }\n",
    "inv.yaml:1:13",
    "unknown key `prt` in `defaults`",
    "did you mean `port`?"
)]
#[case::type_of_host(
    "hosts:\n  web-1: 192.0.2.1\n",
    "inv.yaml:2:10",
    "host `web-1` is a map, not the text `192.0.2.1`",
    "write it as `{ key: value }`, or as `key: value` on lines of its own"
)]
#[case::type_of_hosts(
    "groups:\n  web: { hosts: web-1 }\n",
    "inv.yaml:2:17",
    "`hosts` of group `web` is a list of names, not the text `web-1`",
    "write it as `[one, two]`"
)]
#[case::type_of_address(
    "hosts:\n  a: { address: [x] }\n",
    "inv.yaml:2:17",
    "`address` of host `a` is a text, not a list",
    "write one word"
)]
#[case::connect(
    "hosts:\n  a: { connect: dcoker }\n",
    "inv.yaml:2:17",
    "`connect` of host `a` is one of `local`, `ssh`, `docker`, `podman`, `exec`, not the text `dcoker`",
    "did you mean `docker`?"
)]
#[case::port(
    "hosts:\n  a: { port: 70000 }\n",
    "inv.yaml:2:14",
    "`port` of host `a` is a number from 1 to 65535, not the number `70000`",
    "22 is the port of ssh when none is given"
)]
#[case::port_text(
    "hosts:\n  a: { port: '2222' }\n",
    "inv.yaml:2:14",
    "`port` of host `a` is a number from 1 to 65535, not the text `2222`",
    "write 2222 without quotes"
)]
#[case::timeout(
    "defaults: { timeout: 5m }\n",
    "inv.yaml:1:22",
    "`timeout` of `defaults` is a number of whole seconds above 0, not the text `5m`",
    "write 30 for half a minute"
)]
#[case::option(
    "hosts:\n  a: { address: -oProxyCommand=x }\n",
    "inv.yaml:2:17",
    "`address` of host `a` begins with `-` and would be taken for an option",
    "take the `-` away"
)]
#[case::sudo(
    "hosts:\n  a: { sudo: yes }\n",
    "inv.yaml:2:14",
    "`sudo` of host `a` is `yes`, which YAML 1.2 takes for a text",
    "write `true` or `false`; another word is the name of a user"
)]
#[case::sudo_map(
    "hosts:\n  a: { sudo: { usr: x } }\n",
    "inv.yaml:2:16",
    "unknown key `usr` in `sudo` of host `a`",
    "did you mean `user`?"
)]
#[case::two_methods(
    "hosts:\n  a: { sudo: true, su: true }\n",
    "inv.yaml:2:20",
    "`su` of host `a` stands beside `sudo`",
    "keep one of `sudo`, `su` and `doas`"
)]
#[case::name(
    "hosts:\n  a/b: {}\n",
    "inv.yaml:2:3",
    "the name of host `a/b` holds `/`",
    "a name is made of letters, digits and `. _ - : + @`"
)]
#[case::range(
    "hosts:\n  web-[9..1]: {}\n",
    "inv.yaml:2:3",
    "`[9..1]` in `web-[9..1]` is not a range",
    "write `[01..12]`, the lower first"
)]
#[case::same_key(
    "hosts:\n  a: {}\n  a: {}\n",
    "inv.yaml:3:3",
    "the key `a` stands here twice",
    "the first is in line 2: keep one of them"
)]
#[case::same_host(
    "hosts:\n  web-2: {}\n  web-[1..3]: {}\n",
    "inv.yaml:3:3",
    "host `web-2` is declared twice",
    "the first is at inv.yaml:2:3: keep one of them"
)]
#[case::unknown_host(
    "hosts:\n  web-1: {}\ngroups:\n  web:\n    hosts: [web-1, web-l]\n",
    "inv.yaml:5:20",
    "unknown host `web-l` in group `web`",
    "did you mean `web-1`?"
)]
#[case::group_as_host(
    "groups:\n  a: {}\n  b: { hosts: [a] }\n",
    "inv.yaml:3:16",
    "unknown host `a` in group `b`",
    "`a` is a group: name it under `children`"
)]
#[case::unknown_child(
    "groups:\n  web: {}\n  edge: { children: [wbe] }\n",
    "inv.yaml:3:22",
    "unknown group `wbe` in the children of `edge`",
    "did you mean `web`?"
)]
#[case::host_as_child(
    "hosts: { a: }\ngroups:\n  g: { children: [a] }\n",
    "inv.yaml:3:19",
    "unknown group `a` in the children of `g`",
    "`a` is a host: name it under `hosts`"
)]
#[case::cycle(
    "groups:\n  a: { children: [b] }\n  b: { children: [c] }\n  c: { children: [a] }\n  d: { children: [a] }\n",
    "inv.yaml:4:19",
    "groups go round in a circle: `a -> b -> c -> a`",
    "take `a` out of the children of `c`"
)]
#[case::own_child(
    "groups:\n  a: { children: [a] }\n",
    "inv.yaml:2:19",
    "groups go round in a circle: `a -> a`",
    "take `a` out of the children of `a`"
)]
#[case::same_name(
    "hosts: { web: }\ngroups:\n  web: { hosts: [web] }\n",
    "inv.yaml:3:3",
    "group `web` has the name of the host of inv.yaml:1:10",
    "a selector could not tell them apart: rename one"
)]
#[case::all_host(
    "hosts: { all: }\n",
    "inv.yaml:1:10",
    "host `all` has the name of the group of all hosts",
    "a selector could not tell them apart: rename one"
)]
#[case::all_hosts(
    "hosts: { a: }\ngroups:\n  all: { hosts: [a] }\n",
    "inv.yaml:3:10",
    "group `all` holds every host by itself and takes no `hosts`",
    "leave it out; `data` and connection settings are fine"
)]
#[case::exec(
    "hosts:\n  a: { connect: exec }\n",
    "inv.yaml:2:3",
    "host `a` is connected by `exec` and has no `command`",
    "add `command: [program, argument, …]` that starts a POSIX shell"
)]
#[case::data_twice(
    "hosts:\n  a: { data: { app: 1, app+: 2 } }\n",
    "inv.yaml:2:24",
    "`app` is given twice in data of host `a`",
    "the first is at inv.yaml:2:16: keep one of them"
)]
#[case::data_type(
    "hosts:\n  a: { data: [x] }\n",
    "inv.yaml:2:14",
    "data of host `a` is a map, not a list",
    "write it as `{ key: value }`, or as `key: value` on lines of its own"
)]
#[case::unmergeable(
    "groups:\n  g: { hosts: [a], data: { app: text } }\nhosts:\n  a: { data: { app+: { x: 1 } } }\n",
    "inv.yaml:4:16",
    "`app+` cannot merge a map into a text",
    "write `app` to replace the value of inv.yaml:2:28"
)]
#[case::password(
    "hosts:\n  a: { sudo_password: { evn: X } }\n",
    "inv.yaml:2:23",
    "`sudo_password` of host `a` is `{ env: NAME }`, `{ file: PATH }`, `{ secret: REFERENCE }` or a text, not a map of something else",
    "write `{ env: SUDO_PASSWORD }` and export that variable"
)]
#[case::tag(
    "hosts:\n  a: { user: !vault x }\n",
    "inv.yaml:2:21",
    "the tag `!vault` means nothing here",
    "write the plain value"
)]
fn what_is_wrong_is_named_with_its_place(
    #[case] text: &str,
    #[case] position: &str,
    #[case] message: &str,
    #[case] hint: &str,
) {
    let (at, said, advice) = Project::of(text).error("inv.yaml");
    assert_eq!((at.as_str(), advice.as_str()), (position, hint), "{said}");
    let broken = said.starts_with("broken YAML") && said.starts_with(message);
    assert!(broken || said == message, "{said}");
}

#[test]
fn a_file_that_is_missing_unreadable_or_no_text_is_an_error() {
    let project = Project::new([("inventories/production.yaml", "hosts: {}\n"), ("notes.txt", "x")]);
    let (at, message, hint) = project.error("inventories/prodution.yaml");
    assert_eq!(
        (at.as_str(), message.as_str()),
        ("inventories/prodution.yaml", "there is no inventory `inventories/prodution.yaml`")
    );
    assert_eq!(hint, "did you mean `inventories/production.yaml`?");
    assert_eq!(project.error("db-1").2, "a single ssh host is written with a comma: `db-1,`");
    assert_eq!(project.error("notes.txt").1, "`notes.txt` is no inventory");
    std::fs::write(project.0.path().join("latin.yaml"), b"hosts:\n  a: { user: J\xf6rg }\n").expect("a file");
    let (at, message, _) = project.error("latin.yaml");
    assert_eq!((at.as_str(), message.as_str()), ("latin.yaml:2:15", "this is not UTF-8 text"));
}

#[test]
fn an_error_in_a_data_file_names_that_file() {
    let project =
        Project::new([("inventories/i.yaml", "hosts: { a: }\n"), ("inventories/group_data/all.yaml", "x: 1\ny: [\n")]);
    assert_eq!(project.error("inventories/i.yaml").0, "inventories/group_data/all.yaml:2:4");
    project.write("inventories/group_data/all.yaml", "just text\n");
    let (at, message, _) = project.error("inventories/i.yaml");
    assert_eq!(at, "inventories/group_data/all.yaml:1:1");
    assert_eq!(message, "group_data of `all` is a map, not the text `just text`");
    project.write("inventories/group_data/all.yaml", "x: 1\n");
    project.write("inventories/group_data/all.yml", "x: 2\n");
    let (at, message, _) = project.error("inventories/i.yaml");
    assert_eq!(at, "inventories/group_data/all.yml");
    assert_eq!(message, "`inventories/group_data/all.yml` is for the same as `inventories/group_data/all.yaml`");
}

#[test]
fn a_data_file_for_a_group_nobody_has_is_a_warning() {
    let project = Project::new([
        ("inventories/one.yaml", "hosts: { web-1: }\ngroups: { web: { hosts: [web-1] } }\n"),
        ("inventories/two.yaml", "groups: { edge: }\n"),
        ("inventories/group_data/wbe.yaml", "x: 1\n"),
        ("inventories/group_data/edge.yaml", "x: 1\n"),
        ("inventories/group_data/.web.yaml.swp", "x"),
        ("inventories/host_data/web-l.yaml", "x: 1\n"),
        ("inventories/host_data/elsewhere.yaml", "x: 1\n"),
    ]);
    let inventory = project.loaded("inventories/one.yaml");
    let warnings: Vec<_> =
        inventory.warnings().iter().map(|odd| (odd.position(), odd.message.as_str(), odd.hint.as_deref())).collect();
    let at = |path: &str| Some(format!("inventories/{path}"));
    assert_eq!(
        warnings,
        [
            (at("group_data/wbe.yaml"), "no inventory here has the group `wbe`", Some("did you mean `web`?")),
            (at("host_data/web-l.yaml"), "no inventory here has the host `web-l`", Some("did you mean `web-1`?")),
        ]
    );
}

#[test]
fn a_host_of_two_files_is_an_error() {
    let project = Project::new([("d/1.yaml", "hosts: { a: }\n"), ("d/2.yaml", "hosts:\n  a:\n")]);
    let (at, message, hint) = project.error("d");
    assert_eq!((at.as_str(), message.as_str()), ("d/2.yaml:2:3", "host `a` is declared twice"));
    assert_eq!(hint, "the first is at d/1.yaml:1:10: keep one of them");
}
