//! `init`: what it makes works at once.

use crate::support::cli::Cli;
use crate::support::project::Project;

const MADE: [&str; 4] =
    ["rhapsode.yaml", "inventories/local.yaml", "inventories/group_data/all.yaml", "playbooks/hello.rhai"];

#[test]
fn a_new_project_checks_plans_and_applies_once() {
    let project = Project::new();
    Cli::new(["init"]).within(&project).stdout_contains("rhapsode plan playbooks/hello.rhai").success();
    Cli::new(["check"]).within(&project).stdout("1 playbook: no mistakes found\n").success();
    let hello = project.path(".rhapsode/hello/hello.txt");

    let plan = Cli::new(["plan", "playbooks/hello.rhai", "--json"]).within(&project).any_stderr().json(0);
    assert_eq!(plan["totals"]["changes"], 2, "{plan}");
    assert!(!hello.exists(), "a plan changes nothing");

    let apply = || {
        let apply = Cli::new(["apply", "playbooks/hello.rhai", "--yes", "--json"]);
        apply.within(&project).any_stderr().json(0)["totals"]["changes"].clone()
    };
    assert_eq!(apply(), 2);
    assert_eq!(project.read(".rhapsode/hello/hello.txt"), "Hello from local\n");
    assert_eq!(apply(), 0);

    project.write("inventories/group_data/all.yaml", "greeting: Ahoj\n");
    assert_eq!(apply(), 1);
    assert_eq!(project.read(".rhapsode/hello/hello.txt"), "Ahoj from local\n");
}

#[test]
fn a_folder_is_made_and_the_next_commands_enter_it() {
    let project = Project::new();
    let told = Cli::new(["init", "new project"]).within(&project).any_stdout().success().stdout;
    for made in MADE {
        assert!(project.path("new project").join(made).is_file(), "no {made}");
        assert!(told.contains(&format!("  new project/{made}\n")), "{told}");
    }
    assert!(told.contains("cd 'new project' && rhapsode plan playbooks/hello.rhai"), "{told}");
}

#[test]
fn nothing_is_overwritten_and_nothing_is_half_made() {
    let project = Project::new().file("playbooks/hello.rhai", "mine\n");
    let said = "error: `playbooks/hello.rhai` is there already\n\
                hint: init makes new projects only; name another folder\n";
    Cli::new(["init"]).within(&project).stderr(said).exit(1);
    assert_eq!(project.read("playbooks/hello.rhai"), "mine\n");
    assert!(!project.path("rhapsode.yaml").exists(), "a half-made project");
}

#[test]
fn the_ignored_files_of_a_repository_are_added_to_once() {
    let project = Project::new().file(".gitignore", "/target");
    Cli::new(["init", "-q"]).within(&project).success();
    assert_eq!(
        project.read(".gitignore"),
        "/target\n# History of runs, and what playbooks/hello.rhai makes\n.rhapsode/\n"
    );

    let known = Project::new().file(".gitignore", ".rhapsode/\n");
    Cli::new(["init", "-q"]).within(&known).success();
    assert_eq!(known.read(".gitignore"), ".rhapsode/\n");
}
