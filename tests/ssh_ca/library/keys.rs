//! Key pairs, and lists of them.

use super::{Bed, want};
use crate::secrets::run;
use rhapsode::pki::ssh::{KeyType, KeyWant, Ssh, authorized_keys};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn keys_of_every_type_are_those_of_openssh() {
    let bed = Bed::new();
    let types = [
        (KeyType::Ed25519, "256 ", "(ED25519)"),
        (KeyType::EcdsaP256, "256 ", "(ECDSA)"),
        (KeyType::EcdsaP384, "384 ", "(ECDSA)"),
        (KeyType::Rsa, "3072 ", "(RSA)"),
    ];
    for (kind, bits, family) in types {
        let name = format!("team/{kind}");
        let (pair, reasons) = bed.ssh.ensure_key(&name, &want(kind, None)).expect("a key");
        assert_eq!(reasons, [format!("a new {kind} key")]);
        let private = bed.folder.path().join("private");
        std::fs::write(&private, bed.store.get(&pair.secret).expect("kept").as_slice()).expect("written");
        std::fs::set_permissions(&private, PermissionsExt::from_mode(0o600)).expect("set");
        let public = run(Command::new("ssh-keygen").arg("-y").arg("-f").arg(&private)).stdout;
        let public = String::from_utf8(public).expect("text");
        let file = bed.read(&format!("{name}.pub"));
        assert!(file.starts_with(public.trim_end()) && file.ends_with(" ada@laptop\n"), "{file} {public}");
        let list = run(Command::new("ssh-keygen").arg("-l").arg("-f").arg(bed.path(&format!("{name}.pub")))).stdout;
        let list = String::from_utf8(list).expect("text");
        assert!(
            list.starts_with(bits) && list.contains(&pair.fingerprint().to_string()) && list.contains(family),
            "{list}"
        );
        assert_eq!(bed.ssh.ensure_key(&name, &want(kind, None)).expect("there").1, Vec::<String>::new());
    }
    let secrets = bed.folder.path().join("secrets/pki/ssh/team/ed25519.sops.yaml");
    let secrets = std::fs::read_to_string(secrets).expect("a file");
    assert!(secrets.contains("key: ENC[") && !secrets.contains("OPENSSH"), "{secrets}");
}

#[test]
fn an_authority_of_4096_bits_certifies_for_openssh() {
    let bed = Bed::new();
    let (pair, _) = bed.ssh.ensure_authority("ca", &want(KeyType::Rsa, Some(4096))).expect("an authority");
    let list = run(Command::new("ssh-keygen").arg("-l").arg("-f").arg(bed.path("ca.pub"))).stdout;
    assert!(list.starts_with(b"4096 ") && list.ends_with(b"(RSA)\n"), "{}", String::from_utf8_lossy(&list));
    let private = bed.folder.path().join("private");
    std::fs::write(&private, bed.store.get(&pair.secret).expect("kept").as_slice()).expect("written");
    std::fs::set_permissions(&private, PermissionsExt::from_mode(0o600)).expect("set");
    run(Command::new("ssh-keygen").arg("-y").arg("-f").arg(&private));
    let wanted = bed.user(&["ada"]);
    let (issued, _) = bed.ssh.ensure_certificate("ca", "ada", &wanted, super::now()).expect("issued");
    let shown = super::shown(&issued.path);
    assert!(shown.contains(&format!("Signing CA: RSA {} (using rsa-sha2-512)", pair.fingerprint())), "{shown}");
}

#[test]
fn a_key_is_never_replaced_and_a_lost_public_half_comes_back() {
    let bed = Bed::new();
    let (pair, _) = bed.ssh.ensure_key("deploy", &KeyWant::default()).expect("a key");
    let refused = bed.ssh.ensure_key("deploy", &want(KeyType::Rsa, None)).expect_err("another type");
    assert!(refused.to_string().contains("is of the type `ssh-ed25519`, not `rsa`"), "{refused}");
    std::fs::remove_file(bed.path("deploy.pub")).expect("removed");
    let (again, reasons) = bed.ssh.ensure_key("deploy", &KeyWant::default()).expect("a key");
    assert_eq!((again.line(), reasons.len()), (pair.line(), 1));
    let comment = KeyWant { comment: Some("deploy@home".into()), ..KeyWant::default() };
    let (renamed, reasons) = bed.ssh.ensure_key("deploy", &comment).expect("a key");
    assert_eq!(reasons, ["comment `deploy` => `deploy@home`"]);
    assert_eq!(renamed.fingerprint(), pair.fingerprint());
    for bad in ["", "../x", "a//b", "/etc/x", ".git/x", "a b", "-f"] {
        assert!(bed.ssh.ensure_key(bad, &KeyWant::default()).is_err(), "{bad:?}");
    }
    assert!(bed.ssh.ensure_key("weak", &want(KeyType::Rsa, Some(1024))).is_err());
}

#[test]
fn a_list_without_a_final_newline_loses_no_key() {
    let bed = Bed::new();
    let line = |name: &str| bed.ssh.ensure_key(name, &KeyWant::default()).expect("a key").0.line();
    let (ada, bob, provision) = (line("ada"), line("bob"), line("provision"));
    let developers = format!("# the team\n{ada}\nno-pty,command=\"a b\" {bob}");
    let merged = authorized_keys([("developers", developers.as_str()), ("own", &provision), ("own", &ada)]);
    assert_eq!(merged.expect("a list"), format!("{ada}\nno-pty,command=\"a b\" {bob}\n{provision}\n"));
    let glued = authorized_keys([("developers", "ssh-ed25519 AAAA ada")]).expect_err("no key");
    assert!(glued.to_string().contains("line 1 of developers"), "{glued}");
}

#[test]
fn without_recipients_the_way_to_them_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = Ssh::of_project(folder.path()).look_key("a", &KeyWant::default()).expect_err("no recipients");
    assert_eq!(refused.hint.as_deref(), Some("run `rhapsode secret init`, which takes your ssh or age key"));
}
