//! The commands that bring a working tree to its goal.

use super::refs::Goal;
use super::repo::Repo;
use crate::remote::{Command, quote};

const AS: &str = include_str!("as.sh");

/// Runs a script of git as `owner`; `d` is the working tree, `u` the URL. The first line says what it is about,
/// since an error shows no more.
fn run(repo: &Repo, verb: &str, owner: &str, script: &str) -> Command {
    let ssh = match &repo.key {
        Some(key) => {
            let command = format!("ssh -i {} -o IdentitiesOnly=yes -o BatchMode=yes", quote(key));
            format!("export GIT_SSH_COMMAND={}\n", quote(&command))
        }
        None => String::new(),
    };
    Command::script(format!(
        "# git {verb} {}\n{AS}export d={} u={}\n{ssh}as {} {}",
        quote(&repo.url),
        quote(&repo.dest),
        quote(&repo.url),
        quote(owner),
        quote(script)
    ))
}

/// Asks the remote for one ref.
pub fn ask(repo: &Repo, owner: &str) -> Command {
    let names = match &repo.reference {
        Some(name) => format!(
            "{} {} {}",
            quote(&format!("refs/heads/{name}")),
            quote(&format!("refs/tags/{name}")),
            quote(&format!("refs/tags/{name}^{{}}"))
        ),
        None => String::new(),
    };
    run(repo, "ls-remote", owner, &format!("git ls-remote --symref -- \"$u\" HEAD {names}"))
}

/// Makes the folder, as the user who runs us, for the user who will own it.
pub fn make_folder(repo: &Repo, owner: &str) -> Command {
    let dest = quote(&repo.dest);
    let chown = if owner.is_empty() { String::new() } else { format!(" && chown {} {dest}", quote(owner)) };
    Command::script(format!("[ -d {dest} ] || {{ mkdir -p -- {dest}{chown}; }}"))
}

/// A new working tree. What a failed fetch leaves behind is removed: a folder with a `.git` would look like ours.
pub fn clone(repo: &Repo, goal: &Goal, owner: &str) -> Command {
    let script = format!(
        "git init -q \"$d\" && cd \"$d\" && git remote add origin \"$u\" && {} || {{ c=$?; cd /; rm -rf -- \"$d/.git\"; \
         rmdir -- \"$d\" 2>/dev/null; exit $c; }}\n{}{}",
        fetch(repo, goal),
        checkout(repo, goal),
        modules(repo)
    );
    run(repo, "clone", owner, &script)
}

/// An existing working tree at another goal.
pub fn update(repo: &Repo, goal: &Goal, owner: &str) -> Command {
    let script = format!("cd \"$d\" && {} || exit\n{}{}", fetch(repo, goal), checkout(repo, goal), modules(repo));
    run(repo, "checkout", owner, &script)
}

/// Another URL for `origin`.
pub fn set_origin(repo: &Repo, owner: &str, had_one: bool) -> Command {
    let verb = if had_one { "set-url" } else { "add" };
    run(repo, "remote", owner, &format!("git -C \"$d\" remote {verb} origin \"$u\""))
}

/// Submodules at the commits that the tree asks for.
pub fn update_modules(repo: &Repo, owner: &str) -> Command {
    run(repo, "submodule", owner, &format!("cd \"$d\" || exit\n{}", modules(repo)))
}

fn fetch(repo: &Repo, goal: &Goal) -> String {
    let all = "'+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*'".to_owned();
    let (depth, refs) = match (repo.depth, goal) {
        (None, _) => (String::new(), all),
        (Some(depth), Goal::Branch { name, .. }) => {
            (format!(" --depth {depth}"), quote(&format!("+refs/heads/{name}:refs/remotes/origin/{name}")))
        }
        (Some(depth), Goal::Tag { name, .. }) => {
            (format!(" --depth {depth}"), quote(&format!("+refs/tags/{name}:refs/tags/{name}")))
        }
        (Some(depth), Goal::Commit(commit)) => (format!(" --depth {depth}"), quote(commit)),
    };
    let fetch = format!("git fetch -q{depth} origin {refs}");
    match goal {
        // Not every commit hangs on a branch or tag; servers may give it when asked by name.
        Goal::Commit(commit) if repo.depth.is_none() => {
            let commit = quote(commit);
            format!(
                "{fetch} && {{ git cat-file -e {commit}'^{{commit}}' 2>/dev/null || git fetch -q origin {commit}; }}"
            )
        }
        _ => fetch,
    }
}

fn checkout(repo: &Repo, goal: &Goal) -> String {
    let force = if repo.force { " -f" } else { "" };
    match goal {
        Goal::Branch { name, .. } => {
            let (branch, remote) = (quote(name), quote(&format!("refs/remotes/origin/{name}")));
            format!(
                "git checkout -q{force} -B {branch} {remote} && git branch -q --set-upstream-to={remote} {branch} || exit\n"
            )
        }
        Goal::Tag { name, .. } => {
            format!("git checkout -q{force} --detach {} || exit\n", quote(&format!("refs/tags/{name}^{{commit}}")))
        }
        Goal::Commit(commit) => format!("git checkout -q{force} --detach {} || exit\n", quote(commit)),
    }
}

fn modules(repo: &Repo) -> String {
    if !repo.submodules {
        return String::new();
    }
    let force = if repo.force { " --force" } else { "" };
    let depth = repo.depth.map(|depth| format!(" --depth {depth}")).unwrap_or_default();
    format!("git submodule sync -q --recursive && git submodule update -q --init --recursive{force}{depth}\n")
}
