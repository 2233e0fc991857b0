//! The words of `pki ...`.

use super::super::merging::MergeWords;
use crate::pki::{Authority, KeyType, Leaf, NameConstraint, PkiError, Reason, San, Span, Subject, Use, Want};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `pki ...`
#[derive(Debug, Subcommand)]
pub enum PkiVerb {
    /// Make an authority: a root, or with `--ca` one below another
    Init(AuthorityWords),
    /// Issue a certificate; again with the same words it changes nothing
    Issue(LeafWords),
    /// Issue certificates again as they were wanted last; authorities keep their keys
    Renew {
        /// Their names
        #[arg(required_unless_present = "due")]
        names: Vec<String>,
        /// All whose time has come
        #[arg(long, conflicts_with = "names")]
        due: bool,
    },
    /// Take a certificate back, and make the revocation list that tells it
    Revoke {
        /// Its name, or its serial in hexadecimal
        #[arg(value_name = "NAME|SERIAL")]
        which: String,
        /// Why: key_compromise, superseded, cessation_of_operation, certificate_hold, remove_from_crl (lifts a hold) ...
        #[arg(long, default_value = "unspecified", value_parser = parsed::<Reason>)]
        reason: Reason,
    },
    /// List certificates, those of OpenSSH too, and revocation lists with the days they have left
    List {
        /// Only those that expire within this time; exit 2 when there are some
        #[arg(long, value_name = "TIME", value_parser = parsed::<Span>)]
        expiring: Option<Span>,
        /// What this authority ever issued, instead of what there is now
        #[arg(long, value_name = "NAME", conflicts_with = "expiring")]
        issued_by: Option<String>,
    },
    /// Show what stands in a certificate
    Show {
        /// Its name, or a file in PEM
        #[arg(value_name = "NAME|FILE")]
        which: String,
    },
    /// Write a certificate, its chain, its trust bundle or its key
    Export {
        /// Its name
        name: String,
        /// What of it
        #[arg(value_enum, default_value = "fullchain")]
        what: Part,
        /// The file; stdout when none is given
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Show a private key or a password though stdout is no terminal
        #[arg(long)]
        reveal: bool,
        /// Of a bundle: more certificates to trust, in PEM; may be repeated
        #[arg(long, value_name = "FILE")]
        extra: Vec<PathBuf>,
        /// Of a PKCS#12 file: what programs show its key as
        #[arg(long, value_name = "TEXT")]
        friendly_name: Option<String>,
    },
    /// Verify certificates up to their root, with revocation lists and private keys
    Verify {
        /// Their names; all when none is given
        names: Vec<String>,
    },
    /// Make revocation lists where they tell too little or end soon
    Crl {
        /// Authorities; all that revoked something or have a list when none is given
        names: Vec<String>,
    },
    /// Go on with the rotation of a root: make the next one, have it issue, retire the previous one
    Rotate(RotateWords),
    /// Merge three sides of a record or a revocation list: what git calls
    #[command(hide = true)]
    Merge(MergeWords),
}

/// What of a certificate is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The certificate alone
    Cert,
    /// Its issuers, without the root
    Chain,
    /// The certificate and its issuers, without the root
    Fullchain,
    /// The roots to trust
    Bundle,
    /// A PKCS#12 file with certificate, chain and key
    P12,
    /// The password of that file
    Password,
    /// The private key, encrypted by that password
    EncryptedKey,
    /// The private key
    Key,
}

/// Words of an authority.
#[derive(Debug, Args)]
pub struct AuthorityWords {
    /// Its name: letters, digits, `.`, `_`, `-`, and `/` for folders
    pub name: String,
    /// The authority above; without one it is a root
    #[arg(long, value_name = "NAME")]
    pub ca: Option<String>,
    #[command(flatten)]
    pub common: CommonWords,
    /// A name of its own: `dns:ca.internal`; may be repeated
    #[arg(long, value_name = "SAN", value_parser = parsed::<San>)]
    pub san: Vec<San>,
    /// What it may issue certificates for (default anything)
    #[arg(long = "use", value_name = "USE", value_enum)]
    pub usage: Option<UseWord>,
    /// How many authorities may follow below it
    #[arg(long, value_name = "N")]
    pub path_length: Option<u8>,
    /// Names it may certify: `dns:internal`, `ip:10.0.0.0/8`, `email:example.org`; may be repeated
    #[arg(long, value_name = "NAMES", value_parser = parsed::<NameConstraint>)]
    pub permit: Vec<NameConstraint>,
    /// Names it may not certify; may be repeated
    #[arg(long, value_name = "NAMES", value_parser = parsed::<NameConstraint>)]
    pub exclude: Vec<NameConstraint>,
    /// Where its revocation list is published; may be repeated
    #[arg(long, value_name = "URL")]
    pub crl_url: Vec<String>,
    /// Where its certificate is published; may be repeated
    #[arg(long, value_name = "URL")]
    pub issuer_url: Vec<String>,
    /// How many days a revocation list holds (default 30)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub crl_days: Option<i64>,
}

/// Words of a certificate that is no authority.
#[derive(Debug, Args)]
pub struct LeafWords {
    /// Its name: letters, digits, `.`, `_`, `-`, and `/` for folders
    pub name: String,
    /// The authority that issues it
    #[arg(long, value_name = "NAME", required_unless_present = "self_signed")]
    pub ca: Option<String>,
    /// Without an authority
    #[arg(long, conflicts_with = "ca")]
    pub self_signed: bool,
    /// A name of it: `dns:web.internal`, `ip:10.0.0.1`, `uri:...`, `email:...`; may be repeated
    #[arg(long, value_name = "SAN", value_parser = parsed::<San>)]
    pub san: Vec<San>,
    /// What it is for (default both)
    #[arg(long = "use", value_name = "USE", value_enum)]
    pub usage: Option<UseWord>,
    #[command(flatten)]
    pub common: CommonWords,
    /// Keep the key when it is issued anew
    #[arg(long)]
    pub reuse_key: bool,
}

/// Words of every certificate.
#[derive(Debug, Args)]
pub struct CommonWords {
    /// `CN=web,O=Home,C=DE`; a text without `=` is the common name
    #[arg(long, value_parser = parsed::<Subject>)]
    pub subject: Option<Subject>,
    /// p256, p384, ed25519, rsa2048, rsa3072 or rsa4096
    #[arg(long, value_name = "TYPE", value_parser = parsed::<KeyType>)]
    pub key: Option<KeyType>,
    /// Its lifetime
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub days: Option<i64>,
    /// Its lifetime in hours
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "days")]
    pub hours: Option<i64>,
    /// How long before its end it is renewed: `30d`, `48h`
    #[arg(long, value_name = "TIME", value_parser = parsed::<Span>)]
    pub renew_before: Option<Span>,
}

/// Words of a rotation.
#[derive(Debug, Args)]
pub struct RotateWords {
    /// The root; an intermediate has another key at once
    pub name: String,
    /// In the first step: another subject for the next root
    #[arg(long, value_parser = parsed::<Subject>)]
    pub subject: Option<Subject>,
    /// In the first step: another key type for the next root
    #[arg(long, value_name = "TYPE", value_parser = parsed::<KeyType>)]
    pub key: Option<KeyType>,
    /// In the first step: another lifetime for the next root
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub days: Option<i64>,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum UseWord {
    /// TLS servers
    Server,
    /// TLS clients
    Client,
    /// Both
    Both,
}

impl UseWord {
    fn means(self) -> Use {
        match self {
            Self::Server => Use::Server,
            Self::Client => Use::Client,
            Self::Both => Use::Both,
        }
    }
}

/// A value in its own words; what is wrong with it, and what to do, in one line.
fn parsed<T: std::str::FromStr<Err = PkiError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: PkiError| match error.hint() {
        Some(hint) => format!("{error}: {hint}"),
        None => error.to_string(),
    })
}

impl AuthorityWords {
    /// What they want.
    pub fn want(&self) -> Want {
        let authority = Authority {
            ca: self.ca.clone(),
            subject: self.common.subject.clone().unwrap_or_default(),
            sans: self.san.clone(),
            usage: self.usage.map(UseWord::means),
            key: self.common.key,
            days: self.common.days,
            hours: self.common.hours,
            renew_before: self.common.renew_before,
            path_length: self.path_length,
            permitted: self.permit.clone(),
            excluded: self.exclude.clone(),
            crl_urls: self.crl_url.clone(),
            issuer_urls: self.issuer_url.clone(),
            crl_days: self.crl_days,
        };
        if self.ca.is_some() { Want::Intermediate(authority) } else { Want::Root(authority) }
    }
}

impl LeafWords {
    /// What they want.
    pub fn want(&self) -> Want {
        let leaf = Leaf {
            ca: self.ca.clone(),
            subject: self.common.subject.clone().unwrap_or_default(),
            sans: self.san.clone(),
            usage: self.usage.map(UseWord::means),
            key_usages: Vec::new(),
            key: self.common.key,
            days: self.common.days,
            hours: self.common.hours,
            renew_before: self.common.renew_before,
            reuse_key: self.reuse_key,
        };
        if self.self_signed { Want::SelfSigned(leaf) } else { Want::Leaf(leaf) }
    }
}
