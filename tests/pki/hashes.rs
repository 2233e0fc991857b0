//! Our subject hash is the one of openssl.

use super::{Bed, leaf, root};
use rhapsode::pki::{Authority, Subject, Want, inspect, read_certificates, trust};

/// Subjects as openssl writes them, of every string type and with everything that its canonical form folds.
const SUBJECTS: &[(&str, &str)] = &[
    ("plain", "/CN=web.internal"),
    ("upper", "/C=DE/ST=Berlin/L=Berlin/O=ACME GmbH/OU=Web  Team/CN=WEB.Internal"),
    ("blanks", "/O=  leading and   inner\tblanks /CN= x "),
    ("unicode", "/O=Grüße AG/CN=Ünïcode 漢字 ÄÖÜ"),
    ("printable", "/C=UN/CN=A-Z 0-9 '()+,-./:=?"),
    ("mail", "/CN=ada/emailAddress=Ada@Example.ORG"),
    ("domain", "/DC=Example/DC=ORG/CN=x"),
    ("several", "/CN=a+OU=b+O=c/CN=d"),
    ("twice", "/OU=one/OU=Two/OU=THREE/CN=x"),
    ("serial", "/serialNumber=AB 12/title=Dr  Who/CN=x"),
    (
        "long",
        "/O=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/OU=yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy/CN=z",
    ),
];

#[test]
fn the_hash_of_what_openssl_signed_is_that_of_openssl() {
    let bed = Bed::new();
    bed.openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "k.pem"]);
    for mask in ["utf8only", "default", "pkix", "nombstr"] {
        bed.write("openssl.cnf", format!("[req]\ndistinguished_name=dn\nstring_mask={mask}\n[dn]\n"));
        for (name, subject) in SUBJECTS {
            let words = [
                "req",
                "-new",
                "-x509",
                "-key",
                "k.pem",
                "-utf8",
                "-multivalue-rdn",
                "-config",
                "openssl.cnf",
                "-subj",
                subject,
                "-out",
                "c.pem",
            ];
            // Some masks have no type for some characters.
            let made =
                std::process::Command::new("openssl").current_dir(bed.root()).args(words).output().expect("openssl");
            if !made.status.success() && *name == "unicode" && mask == "nombstr" {
                continue;
            }
            assert!(made.status.success(), "{mask} {name}: {}", String::from_utf8_lossy(&made.stderr));
            let hash = bed.openssl(&["x509", "-noout", "-subject_hash", "-in", "c.pem"]);
            let der = read_certificates(&bed.read("c.pem")).expect("read").remove(0);
            assert_eq!(trust::subject_hash(&der).expect("a hash"), hash.trim_end(), "{mask} {name}");
            assert_eq!(inspect(&der).expect("read").subject_hash, hash.trim_end());
        }
    }
}

#[test]
fn the_hash_of_what_we_signed_is_that_of_openssl() {
    let bed = Bed::new();
    for (at, subject) in ["CN=Home", "CN=A  b,O=Ärger & Söhne,C=DE", "CN=x\\,y,OU= z,ST=S,L=L"].iter().enumerate() {
        let subject: Subject = subject.parse().expect("a subject");
        let name = format!("ca{at}");
        bed.ensure(&name, &Want::Root(Authority { subject, ..Authority::default() }));
        let said = bed.openssl(&["x509", "-noout", "-subject_hash", "-in", &format!("pki/{name}/certificate.pem")]);
        assert_eq!(bed.show(&name).seen.subject_hash, said.trim_end());
    }
}

#[test]
fn a_folder_of_links_by_hash_is_a_trust_store() {
    let bed = Bed::new();
    bed.ensure("home", &root());
    bed.ensure("home/web", &Want::Leaf(leaf("home", &["web.internal"])));
    std::fs::create_dir(bed.path("store")).expect("made");
    let certificate = bed.show("home");
    bed.write("store/home.pem", &certificate.pem);
    let link = bed.path(&format!("store/{}.0", certificate.seen.subject_hash));
    std::os::unix::fs::symlink("home.pem", link).expect("linked");
    let now = super::NOW.to_string();
    bed.openssl(&["verify", "-attime", &now, "-no-CAfile", "-CApath", "store", "pki/home/web/certificate.pem"]);
}
