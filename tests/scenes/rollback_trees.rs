//! What `rollback` takes from the checkout of an earlier commit: all that git keeps there.

use super::Scene;
use crate::support::project::Project;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

const PLAYBOOK: &str = r#"
    let here = host.data("here");
    file::mirror(here + "/copy", #{ src: "tree", delete: true, exclude: [".git"] });
"#;

/// Two applied commits of a project; `change` makes the second one.
fn applied_twice(first: impl FnOnce(&Project), change: impl FnOnce(&Project)) -> Scene {
    let scene = Scene::shells(&["a"]).file(".gitignore", "/hosts/\n").file("tree/plain", "one\n").playbook(PLAYBOOK);
    let Scene { project } = scene;
    let project = project.git();
    first(&project);
    project.commit("one");
    let scene = Scene { project };
    scene.applied(0);
    change(&scene.project);
    scene.project.write("tree/plain", "two\n");
    scene.project.commit("two");
    scene
}

fn git_in(folder: &Path, words: &[&str]) {
    let mut git = std::process::Command::new("git");
    git.current_dir(folder).args([
        "-c",
        "user.name=T",
        "-c",
        "user.email=t@example.org",
        "-c",
        "protocol.file.allow=always",
    ]);
    let done = git.env("GIT_CONFIG_GLOBAL", "/dev/null").args(words).output().expect("git");
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A repository with one file, and another one in it as a submodule.
fn library() -> (Project, Project) {
    let inner = Project::new().file("word", "inner one\n").git();
    let outer = Project::new().file("word", "outer one\n").git();
    git_in(outer.root(), &["submodule", "--quiet", "add", &inner.root().display().to_string(), "inner"]);
    outer.commit("with a submodule");
    (outer, inner)
}

fn with_library(project: &Project, library: &Project) {
    let url = library.root().display().to_string();
    git_in(project.root(), &["submodule", "--quiet", "add", "--name", "lib", &url, "tree/sub"]);
    git_in(project.root(), &["submodule", "--quiet", "update", "--init", "--recursive"]);
}

/// Moves a submodule to a new commit of its own repository.
fn moved(project: &Project, library: &Project) {
    library.write("word", "outer two\n");
    library.commit("two");
    git_in(&project.path("tree/sub"), &["pull", "--quiet", "origin", "main"]);
}

#[test]
fn submodules_are_what_they_were_and_nothing_is_fetched() {
    let (library, inner) = library();
    let scene = applied_twice(|project| with_library(project, &library), |project| moved(project, &library));
    scene.applied(0);
    assert_eq!(scene.project.read("hosts/a/copy/sub/word"), "outer two\n");
    // What was cloned from is gone: only what is here can be asked.
    drop((library, inner));
    scene.cli(["rollback", "--yes"]).any_stderr().success();
    assert_eq!(scene.project.read("hosts/a/copy/sub/word"), "outer one\n");
    assert_eq!(scene.project.read("hosts/a/copy/sub/inner/word"), "inner one\n");
    assert_eq!(scene.project.read("tree/sub/word"), "outer two\n", "the work tree is left alone");
    assert_eq!(scene.project.git_says(&["status", "--porcelain"]), "");
    assert_eq!(scene.project.git_says(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn a_submodule_that_was_removed_since_comes_from_its_clone_and_one_that_is_not_here_is_named() {
    let (library, _inner) = library();
    let remove = |project: &Project| git_in(project.root(), &["rm", "--quiet", "tree/sub"]);
    let scene = applied_twice(|project| with_library(project, &library), remove);
    scene.applied(0);
    assert!(!scene.project.path("hosts/a/copy/sub").exists());
    let commit = scene.project.git_says(&["rev-parse", "HEAD~1"]);
    scene.cli(["rollback", commit.trim(), "--yes"]).any_stderr().success();
    assert_eq!(scene.project.read("hosts/a/copy/sub/word"), "outer one\n");
    std::fs::remove_dir_all(scene.project.path(".git/modules/lib")).expect("it was cloned");
    let refused = scene.cli(["rollback", commit.trim(), "--yes"]);
    let refused = refused.stderr_contains("error: submodule `tree/sub` is not here at its commit `");
    refused.stderr_contains("hint: `git submodule update --init --recursive` clones it").exit(1);
    assert_eq!(scene.project.git_says(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn a_submodule_that_nobody_cloned_is_left_out_as_in_the_work_tree() {
    let (library, _inner) = library();
    let scene = applied_twice(
        |project| {
            with_library(project, &library);
            project.commit("with a library");
            git_in(project.root(), &["submodule", "--quiet", "deinit", "--force", "--all"]);
            std::fs::remove_dir_all(project.path(".git/modules")).expect("clones");
        },
        |_| {},
    );
    scene.applied(0);
    scene.cli(["rollback", "--yes"]).any_stderr().success();
    assert_eq!(scene.project.read("hosts/a/copy/plain"), "one\n");
}

#[test]
fn links_modes_odd_names_and_what_archives_leave_out_are_as_they_were() {
    let odd = ["with blank", "quote'\"", "-n", "new\nline", "\u{fc}n\u{ef}"];
    let scene = applied_twice(
        |project| {
            odd.iter().for_each(|name| project.write(&format!("tree/{name}"), *name));
            project.write("tree/.gitattributes", "secret export-ignore\nplain text eol=lf\n");
            project.write("tree/secret", "not in archives\n");
            project.write("tree/run", "#!/bin/sh\n");
            let run = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(project.path("tree/run"), run).expect("it is ours");
            symlink("with blank", project.path("tree/link")).expect("a link");
        },
        |project| std::fs::remove_dir_all(project.path("tree")).expect("it goes"),
    );
    scene.applied(0);
    assert!(!scene.project.path("hosts/a/copy/run").exists());
    scene.cli(["rollback", "--yes"]).any_stderr().success();
    odd.iter().for_each(|name| assert_eq!(scene.project.read(&format!("hosts/a/copy/{name}")), *name));
    assert_eq!(scene.project.read("hosts/a/copy/secret"), "not in archives\n");
    let mode = scene.project.path("hosts/a/copy/run").metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    let link = std::fs::read_link(scene.project.path("hosts/a/copy/link")).expect("a link");
    assert_eq!(link, Path::new("with blank"));
}

#[test]
fn a_content_that_git_lfs_keeps_elsewhere_is_named() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    let scene = applied_twice(
        |project| {
            project.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
            project.write("tree/large.bin", pointer);
        },
        |project| std::fs::remove_file(project.path("tree/large.bin")).expect("it goes"),
    );
    scene.applied(0);
    let refused =
        scene.cli(["rollback", "--yes"]).stderr_contains("error: the content of `tree/large.bin` is not here");
    refused.stderr_contains("hint: git LFS keeps it: `git lfs install`").exit(1);
    assert_eq!(scene.project.read("hosts/a/copy/plain"), "two\n");
}
