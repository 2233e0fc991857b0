//! Many at once: nothing is lost, nothing is twice.

use super::{Bed, later, leaf, web};
use rhapsode::pki::Want;
use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};

/// Everything that is in the books, and everything that lies in the folders, fits.
fn consistent(bed: &Bed, expected: usize) {
    let books = bed.pki.issued("home/ca").expect("there");
    let serials: BTreeSet<&String> = books.iter().map(|issued| &issued.serial).collect();
    assert_eq!((books.len(), serials.len()), (expected, expected));
    for listed in bed.pki.list().expect("all fit") {
        bed.pki.verify(&listed.name, later(0)).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn eight_threads_issue_through_one_authority() {
    let bed = Bed::with_web();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let bed = &bed;
            scope.spawn(move || {
                // Half of them share what they were given, half have their own, as another process has.
                let own = bed.again();
                let pki = if thread % 2 == 0 { &bed.pki } else { &own };
                for at in 0..5 {
                    let want = Want::Leaf(leaf("home/ca", &["t.internal"]));
                    pki.ensure(&format!("home/t{thread}-{at}"), &want, later(0)).expect("issued");
                }
            });
        }
    });
    consistent(&bed, 41);
}

#[test]
fn what_all_ask_for_is_issued_once() {
    let bed = Bed::with_web();
    let want = Want::Leaf(leaf("home/ca", &["shared.internal"]));
    let serials: BTreeSet<String> = std::thread::scope(|scope| {
        let ask = || bed.again().ensure("home/shared", &want, later(0)).expect("issued").certificate.seen.serial;
        let all: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        all.into_iter().map(|thread| thread.join().expect("done")).collect()
    });
    assert_eq!(serials.len(), 1);
    consistent(&bed, 2);
}

fn issuing(bed: &Bed, who: &str) -> Child {
    let script = format!(
        "for n in 1 2 3 4 5 6; do {} pki issue -q home/{who}$n --ca home/ca --san {who}$n.internal || exit 1; done",
        env!("CARGO_BIN_EXE_rhapsode")
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(bed.root()).env("SOPS_AGE_KEY", bed.identity());
    shell.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("sh starts")
}

#[test]
fn two_processes_issue_through_one_authority() {
    let bed = Bed::with_web();
    let mut both = [issuing(&bed, "a"), issuing(&bed, "b")];
    for child in &mut both {
        assert!(child.wait().expect("it ends").success());
    }
    assert_eq!(bed.pki.list().expect("all fit").len(), 3 + 12);
    let books = bed.pki.issued("home/ca").expect("there");
    assert_eq!(books.len(), 13);
    assert!(bed.ensure("home/web", &web()).reasons.is_empty());
}
