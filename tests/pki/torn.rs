//! A run that ends in the middle is finished by the next one.

use super::{Bed, below, later, root, web};
use rhapsode::pki::{Pki, PkiError, Want};

/// Puts a project into every state that a crash can leave while something is done: after each step of it, the files that
/// were written before it are as they are then, and all later ones as they were.
fn interrupted(bed: &Bed, done: impl Fn(&Pki)) -> Vec<(usize, Bed)> {
    let before = files(bed);
    done(&bed.pki);
    let after = files(bed);
    // The order in which they are written: the mark, the key, the books of the issuer, certificate, chain, record.
    let rank = |path: &str, name: &str| match path {
        _ if path.starts_with("secrets/") => 1,
        _ if path.ends_with("record.json") && !path.contains(name) => 2,
        _ if path.ends_with("certificate.pem") => 3,
        _ if path.ends_with("chain.pem") => 4,
        _ => 5,
    };
    let mut changed: Vec<&String> = after.keys().filter(|path| before.get(*path) != after.get(*path)).collect();
    let target = changed
        .iter()
        .filter_map(|path| path.strip_suffix("/certificate.pem"))
        .next()
        .expect("one is issued")
        .to_owned();
    changed.sort_by_key(|path| rank(path, &format!("{target}/record.json")));
    (0..=changed.len())
        .map(|steps| {
            let state = bed.copy();
            for path in after.keys().filter(|path| !before.contains_key(*path)) {
                std::fs::remove_file(state.path(path)).expect("removed");
            }
            for (path, content) in &before {
                state.write(path, content);
            }
            for path in &changed[..steps] {
                std::fs::create_dir_all(state.path(path).parent().expect("below")).expect("made");
                state.write(path, &after[*path]);
            }
            std::fs::create_dir_all(state.path(&target)).expect("made");
            state.write(&format!("{target}/.unfinished"), "");
            (steps, state)
        })
        .collect()
}

type Files = std::collections::BTreeMap<String, Vec<u8>>;

fn files(bed: &Bed) -> Files {
    fn walk(root: &std::path::Path, folder: &std::path::Path, found: &mut Files) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => walk(root, &path, found),
                path => {
                    let name = path.strip_prefix(root).expect("below").display().to_string();
                    found.insert(name, std::fs::read(&path).expect("read"));
                }
            }
        }
    }
    let mut found = Files::new();
    ["pki", "secrets"]
        .iter()
        .map(|folder| bed.path(folder))
        .filter(|folder| folder.exists())
        .for_each(|folder| walk(bed.root(), &folder, &mut found));
    found
}

#[test]
fn a_certificate_that_was_being_renewed_is_issued_after_a_crash_at_any_step() {
    let bed = Bed::with_web();
    let states = interrupted(&bed, |pki| drop(pki.renew("home/web", later(0)).expect("renewed")));
    assert!(states.len() >= 6, "{}", states.len());
    for (steps, state) in states {
        assert!(matches!(state.pki.show("home/web"), Err(PkiError::Unfinished { .. })), "step {steps}");
        assert_eq!(state.reasons("home/web", &web(), 0), ["an earlier run was interrupted"], "step {steps}");
        state.ensure("home/web", &web());
        assert!(state.ensure("home/web", &web()).reasons.is_empty(), "step {steps}");
        state.pki.verify("home/web", later(0)).unwrap_or_else(|error| panic!("step {steps}: {error}"));
        assert!(!state.path("pki/home/web/.unfinished").exists());
    }
}

#[test]
fn a_first_certificate_is_issued_after_a_crash_at_any_step() {
    let bed = Bed::new();
    bed.ensure("home", &root());
    bed.ensure("home/ca", &below("home"));
    for (steps, state) in interrupted(&bed, |pki| drop(pki.ensure("home/web", &web(), later(0)).expect("issued"))) {
        state.ensure("home/web", &web());
        state.pki.verify("home/web", later(0)).unwrap_or_else(|error| panic!("step {steps}: {error}"));
        for issued in state.pki.issued("home/ca").expect("there") {
            assert_eq!(issued.name, "home/web", "books may tell of more than there is, never of less");
        }
    }
}

#[test]
fn an_authority_keeps_its_key_and_its_books_through_a_crash_at_any_step() {
    let bed = Bed::with_web();
    let (key, books) = (bed.pki.key("home/ca").expect("kept"), bed.pki.issued("home/ca").expect("there"));
    for (steps, state) in interrupted(&bed, |pki| drop(pki.renew("home/ca", later(0)).expect("renewed"))) {
        let issued = state.reasons("home/web", &web(), 0);
        assert_eq!(issued, ["its authority `home/ca` is not made yet"], "step {steps}");
        state.ensure("home/ca", &below("home"));
        assert_eq!(state.pki.key("home/ca").expect("kept").der(), key.der(), "step {steps}");
        assert_eq!(state.pki.issued("home/ca").expect("there"), books);
        state.ensure("home/web", &web());
        state.pki.verify("home/web", later(0)).unwrap_or_else(|error| panic!("step {steps}: {error}"));
    }
}

#[test]
fn a_root_that_was_being_made_has_the_key_that_was_kept() {
    let bed = Bed::new();
    for (steps, state) in interrupted(&bed, |pki| drop(pki.ensure("home", &root(), later(0)).expect("made"))) {
        let had = state.path("secrets/pki/home.sops.yaml").exists().then(|| bed.pki.key("home").expect("kept"));
        state.ensure("home", &root());
        if let Some(had) = had {
            assert_eq!(state.pki.key("home").expect("kept").der(), had.der(), "step {steps}");
        }
        state.pki.verify("home", later(0)).expect("good");
    }
}

#[test]
fn a_switch_of_roots_that_was_interrupted_is_done_again() {
    let bed = Bed::with_web();
    bed.pki.rotate("home", None, later(0)).expect("announced");
    for (steps, state) in interrupted(&bed, |pki| drop(pki.rotate("home", None, later(0)).expect("switched"))) {
        let Want::Root(want) = root() else { unreachable!("it is one") };
        state.ensure("home", &Want::Root(want));
        let certificate = state.show("home");
        while state.pki.rotate("home", None, later(0)).is_ok_and(|told| told.stage.is_some()) {}
        state.ensure("home/ca", &below("home"));
        state.ensure("home/web", &web());
        state.pki.verify("home/web", later(0)).unwrap_or_else(|error| panic!("step {steps}: {error}"));
        drop(certificate);
    }
}

#[test]
fn a_key_without_its_certificate_is_not_overwritten() {
    let bed = Bed::with_web();
    std::fs::remove_dir_all(bed.path("pki/home/ca")).expect("removed");
    let error = bed.refused("home/ca", &below("home"));
    assert!(error.to_string().contains("but its certificate is gone"), "{error}");
    assert!(error.hint().expect("a hint").contains("rhapsode secret rm pki/home/ca/key"));
    std::fs::remove_dir_all(bed.path("pki/home/web")).expect("removed");
    std::fs::remove_file(bed.path("secrets/pki/home/ca.sops.yaml")).expect("removed");
    bed.ensure("home/ca", &below("home"));
    bed.ensure("home/web", &web());
    bed.verifies("home/web", &[]);
}

#[test]
fn a_lost_key_of_a_certificate_is_made_again_and_that_of_an_authority_is_told() {
    let bed = Bed::with_web();
    std::fs::remove_file(bed.path("secrets/pki/home/web.sops.yaml")).expect("removed");
    assert_eq!(bed.ensure("home/web", &web()).reasons, ["its private key is not among the secrets"]);
    bed.pki.verify("home/web", later(0)).expect("good");
    std::fs::copy(bed.path("secrets/pki/home/web.sops.yaml"), bed.path("secrets/pki/home/ca.sops.yaml"))
        .expect("copied");
    let error = bed.pki.key("home/ca").expect_err("that of another one");
    assert!(error.to_string().contains("is not that of its certificate"), "{error}");
    std::fs::remove_file(bed.path("secrets/pki/home/ca.sops.yaml")).expect("removed");
    let error = bed.pki.look("home/ca", &below("home"), later(0)).expect_err("it is gone");
    assert!(error.to_string().contains("is not among the secrets"), "{error}");
}

#[test]
fn what_is_half_made_stays_so_while_its_key_cannot_be_kept() {
    let bed = Bed::with_web();
    let half = bed.copy();
    half.pki.renew("home/web", later(0)).expect("renewed");
    bed.write("pki/home/web/certificate.pem", half.read("pki/home/web/certificate.pem"));
    bed.write("pki/home/web/.unfinished", "");
    let secrets = bed.read("secrets/pki/home/web.sops.yaml");
    bed.write("secrets/pki/home/web.sops.yaml", "torn");
    bed.pki.ensure("home/web", &web(), later(0)).expect_err("its key cannot be kept");
    bed.write("secrets/pki/home/web.sops.yaml", secrets);
    bed.ensure("home/web", &web());
    bed.pki.verify("home/web", later(0)).expect("good again");
}
