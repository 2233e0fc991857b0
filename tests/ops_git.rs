//! Working trees and settings of git, against repositories in the container.

use crate::support::docker::Container;
use crate::support::shell::{PlainShell, converge, plan};
use rhapsode::ops::{Change, OpError, Overlay, View, apply, entry};
use serde_json::{Value, json};

struct Bed {
    container: Container,
    shell: PlainShell,
}

impl Bed {
    /// A bare repository with a branch `main`, and a tag `v1` on its first commit.
    fn start() -> Self {
        let container = Container::debian();
        container.exec(
            "git config --system safe.directory '*' && git config --global user.email t@example && git config --global user.name t &&
             git init -q -b main /srv/work && cd /srv/work && echo one > file && git add . && git commit -qm one &&
             git tag -a v1 -m v1 && git clone -q --bare . /srv/app.git && git remote add origin /srv/app.git &&
             useradd -m deploy",
        );
        let shell = PlainShell::docker(container.name());
        Self { container, shell }
    }

    fn push(&self, content: &str) -> String {
        self.container.exec(&format!(
            "cd /srv/work && echo {content} > file && git commit -qam {content} && git push -q origin main && git rev-parse HEAD"
        ))
    }

    fn converge(&mut self, want: Value) -> Vec<String> {
        converge(&mut self.shell, "git::repo", want)
    }

    fn refused(&mut self, want: Value) -> String {
        match plan(&mut self.shell, "git::repo", want) {
            Err(OpError::Refused { message, hint: Some(_) }) => message,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_working_tree_follows_its_branch_and_changes_its_kind_of_ref() {
    let mut bed = Bed::start();
    let main = json!({"dest": "/opt/my app", "url": "/srv/app.git", "owner": "deploy"});
    assert!(bed.converge(main.clone())[0].starts_with("clone main at "));
    assert_eq!(bed.container.exec("stat -c %U '/opt/my app/file' '/opt/my app/.git/HEAD'"), "deploy\ndeploy\n");

    let head = bed.push("two");
    assert_eq!(bed.converge(main.clone()).len(), 1);
    assert_eq!(bed.container.exec("cat '/opt/my app/file'"), "two\n");
    let tag = json!({"dest": "/opt/my app", "url": "/srv/app.git", "ref": "v1"});
    assert!(bed.converge(tag)[0].contains("-> v1 at "));
    assert_eq!(bed.container.exec("cat '/opt/my app/file'; stat -c %U '/opt/my app/file'"), "one\ndeploy\n");
    let commit = json!({"dest": "/opt/my app", "url": "/srv/app.git", "ref": head.trim()});
    assert_eq!(bed.converge(commit).len(), 1);
    assert!(bed.converge(main)[0].contains("-> main at "), "detached at the same commit is not on the branch");

    bed.container.exec("git clone -q --bare /srv/app.git /srv/other.git");
    let moved = json!({"dest": "/opt/my app", "url": "/srv/other.git"});
    assert_eq!(bed.converge(moved), ["origin /srv/app.git -> /srv/other.git"]);
    assert_eq!(
        bed.refused(json!({"dest": "/srv", "url": "/srv/app.git"})),
        "`/srv` is neither empty nor a working tree of git"
    );
    let missing = plan(&mut bed.shell, "git::repo", json!({"dest": "/opt/x", "url": "/srv/app.git", "ref": "nope"}));
    assert!(missing.is_err_and(|error| error.to_string().contains("no branch or tag `nope`")));
}

#[test]
fn local_work_is_lost_only_by_force() {
    let mut bed = Bed::start();
    let want = json!({"dest": "/opt/app", "url": "/srv/app.git", "ref": "main"});
    let forced = json!({"dest": "/opt/app", "url": "/srv/app.git", "ref": "main", "force": true});
    bed.converge(want.clone());
    bed.container.exec("echo mine > /opt/app/file; echo new > /opt/app/untracked");
    assert_eq!(bed.refused(want.clone()), "`/opt/app` has local modifications: `file`");
    assert_eq!(bed.converge(forced.clone()), ["discard local modifications of file"]);
    assert_eq!(bed.container.exec("cat /opt/app/file /opt/app/untracked"), "one\nnew\n");

    bed.container.exec("cd /opt/app && git commit -q --allow-empty -m mine");
    assert_eq!(bed.refused(want.clone()), "`/opt/app` has commits that were never pushed");
    assert_eq!(bed.converge(forced).len(), 1);
    // The remote was rewritten: nothing of ours is lost, so the tree follows.
    bed.container.exec("cd /srv/work && git commit -q --amend -m other && git push -q -f origin main");
    assert_eq!(bed.converge(want).len(), 1);
}

#[test]
fn shallow_trees_and_submodules_arrive_and_stay() {
    let mut bed = Bed::start();
    bed.push("two");
    bed.container.exec(
        "git init -q -b main /srv/lib && cd /srv/lib && echo lib > lib && git add . && git commit -qm lib &&
         cd /srv/work && git -c protocol.file.allow=always submodule -q add /srv/lib lib && git commit -qm sub && git push -q origin main",
    );
    let allow = json!({"key": "protocol.file.allow", "value": "always", "scope": "system"});
    assert_eq!(converge(&mut bed.shell, "git::config", allow), ["set always"]);
    let want = json!({"dest": "/opt/app", "url": "file:///srv/app.git", "ref": "main", "depth": 1, "submodules": true});
    assert_eq!(bed.converge(want.clone()).len(), 1);
    assert_eq!(bed.container.exec("cat /opt/app/lib/lib; git -C /opt/app rev-list --count HEAD"), "lib\n1\n");
    bed.container.exec("git -C /opt/app submodule -q deinit -f lib");
    assert_eq!(bed.converge(want.clone()), ["submodules lib"]);
    bed.push("three");
    assert_eq!(bed.converge(want).len(), 1);
    assert_eq!(bed.container.exec("cat /opt/app/file"), "three\n");
}

#[test]
fn a_failed_clone_leaves_nothing_and_a_plan_behind_changes_is_unknown() {
    let mut bed = Bed::start();
    let commit = "0123456789012345678901234567890123456789";
    let want = json!({"dest": "/opt/none", "url": "/srv/nowhere.git", "ref": commit});
    let planned = plan(&mut bed.shell, "git::repo", want).expect("a commit needs no look");
    apply(&planned, &mut bed.shell).expect_err("no such repository");
    bed.container.exec("[ ! -e /opt/none ]");

    let mut overlay = Overlay::default();
    overlay.take(Change::new(rhapsode::event::Sign::Create, "a repository").effects);
    let want = json!({"dest": "/opt/none", "url": "/srv/nowhere.git"});
    let accepted = (entry("git::repo").expect("an operation").accept)(want.clone()).expect("accepted");
    let unknown = accepted.plan(&mut View::new(&mut bed.shell, &overlay));
    assert!(matches!(unknown, Err(OpError::Unknown(_))), "{unknown:?}");
    let failed = plan(&mut bed.shell, "git::repo", want);
    assert!(
        failed.is_err_and(|error| error.to_string().contains("'/srv/nowhere.git' does not appear to be a git repo"))
    );
}

#[test]
fn settings_are_kept_per_scope() {
    let mut bed = Bed::start();
    let name = json!({"key": "user.name", "value": "Ada \"L\" O'Hara"});
    assert_eq!(converge(&mut bed.shell, "git::config", name), ["t -> Ada \"L\" O'Hara"]);
    bed.container.exec("chown -R deploy /srv/work");
    let local = json!({"key": "pull.ff", "value": true, "scope": "/srv/work"});
    assert_eq!(converge(&mut bed.shell, "git::config", local), ["set true"]);
    assert_eq!(bed.container.exec("stat -c %U /srv/work/.git/config"), "deploy\n");
    let gone = json!({"key": "pull.ff", "scope": "/srv/work", "present": false});
    assert_eq!(converge(&mut bed.shell, "git::config", gone), ["unset true"]);
}
