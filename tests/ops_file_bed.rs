//! File operations in containers: Debian, busybox, and a busybox without the tools that may be missing.

use crate::support::docker::Container;
use crate::support::shell::{PlainShell, converge, plan};
use rhapsode::ops::{OpError, Overlay, Plan, View, apply, entry};
use serde_json::{Value, json};
use std::io::{Read, Write};

/// A host whose `stat` has no `-c`, without tar, readlink, base64 and any tool for SHA-256. Debian, since the shell of
/// busybox runs its own tools even when they are not in PATH.
fn poor() -> Container {
    let bed = Container::asleep("rh-debian", &[]);
    bed.says(
        "for d in /usr/bin /bin /usr/sbin /sbin /usr/local/bin; do \
         rm -f $d/sha256sum $d/shasum $d/openssl $d/busybox $d/tar $d/readlink $d/base64; done; \
         rm /usr/bin/stat && printf '#!/bin/sh\\necho no such option >&2; exit 1\\n' > /usr/bin/stat && chmod 755 /usr/bin/stat",
    );
    bed
}

fn covers_the_ways_of_life_of_files(bed: &Container) {
    let mut shell = bed.shell();
    let mut ok = |op: &str, want: Value| converge(&mut shell, op, want);
    ok("file::dir", json!({ "path": "/srv/a b/c", "mode": "2770", "group": "1" }));
    assert_eq!(bed.says("ls -ld '/srv/a b/c' | cut -c1-10"), "drwxrws---");
    let path = "/srv/a b/it's $x\n-";
    ok("file::put", json!({ "path": path, "content": "one\ntwo\n", "mode": "0640", "owner": "1", "group": "nogroup" }));
    ok("file::put", json!({ "path": path, "content": b"\0\xff'\"`$x`" }));
    assert_eq!(
        bed.says("cd '/srv/a b'; ls -ln it* | head -n1 | cut -c1-10; od -An -tx1 it*"),
        "-rw-r-----\n 00 ff 27 22 60 24 78 60"
    );
    ok("file::put", json!({ "path": path, "content": "x = 1\n", "mode": "4755" }));
    ok("file::line", json!({ "path": path, "line": "x = 2", "pattern": "^x" }));
    ok("file::block", json!({ "path": path, "content": "y\n" }));
    ok("file::replace", json!({ "path": path, "pattern": "^y$", "to": "z" }));
    assert_eq!(bed.says("cat '/srv/a b'/it*"), "x = 2\n# BEGIN rhapsode\nz\n# END rhapsode");
    ok("file::link", json!({ "path": "/srv/link", "to": "a b/c" }));
    ok("file::link", json!({ "path": "/srv/link", "to": path }));
    ok("file::line", json!({ "path": "/srv/link", "line": "end" }));
    ok("file::present", json!({ "path": "/srv/empty", "owner": "root" }));
    ok("file::put", json!({ "path": "/srv/big", "content": "0123456789abcdef\n".repeat(20_000) }));
    ok("file::put", json!({ "path": "/srv/big", "content": "0123456789abcdeX\n".repeat(20_000) }));
    ok("file::dir", json!({ "path": "/srv/a b", "owner": "1", "recursive": true }));
    assert_eq!(bed.says("ls -ln '/srv/a b'/it* | head -n1 | cut -c1-10"), "-rwsr-xr-x");
    let src = tempfile::tempdir().expect("space");
    std::fs::create_dir(src.path().join("sub dir")).expect("space");
    for (name, text) in [("one", "1"), ("sub dir/two's", "2"), ("sub dir/new\nline", "3")] {
        std::fs::write(src.path().join(name), text).expect("space");
    }
    std::os::unix::fs::symlink("sub dir/gone", src.path().join("ln")).expect("space");
    let mirror = json!({ "path": "/srv/tree", "src": src.path(), "mode": "0604", "dir_mode": "2705", "delete": true, "owner": "2" });
    ok("file::mirror", mirror.clone());
    bed.says("cd /srv/tree; echo 9 > one; mkdir other; echo x > other/x; chmod 600 'sub dir'/two*; rm ln");
    ok("file::mirror", mirror);
    assert_eq!(
        bed.says("cd /srv/tree; ls -ldn one 'sub dir' | cut -c1-10; cat one; ls"),
        "-rw----r--\ndrwx--Sr-x\n1ln\none\nsub dir"
    );
    ok("file::absent", json!({ "path": "/srv/tree", "recursive": true }));
    ok("file::absent", json!({ "path": "/srv/link" }));
    assert_eq!(bed.says("find / -xdev -name '*rhapsode*'"), "");
}

#[test]
fn debian_keeps_files_as_wanted() {
    covers_the_ways_of_life_of_files(&Container::asleep("rh-debian", &[]));
}

#[test]
fn busybox_keeps_files_as_wanted() {
    covers_the_ways_of_life_of_files(&Container::asleep("rh-busybox", &[]));
}

#[test]
fn a_host_without_stat_formats_hashes_and_tar_keeps_files_as_wanted() {
    let bed = poor();
    let have =
        "for c in sha256sum tar readlink base64 busybox; do command -v $c; done; stat -c %n / && echo stat; true";
    assert_eq!(bed.says(have), "");
    covers_the_ways_of_life_of_files(&bed);
}

#[test]
fn a_bind_mounted_file_is_written_in_place() {
    for image in ["rh-debian", "rh-busybox"] {
        let dir = tempfile::tempdir().expect("space");
        let file = dir.path().join("a file");
        std::fs::write(&file, "old").expect("space");
        let mount = format!("{}:/etc/a file", file.display());
        let bed = Container::asleep(image, &["-v", &mount]);
        let texts =
            converge(&mut bed.shell(), "file::put", json!({ "path": "/etc/a file", "content": "new", "mode": "0604" }));
        assert_eq!(texts, ["content", "mode 0644 -> 0604"]);
        assert_eq!(std::fs::read_to_string(&file).expect("there"), "new");
        assert_eq!(bed.says("ls -l '/etc/a file' | cut -c1-10; ls -a /etc | grep -c rhapsode; true"), "-rw----r--\n0");
    }
}

#[test]
fn an_ordinary_user_keeps_the_owner_of_a_file_in_a_shared_directory() {
    let bed = Container::asleep("rh-debian", &["--user", "1000:1000"]);
    let root = |script: &str| {
        let run =
            std::process::Command::new("docker").args(["exec", "-u", "0", bed.name(), "sh", "-c", script]).status();
        assert!(run.expect("docker runs").success());
    };
    root("mkdir /srv/shared && chmod 777 /srv/shared && echo old > /srv/shared/x && chmod 666 /srv/shared/x");
    converge(&mut bed.shell(), "file::put", json!({ "path": "/srv/shared/x", "content": "new\n" }));
    assert_eq!(
        bed.says("ls -ln /srv/shared/x | cut -d' ' -f1-4; cat /srv/shared/x; ls -a /srv/shared | wc -l"),
        "-rw-rw-rw- 1 0 0\nnew\n3"
    );
    let error = plan(&mut bed.shell(), "file::put", json!({ "path": "/etc/shadow", "content": "" })).map(|_| ());
    assert_eq!(error.expect_err("not ours").hint().as_deref(), Some("`sudo: true` acts as root"));
}

/// Plans each step over the predictions of those before, then applies for real; the verdicts must agree.
#[test]
fn a_plan_of_many_steps_predicts_what_an_apply_does() {
    let steps = [
        ("file::dir", json!({ "path": "/srv/app", "mode": "0750" })),
        ("file::put", json!({ "path": "/srv/app/conf", "content": "a = 1\n", "mode": "0640" })),
        ("file::line", json!({ "path": "/srv/app/conf", "line": "b = 2" })),
        ("file::line", json!({ "path": "/srv/app/conf", "line": "a = 1" })),
        ("file::block", json!({ "path": "/srv/app/conf", "content": "c\n", "id": "x" })),
        ("file::replace", json!({ "path": "/srv/app/conf", "pattern": "^c$", "to": "d" })),
        ("file::put", json!({ "path": "/srv/app/conf", "content": "a = 1\nb = 2\n# BEGIN x\nd\n# END x\n" })),
        ("file::present", json!({ "path": "/srv/app/conf", "mode": "0640", "owner": "root" })),
        ("file::link", json!({ "path": "/srv/app/current", "to": "conf" })),
        ("file::line", json!({ "path": "/srv/app/current", "line": "through the link" })),
        ("file::link", json!({ "path": "/srv/app/current", "to": "conf" })),
        ("file::dir", json!({ "path": "/srv/app/sub/deep" })),
        ("file::put", json!({ "path": "/srv/app/sub/x", "content": "" })),
        ("file::dir", json!({ "path": "/srv/app", "owner": "1", "recursive": true })),
        ("file::dir", json!({ "path": "/srv/app", "owner": "1", "recursive": true })),
        ("file::mirror", json!({ "path": "/srv/app/tree", "src": "tests/data/tree" })),
        ("file::mirror", json!({ "path": "/srv/app/tree", "src": "tests/data/tree", "delete": true })),
        ("file::absent", json!({ "path": "/srv/app/sub", "recursive": true })),
        ("file::absent", json!({ "path": "/srv/app/sub/x" })),
        ("file::put", json!({ "path": "/srv/app/conf", "content": "a = 1\n" })),
        ("file::present", json!({ "path": "/srv/app/conf" })),
    ];
    let bed = Container::asleep("rh-busybox", &[]);
    bed.says("mkdir -p /srv");
    let texts = |plan: &Plan| plan.changes.iter().map(|change| change.text.clone()).collect::<Vec<_>>();
    let mut shell = bed.shell();
    let (mut overlay, mut predicted) = (Overlay::default(), Vec::new());
    for (op, want) in &steps {
        let planned = (entry(op).expect("there").accept)(want.clone()).expect("arguments");
        let plan = planned.plan(&mut View::new(&mut shell, &overlay)).unwrap_or_else(|error| panic!("{op}: {error}"));
        predicted.push(texts(&plan));
        plan.changes.into_iter().for_each(|change| overlay.take(change.effects));
    }
    assert!(shell.changed.is_empty());
    assert_eq!(bed.says("ls -A /srv"), "");
    for ((op, want), predicted) in steps.into_iter().zip(predicted) {
        let real = plan(&mut shell, op, want).unwrap_or_else(|error| panic!("{op}: {error}"));
        assert_eq!(texts(&real), predicted, "{op}");
        apply(&real, &mut shell).unwrap_or_else(|error| panic!("{op}: {error}"));
    }
}

/// Answers each request with the content, and keeps what was asked.
fn server(content: &'static [u8], requests: usize) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let serving = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.expect("a connection");
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                let read = stream.read(&mut buffer).expect("a request");
                request.extend_from_slice(&buffer[..read]);
            }
            let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", content.len());
            stream.write_all(&[head.as_bytes(), content].concat()).expect("an answer");
            asked.push(String::from_utf8_lossy(&request).into_owned());
        }
        asked
    });
    (port, serving)
}

const BODY: &[u8] = b"\0binary\xff\n";

#[test]
fn a_download_is_checked_before_it_is_put_in_place() {
    use sha2::Digest;
    let sha256: String = sha2::Sha256::digest(BODY).iter().map(|byte| format!("{byte:02x}")).collect();
    let (port, serving) = server(BODY, 3);
    let dir = tempfile::tempdir().expect("space");
    let path = dir.path().join("a file").display().to_string();
    let url = format!("http://127.0.0.1:{port}/x?a=1&b=2");
    let token = rhapsode::secret::conceal(r#"quote " and \ back"#).to_string();
    let mut shell = PlainShell::local();
    let want = json!({ "path": path, "url": url, "sha256": sha256, "mode": "0600", "headers": { "X-Token": token, "A": "b" } });
    converge(&mut shell, "file::download", want);
    assert_eq!(std::fs::read(&path).expect("there"), BODY);
    let wrong = json!({ "path": path, "url": url, "sha256": "0".repeat(64) });
    let first = plan(&mut shell, "file::download", wrong).expect("a plan");
    let error = apply(&first, &mut shell).expect_err("another digest").to_string();
    assert!(error.contains(&format!("sha256 of the download is {sha256}")), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 1);
    let older = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    std::fs::File::open(&path).expect("there").set_modified(older).expect("ours");
    assert!(plan(&mut shell, "file::download", json!({ "path": path, "url": url })).expect("a plan").is_empty());
    let texts = converge(&mut shell, "file::download", json!({ "path": path, "url": url, "max_age": "1h" }));
    assert_eq!(texts.len(), 1);
    let asked = serving.join().expect("served");
    assert!(
        asked[0].starts_with("GET /x?a=1&b=2 ") && asked[0].contains("X-Token: quote \" and \\ back\r\n"),
        "{asked:?}"
    );
    assert!(!format!("{:?}", shell.changed).contains("quote"));
}

#[test]
fn busybox_downloads_and_says_what_its_wget_cannot_do() {
    let (port, serving) = server(BODY, 1);
    let bed = Container::asleep("rh-busybox", &[]);
    bed.says("ip link set lo up 2>/dev/null; mkdir -p /srv/www && printf 'hello\\n' > /srv/www/x && httpd -p 127.0.0.1:8080 -h /srv/www");
    let mut shell = bed.shell();
    let want = json!({ "path": "/srv/x", "url": "http://127.0.0.1:8080/x", "headers": { "A": "b c" } });
    converge(&mut shell, "file::download", want);
    assert_eq!(bed.says("cat /srv/x"), "hello");
    let refused = |shell: &mut PlainShell, want: Value| -> OpError {
        let first = plan(shell, "file::download", want).expect("a plan");
        apply(&first, shell).map(|_| ()).expect_err("refused")
    };
    let error = refused(&mut shell, json!({ "path": "/srv/y", "url": "https://127.0.0.1:8080/x" })).to_string();
    assert!(error.contains("does not check certificates"), "{error}");
    let secret = rhapsode::secret::conceal("s3").to_string();
    let want = json!({ "path": "/srv/y", "url": "http://127.0.0.1:8080/x", "headers": { "A": secret } });
    let error = refused(&mut shell, want).to_string();
    assert!(error.contains("install curl"), "{error}");
    let error = refused(&mut shell, json!({ "path": "/srv/y", "url": "http://127.0.0.1:8080/none" })).to_string();
    assert!(error.contains("404"), "{error}");
    assert_eq!(bed.says("ls -A /srv"), "www\nx");

    // GNU wget, here under a PATH without curl.
    let dir = tempfile::tempdir().expect("space");
    for tool in
        ["wget", "sed", "grep", "sh", "cat", "chmod", "chown", "mv", "rm", "sync", "ls", "stat", "printf", "env"]
    {
        let found = std::env::var("PATH")
            .expect("a PATH")
            .split(':')
            .map(|dir| format!("{dir}/{tool}"))
            .find(|p| std::path::Path::new(p).exists());
        std::os::unix::fs::symlink(found.expect("installed"), dir.path().join(tool)).expect("space");
    }
    let path = dir.path().join("got").display().to_string();
    let mut local = PlainShell::local();
    let want = json!({ "path": path, "url": format!("http://127.0.0.1:{port}/y"), "headers": { "A": rhapsode::secret::conceal("s3cret value").to_string() } });
    let mut first = plan(&mut local, "file::download", want).expect("a plan");
    for step in first.changes.iter_mut().flat_map(|change| &mut change.steps) {
        if let rhapsode::ops::Step::Write(write) = step
            && let rhapsode::ops::Source::Script { fill, .. } = &mut write.content
        {
            fill.insert_str(0, &format!("PATH={}\n", dir.path().display()));
        }
    }
    apply(&first, &mut local).expect("downloaded");
    assert_eq!(std::fs::read(&path).expect("there"), BODY);
    assert!(serving.join().expect("served")[0].contains("A: s3cret value\r\n"));
}
