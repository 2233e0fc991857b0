//! What operations on certificates give to the script.

use crate::event::{Failure, OpStatus};
use crate::pki::{self, Pki};
use crate::script::done::Done;
use crate::script::error::{RhaiResultOf, mistake};
use crate::script::opaque::Opaque;
use rhai::plugin::*;
use rhai::{Dynamic, NativeCallContext};
use std::sync::Arc;

/// A certificate of the project.
#[derive(Clone)]
pub struct Certificate {
    name: String,
    done: Done,
    facts: Facts,
}

/// What is known of a certificate.
#[derive(Clone)]
pub enum Facts {
    /// It is there.
    Known(Arc<Kept>),
    /// An apply will issue it.
    Pending,
    /// There is none, and none will be: its operation did not run.
    Missing,
}

/// A certificate that is there, and where its key is.
pub struct Kept {
    /// What is public.
    pub certificate: pki::Certificate,
    /// Where its key is.
    pub pki: Arc<Pki>,
}

impl Certificate {
    /// One that an operation gave.
    pub fn new(name: String, done: Done, facts: Facts) -> Self {
        Self { name, done, facts }
    }

    /// Its name in the project.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What came of its operation.
    pub fn done(&self) -> &Done {
        &self.done
    }

    /// What is known of it; nothing when an apply will issue it.
    ///
    /// # Errors
    /// There is none.
    pub fn kept(&self, ctx: &NativeCallContext) -> RhaiResultOf<Option<&Arc<Kept>>> {
        match &self.facts {
            Facts::Known(kept) => Ok(Some(kept)),
            Facts::Pending => Ok(None),
            Facts::Missing => {
                let message =
                    format!("there is no certificate `{}`: the operation that issues it did not run", self.name);
                Err(mistake(ctx, message, Some("let what needs it depend on it: `requires: certificate`".into())))
            }
        }
    }

    /// One of its values, or what stands for it until an apply.
    fn value(
        &self,
        ctx: &NativeCallContext,
        what: &str,
        value: impl FnOnce(&Kept) -> RhaiResultOf<Dynamic>,
    ) -> RhaiResultOf<Dynamic> {
        match self.kept(ctx)? {
            Some(kept) => value(kept),
            None => Ok(Dynamic::from(self.pending(what))),
        }
    }

    /// Stands for a value that an apply will tell.
    pub fn pending(&self, what: &str) -> Opaque {
        Opaque::unknown(format!("{what} of the certificate `{}`", self.name))
    }
}

impl Kept {
    /// The private key, in PEM; a secret.
    ///
    /// # Errors
    /// It is that of an authority; it cannot be read.
    pub fn key(&self, ctx: &NativeCallContext) -> RhaiResultOf<Opaque> {
        if self.certificate.kind.is_authority() {
            let message = format!("the key of the authority `{}` stays in the project", self.certificate.name);
            return Err(mistake(ctx, message, Some("issue a certificate by it: `cert::issue`".into())));
        }
        let key = self.pki.key(&self.certificate.name).map_err(|error| failed(ctx, &error))?;
        Ok(Opaque(crate::secret::conceal(key.pem().as_str()).to_string()))
    }

    /// Those that issued it, in PEM.
    pub fn issuers_pem(&self) -> String {
        self.certificate.chain_pem.strip_prefix(&self.certificate.pem).unwrap_or_default().to_owned()
    }
}

/// An error of the library, where the script stands.
pub fn failed(ctx: &NativeCallContext, error: &pki::PkiError) -> Box<EvalAltResult> {
    let failure = Failure { hint: error.hint(), ..Failure::of(error) };
    crate::script::error::raise(&failure, ctx.fn_name(), "", ctx.call_position())
}

/// A certificate with its key in one encrypted file.
#[derive(Clone)]
pub struct Bundle {
    /// What came of its operations.
    pub done: Done,
    /// Opens it.
    pub password: Opaque,
}

/// Certificates, and what opens them.
#[export_module]
pub mod handles {
    use super::*;

    /// True when the certificate was issued in this run, whichever host came first; in a plan, when it would be.
    #[rhai_fn(get = "changed", pure)]
    pub fn changed(certificate: &mut Certificate) -> Dynamic {
        certificate.done.changed()
    }

    /// True when the operation did not run: `when`, `unless` or tags.
    #[rhai_fn(get = "skipped", pure)]
    pub fn skipped(certificate: &mut Certificate) -> bool {
        certificate.done.any(OpStatus::Skipped)
    }

    /// Its name in the project.
    #[rhai_fn(get = "name", pure)]
    pub fn name(certificate: &mut Certificate) -> String {
        certificate.name.clone()
    }

    /// The certificate itself, in PEM.
    #[rhai_fn(get = "cert", pure, return_raw)]
    pub fn cert(ctx: NativeCallContext, certificate: &mut Certificate) -> RhaiResultOf<Dynamic> {
        certificate.value(&ctx, "the text", |kept| Ok(kept.certificate.pem.clone().into()))
    }

    /// Those that issued it, in PEM, nearest first; the root is left out.
    #[rhai_fn(get = "chain", pure, return_raw)]
    pub fn chain(ctx: NativeCallContext, certificate: &mut Certificate) -> RhaiResultOf<Dynamic> {
        certificate.value(&ctx, "the chain", |kept| Ok(kept.issuers_pem().into()))
    }

    /// The certificate and those that issued it, in PEM, as servers show them; the root is left out.
    #[rhai_fn(get = "fullchain", pure, return_raw)]
    pub fn fullchain(ctx: NativeCallContext, certificate: &mut Certificate) -> RhaiResultOf<Dynamic> {
        certificate.value(&ctx, "the chain", |kept| Ok(kept.certificate.chain_pem.clone().into()))
    }

    /// Whom to trust so that it is accepted, in PEM: its root; while a root is replaced, the old and the new one.
    #[rhai_fn(get = "root", pure, return_raw)]
    pub fn root(ctx: NativeCallContext, certificate: &mut Certificate) -> RhaiResultOf<Dynamic> {
        certificate.value(&ctx, "the root", |kept| Ok(kept.certificate.bundle_pem.clone().into()))
    }

    /// Its private key, PKCS#8 in PEM: a secret. An authority gives none.
    #[rhai_fn(get = "key", pure, return_raw)]
    pub fn key(ctx: NativeCallContext, certificate: &mut Certificate) -> RhaiResultOf<Dynamic> {
        certificate.value(&ctx, "the key", |kept| kept.key(&ctx).map(Dynamic::from))
    }

    /// Its serial number in hexadecimal.
    #[rhai_fn(get = "serial", pure, return_raw)]
    pub fn serial(ctx: NativeCallContext, certificate: &mut Certificate) -> RhaiResultOf<Dynamic> {
        certificate.value(&ctx, "the serial number", |kept| Ok(kept.certificate.seen.serial.clone().into()))
    }

    /// When it ends: `2027-01-31T12:00:00Z`.
    #[rhai_fn(get = "not_after", pure, return_raw)]
    pub fn not_after(ctx: NativeCallContext, certificate: &mut Certificate) -> RhaiResultOf<Dynamic> {
        certificate.value(&ctx, "the end", |kept| Ok(kept.certificate.seen.not_after.to_string().into()))
    }

    /// The hash of its subject, by which OpenSSL finds it in a folder: eight digits.
    #[rhai_fn(get = "subject_hash", pure, return_raw)]
    pub fn subject_hash(ctx: NativeCallContext, certificate: &mut Certificate) -> RhaiResultOf<Dynamic> {
        certificate.value(&ctx, "the subject hash", |kept| Ok(kept.certificate.seen.subject_hash.clone().into()))
    }

    /// The certificate as `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn to_string(certificate: &mut Certificate) -> String {
        match &certificate.facts {
            Facts::Known(kept) => format!("certificate {} ({})", certificate.name, kept.certificate.seen.serial),
            Facts::Pending => format!("certificate {} (known after apply)", certificate.name),
            Facts::Missing => format!("certificate {} (not there)", certificate.name),
        }
    }

    /// True when the file was written; in a plan, when it would be.
    #[rhai_fn(get = "changed", pure)]
    pub fn bundle_changed(bundle: &mut Bundle) -> Dynamic {
        bundle.done.changed()
    }

    /// True when the operation did not run: `when`, `unless` or tags.
    #[rhai_fn(get = "skipped", pure)]
    pub fn bundle_skipped(bundle: &mut Bundle) -> bool {
        bundle.done.any(OpStatus::Skipped)
    }

    /// Opens the file: a secret of 24 letters and digits, which stays until certificate, chain or key change.
    #[rhai_fn(get = "password", pure)]
    pub fn password(bundle: &mut Bundle) -> Opaque {
        bundle.password.clone()
    }

    /// The file as `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn bundle_to_string(bundle: &mut Bundle) -> String {
        bundle.done.shown()
    }
}
