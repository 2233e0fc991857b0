//! Keys of authorities are known in whatever form they come.

use super::{Bed, below, later};
use rhapsode::pki::ssh::{AuthorityWant, KeyType as SshType, KeyWant, Ssh};
use rhapsode::pki::{Authority, Custody, KeyType, Want};
use rhapsode::secret::Inspect;
use std::process::Command;
use std::sync::Arc;

fn custody(bed: &Bed) -> Custody {
    Custody::of_projects([bed.root().to_owned()])
}

/// The authority whose key a text holds.
fn holds(bed: &Bed, text: &str) -> Option<String> {
    let error = custody(bed).inspect("x", text).err()?.to_string();
    let name = error.split('`').nth(3).unwrap_or_else(|| panic!("{error}"));
    assert!(error.starts_with("the secret `x` holds the key of the authority `"), "{error}");
    Some(name.to_owned())
}

fn key(bed: &Bed, name: &str) -> String {
    bed.pki.key(name).expect("a key").pem().to_string()
}

fn authority(ca: Option<&str>, key: KeyType) -> Want {
    let authority = Authority { ca: ca.map(str::to_owned), key: Some(key), ..Authority::default() };
    if ca.is_some() { Want::Intermediate(authority) } else { Want::Root(authority) }
}

/// The same text as files and other programs have it.
fn dressed(pem: &str) -> Vec<String> {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let indented: String = pem.lines().map(|line| format!("    {line}\n")).collect();
    let encoded = STANDARD.encode(pem);
    let wrapped: String =
        encoded.as_bytes().chunks(76).map(|line| format!("  {}\n", String::from_utf8_lossy(line))).collect();
    vec![
        pem.to_owned(),
        pem.replace('\n', "\r\n"),
        format!("a remark\n{pem}and more\n"),
        format!("other: 1\nkey: |\n{indented}last: word\n"),
        serde_json::json!({ "key": pem, "other": "word" }).to_string().replace('/', "\\/"),
        format!("KEY=\"{}\"\n", pem.replace('\n', "\\n")),
        format!("apiVersion: v1\ndata:\n  tls.key: {encoded}\n  other: eA==\n"),
        format!("data: |\n{wrapped}"),
        STANDARD.encode(format!("a: |\n{indented}")),
        STANDARD_NO_PAD.encode(STANDARD.encode(pem)),
        body,
    ]
}

#[test]
fn a_key_is_known_in_every_format() {
    let bed = Bed::new();
    bed.ensure("p384", &authority(None, KeyType::P384));
    bed.ensure("p256", &authority(Some("p384"), KeyType::P256));
    bed.ensure("ed25519", &authority(Some("p384"), KeyType::Ed25519));
    bed.ensure("rsa", &authority(Some("p384"), KeyType::Rsa2048));
    for name in ["p384", "p256", "ed25519", "rsa"] {
        bed.write("key.pem", key(&bed, name));
        let mut forms = vec![bed.read("key.pem")];
        match name {
            "p384" | "p256" => {
                forms.push(bed.openssl(&["ec", "-in", "key.pem"]));
                forms.push(bed.openssl(&["ec", "-in", "key.pem", "-no_public"]));
                forms.push(bed.openssl(&["ec", "-in", "key.pem", "-param_enc", "explicit"]));
            }
            "rsa" => forms.push(bed.openssl(&["rsa", "-in", "key.pem", "-traditional"])),
            _ => {}
        }
        for form in forms.iter().flat_map(|form| dressed(form)) {
            assert_eq!(holds(&bed, &form).as_deref(), Some(name), "{form}");
        }
    }
}

#[test]
fn a_key_of_openssh_is_known_in_its_own_format_and_in_others() {
    let bed = Bed::new();
    let ssh = Ssh::with(Arc::new(bed.store()));
    for (name, kind) in [("ed", SshType::Ed25519), ("p256", SshType::EcdsaP256), ("p384", SshType::EcdsaP384)] {
        let want: AuthorityWant = KeyWant { kind: Some(kind), ..KeyWant::default() };
        ssh.ensure_authority(name, &want).expect("made");
        let key = bed.store().get(&format!("pki/ssh/{name}/key")).expect("kept");
        let key = String::from_utf8(key.to_vec()).expect("text");
        let authority = format!("ssh/{name}");
        for form in dressed(&key) {
            assert_eq!(holds(&bed, &form), Some(authority.clone()), "{form}");
        }
        let file = bed.write("key", &key);
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
        let changed = |words: &[&str]| {
            let done = Command::new("ssh-keygen").arg("-q").arg("-f").arg(&file).args(words).status();
            assert!(done.expect("ssh-keygen starts").success());
            holds(&bed, &bed.read("key"))
        };
        // Its public half is not encrypted.
        assert_eq!(changed(&["-p", "-P", "", "-N", "a passphrase"]), Some(authority.clone()));
        if kind != SshType::Ed25519 {
            assert_eq!(changed(&["-p", "-P", "a passphrase", "-N", "", "-m", "PEM"]), Some(authority.clone()));
            assert_eq!(changed(&["-p", "-P", "", "-N", "", "-m", "PKCS8"]), Some(authority.clone()));
        }
    }
}

#[test]
fn keys_of_a_rotation_are_known_at_every_stage() {
    let bed = Bed::with_web();
    let first = key(&bed, "home");
    bed.pki.rotate("home", None, later(0)).expect("announced");
    let store = bed.store();
    let next = String::from_utf8(store.get("pki/home/key-2").expect("kept").to_vec()).expect("text");
    let both = || assert_eq!([holds(&bed, &first), holds(&bed, &next)].map(Option::unwrap), ["home", "home"]);
    both();
    bed.pki.rotate("home", None, later(0)).expect("switched");
    both();
    bed.ensure("home/ca", &below("home"));
    bed.pki.rotate("home", None, later(0)).expect("retired");
    both();
}

#[test]
fn other_keys_and_texts_are_left_alone() {
    let bed = Bed::with_web();
    bed.openssl(&["genpkey", "-algorithm", "ed25519", "-out", "other.pem"]);
    bed.openssl(&["genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:secp521r1", "-out", "p521.pem"]);
    for text in [
        key(&bed, "home/web"),
        bed.read("other.pem"),
        bed.read("p521.pem"),
        bed.read("pki/home/certificate.pem"),
        bed.openssl(&["ec", "-in", "p521.pem", "-aes256", "-passout", "pass:x"]),
        "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n".into(),
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", "MIGH".repeat(30)),
        "x".repeat(100_000),
        String::new(),
    ] {
        assert_eq!(holds(&bed, &text), None, "{text}");
    }
}

#[test]
fn where_authorities_cannot_be_read_no_key_goes_out() {
    let bed = Bed::with_web();
    let (root_key, web) = (key(&bed, "home"), key(&bed, "home/web"));
    bed.write("pki/home/ca/certificate.pem", "<<<<<<< HEAD\n");
    assert_eq!(holds(&bed, &root_key).as_deref(), Some("home"), "it is known all the same");
    let error = custody(&bed).inspect("x", &web).expect_err("not known");
    assert!(error.to_string().contains("whether it is that of an authority cannot be told"), "{error}");
    custody(&bed).inspect("x", "a password").expect("no key");
}
