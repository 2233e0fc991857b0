//! Every example can be run as it stands: names, arguments, types, files.

use super::{Fence, fences, files, markdown, root, shown};
use crate::support::cli::Cli;
use crate::support::project::Project;
use rhapsode::inventory::Loader;
use rhapsode::script::{self, RhaiInventories, World};
use std::fs;
use std::sync::Arc;

/// Files on this machine that examples name. An example that names another one fails until it stands here.
const FILES: &[&str] = &["templates/app.conf.j2", "files/app.bin", "files/www/index.html", "files/migrate.sh"];

/// A project with the files that examples name, and the modules of this repository.
pub fn project() -> Project {
    let project = FILES.iter().fold(Project::new(), |project, file| project.file(file, "text\n"));
    std::os::unix::fs::symlink(root().join("modules"), project.path("modules")).expect("a link");
    project
}

/// What is wrong with an example, as `check` says it.
fn mistake(world: &World, fence: &Fence) -> Option<String> {
    // A handler may be defined elsewhere in the playbook that an example is part of.
    let text = format!("{}let elsewhere = \"\"; handler(elsewhere, || ());", fence.text);
    let failure = script::check_text(world, &text, &fence.page).err()?;
    let at = failure.at.unwrap_or_else(|| format!("{}:{}", fence.page, fence.line));
    let hint = failure.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
    Some(format!("{at}: {}{hint}", failure.message))
}

#[test]
fn every_example_of_a_playbook_passes_the_check() {
    let project = project();
    let world = World::alone(script::Project::new(project.root()));
    let mut examples: Vec<Fence> = markdown().iter().flat_map(|page| fences(page, "rhai", None)).collect();
    for script in scripts() {
        examples.extend(fences(&script, "rhai", Some("//!")));
        examples.extend(fences(&script, "rhai", Some("///")));
    }
    examples.retain(|example| !is_inventory(example));
    assert!(examples.len() >= 40, "only {} examples were found", examples.len());
    let wrong: Vec<String> = examples.iter().filter_map(|example| mistake(&world, example)).collect();
    assert!(wrong.is_empty(), "{} of {} examples:\n{}", wrong.len(), examples.len(), wrong.join("\n"));
}

/// Rhai reads `\n` between back-quotes as two letters: an example that has it does not do what it seems to.
#[test]
fn no_text_between_back_quotes_has_an_escape() {
    let mut scripts: Vec<Fence> = markdown().iter().flat_map(|page| fences(page, "rhai", None)).collect();
    let whole = |path: &std::path::PathBuf| Fence {
        page: shown(path),
        line: 1,
        text: fs::read_to_string(path).expect("a script"),
    };
    scripts.extend(self::scripts().iter().map(whole));
    scripts.extend(files(&root().join("src/cli/init"), "rhai").iter().map(whole));
    for script in scripts {
        let code = script.text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in code.enumerate().filter(|(_, line)| line.matches('`').count() % 2 == 0) {
            let quoted = line.split('`').skip(1).step_by(2).find(|text| text.contains('\\'));
            assert_eq!(quoted, None, "{}, line {} of its code", script.page, number + 1);
        }
    }
}

#[test]
fn every_file_that_is_made_for_examples_is_named_by_one() {
    let examples: Vec<Fence> = markdown().iter().flat_map(|page| fences(page, "rhai", None)).collect();
    for file in FILES {
        let folder = file.rsplit_once('/').map_or(*file, |(folder, _)| folder);
        let named = |example: &Fence| example.text.contains(file) || example.text.contains(&format!("\"{folder}\""));
        assert!(examples.iter().any(named), "no example names `{file}`");
    }
}

#[test]
fn every_shipped_playbook_passes_the_check_with_the_inventories_it_is_for() {
    for inventory in ["inventories/docker_staging.yaml", "inventories/production.yaml"] {
        Cli::new(["check", "-i", inventory]).within_folder(root()).stdout_contains("no mistakes found").success();
    }
    let quickstart = ["check", "-i", "inventories/local.yaml", "playbooks/quickstart.rhai"];
    Cli::new(quickstart).within_folder(root()).stdout("1 playbook: no mistakes found\n").success();
}

#[test]
fn every_shipped_module_passes_the_check() {
    let world = World::alone(script::Project::new(root()));
    let modules = files(&root().join("modules"), "rhai");
    assert!(modules.len() >= 3, "only {modules:?} were found");
    let check = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).expect("a module");
        mistake(&world, &Fence { page: shown(path), line: 1, text })
    };
    // Its templates may use data of the inventory; those are checked with the playbooks that import it.
    let wrong: Vec<String> =
        modules.iter().filter_map(check).filter(|wrong| !wrong.contains("undefined variable")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_of_an_inventory_loads() {
    let examples: Vec<(Fence, &str)> = markdown()
        .iter()
        .flat_map(|page| {
            let yaml = fences(page, "yaml", None).into_iter().map(|fence| (fence, "yaml"));
            yaml.chain(fences(page, "rhai", None).into_iter().filter(is_inventory).map(|fence| (fence, "rhai")))
        })
        .collect();
    assert!(examples.len() >= 5, "only {} examples were found", examples.len());
    let wrong: Vec<String> = examples.iter().filter_map(|(fence, form)| refused(fence, form)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with an inventory, or with a file of data beside one.
fn refused(fence: &Fence, form: &str) -> Option<String> {
    let data = fence.text.lines().find_map(|line| line.strip_prefix("# ")).filter(|path| path.contains("_data/"));
    let project = match data {
        None => Project::new().file(&format!("inventories/example.{form}"), &fence.text),
        Some(path) => {
            let group = path.rsplit_once('/').and_then(|(_, file)| file.strip_suffix(".yaml")).expect("a data file");
            let inventory = format!("hosts: {{ one: {{}} }}\ngroups: {{ {group}: {{ hosts: [one] }} }}\n");
            let inventory = if group == "all" { "hosts: { one: {} }\n".to_owned() } else { inventory };
            let base = "packages: []\napp: {}\n";
            let project = Project::new().file("inventories/example.yaml", inventory);
            project.file("inventories/group_data/all.yaml", base).file(path, &fence.text)
        }
    };
    let known = script::Project::new(project.root());
    let mut scripts = RhaiInventories::new(Arc::clone(&known));
    let named = if data.is_some() { "inventories/example.yaml".into() } else { format!("inventories/example.{form}") };
    let loaded = Loader::new(&known.root).rhai(&mut scripts).load(&[named]);
    match loaded {
        Ok(loaded) if loaded.hosts().next().is_some() => None,
        Ok(_) => Some(format!("{}:{}: no host", fence.page, fence.line)),
        Err(error) => Some(format!("{}: {error} ({:?})", fence.page, error.position())),
    }
}

/// A script that declares hosts, as `inventories/*.rhai` do.
fn is_inventory(fence: &Fence) -> bool {
    fence.text.contains("\ndefaults(#{")
}

fn scripts() -> Vec<std::path::PathBuf> {
    let mut scripts = files(&root().join("playbooks"), "rhai");
    scripts.extend(files(&root().join("modules"), "rhai"));
    scripts
}
