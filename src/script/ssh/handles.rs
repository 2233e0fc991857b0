//! What operations on keys of OpenSSH give to the script.

use super::super::done::Done;
use super::super::error::{RhaiResultOf, mistake};
use super::super::opaque::Opaque;
use super::super::secret::referred;
use crate::event::OpStatus;
use crate::pki::ssh::{Issued, KeyPair};
use rhai::plugin::*;
use rhai::{Dynamic, NativeCallContext};

/// A key pair of the project, or an authority.
#[derive(Clone)]
pub struct SshKey {
    /// Its name.
    pub name: String,
    /// What came of its operation.
    pub done: Done,
    /// Its public half.
    pub facts: Facts<KeyPair>,
    /// True when it certifies others.
    pub authority: bool,
}

/// A certificate of OpenSSH.
#[derive(Clone)]
pub struct SshCertificate {
    /// Its name.
    pub name: String,
    /// What came of its operation.
    pub done: Done,
    /// What it says.
    pub facts: Facts<Issued>,
}

/// What is known of a thing of the project.
#[derive(Clone)]
pub enum Facts<T> {
    /// It is there.
    Known(T),
    /// An apply will make it.
    Pending,
    /// There is none, and none will be: its operation did not run.
    Missing,
}

impl<T> Facts<T> {
    /// One of the values, or what stands for it until an apply.
    fn value(
        &self,
        ctx: &NativeCallContext,
        (what, thing): (&str, &str),
        value: impl FnOnce(&T) -> RhaiResultOf<Dynamic>,
    ) -> RhaiResultOf<Dynamic> {
        match self {
            Self::Known(known) => value(known),
            Self::Pending => Ok(Dynamic::from(Opaque::unknown(format!("{what} of the {thing}")))),
            Self::Missing => {
                let message = format!("there is no {thing}: the operation that makes it did not run");
                Err(mistake(ctx, message, Some("let what needs it depend on it: `requires: key`".into())))
            }
        }
    }
}

impl SshKey {
    fn thing(&self) -> String {
        format!("{} `{}`", if self.authority { "authority" } else { "key" }, self.name)
    }

    /// The public key as a line, or what stands for it until an apply.
    ///
    /// # Errors
    /// There is none.
    pub fn line(&self, ctx: &NativeCallContext) -> RhaiResultOf<Dynamic> {
        self.facts.value(ctx, ("the public key", &self.thing()), |pair| Ok(pair.line().into()))
    }
}

impl SshCertificate {
    /// The certificate as a line, or what stands for it until an apply.
    ///
    /// # Errors
    /// There is none.
    pub fn line(&self, ctx: &NativeCallContext) -> RhaiResultOf<Dynamic> {
        self.value(ctx, "the text", |issued| issued.text.clone().into())
    }

    fn value(
        &self,
        ctx: &NativeCallContext,
        what: &str,
        value: impl FnOnce(&Issued) -> Dynamic,
    ) -> RhaiResultOf<Dynamic> {
        let thing = format!("certificate `{}`", self.name);
        self.facts.value(ctx, (what, &thing), |issued| Ok(value(issued)))
    }
}

/// Keys and certificates of OpenSSH.
#[export_module]
pub mod ssh_handles {
    use super::*;

    /// True when the key was made in this run, whichever host came first; in a plan, when it would be.
    #[rhai_fn(get = "changed", pure)]
    pub fn changed(ssh_key: &mut SshKey) -> Dynamic {
        ssh_key.done.changed()
    }

    /// True when the operation did not run: `when`, `unless` or tags.
    #[rhai_fn(get = "skipped", pure)]
    pub fn skipped(ssh_key: &mut SshKey) -> bool {
        ssh_key.done.any(OpStatus::Skipped)
    }

    /// Its name in the project.
    #[rhai_fn(get = "name", pure)]
    pub fn name(ssh_key: &mut SshKey) -> String {
        ssh_key.name.clone()
    }

    /// The public key as a line of `authorized_keys`, without line end.
    #[rhai_fn(get = "public_key", pure, return_raw)]
    pub fn public_key(ctx: NativeCallContext, ssh_key: &mut SshKey) -> RhaiResultOf<Dynamic> {
        ssh_key.line(&ctx)
    }

    /// `SHA256:...`, as `ssh-keygen -l` shows it.
    #[rhai_fn(get = "fingerprint", pure, return_raw)]
    pub fn fingerprint(ctx: NativeCallContext, ssh_key: &mut SshKey) -> RhaiResultOf<Dynamic> {
        let thing = ssh_key.thing();
        ssh_key.facts.value(&ctx, ("the fingerprint", &thing), |pair| Ok(pair.fingerprint().to_string().into()))
    }

    /// The private key as OpenSSH keeps it in a file: a secret. An authority gives none.
    #[rhai_fn(get = "private_key", pure, return_raw)]
    pub fn private_key(ctx: NativeCallContext, ssh_key: &mut SshKey) -> RhaiResultOf<Dynamic> {
        let thing = ssh_key.thing();
        if ssh_key.authority {
            let message = format!("the private key of the {thing} stays in the project");
            let hint = "certify other keys by it: `ssh::user_certificate`, `ssh::host_certificate`";
            return Err(mistake(&ctx, message, Some(hint.into())));
        }
        ssh_key.facts.value(&ctx, ("the private key", &thing), |pair| referred(&ctx, &pair.secret).map(Dynamic::from))
    }

    /// The key as `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn to_string(ssh_key: &mut SshKey) -> String {
        match &ssh_key.facts {
            Facts::Known(pair) => format!("{} ({})", ssh_key.thing(), pair.fingerprint()),
            Facts::Pending => format!("{} (known after apply)", ssh_key.thing()),
            Facts::Missing => format!("{} (not there)", ssh_key.thing()),
        }
    }

    /// True when the certificate was issued in this run, whichever host came first; in a plan, when it would be.
    #[rhai_fn(get = "changed", pure)]
    pub fn certificate_changed(ssh_certificate: &mut SshCertificate) -> Dynamic {
        ssh_certificate.done.changed()
    }

    /// True when the operation did not run: `when`, `unless` or tags.
    #[rhai_fn(get = "skipped", pure)]
    pub fn certificate_skipped(ssh_certificate: &mut SshCertificate) -> bool {
        ssh_certificate.done.any(OpStatus::Skipped)
    }

    /// Its name in the project.
    #[rhai_fn(get = "name", pure)]
    pub fn certificate_name(ssh_certificate: &mut SshCertificate) -> String {
        ssh_certificate.name.clone()
    }

    /// The certificate as ssh(1) reads it from `..-cert.pub`, without line end.
    #[rhai_fn(get = "certificate", pure, return_raw)]
    pub fn certificate(ctx: NativeCallContext, ssh_certificate: &mut SshCertificate) -> RhaiResultOf<Dynamic> {
        ssh_certificate.line(&ctx)
    }

    /// Its serial number.
    #[rhai_fn(get = "serial", pure, return_raw)]
    pub fn serial(ctx: NativeCallContext, ssh_certificate: &mut SshCertificate) -> RhaiResultOf<Dynamic> {
        ssh_certificate
            .value(&ctx, "the serial number", |issued| i64::try_from(issued.serial).unwrap_or(i64::MAX).into())
    }

    /// When it ends: `2027-01-31T12:00:00Z`.
    #[rhai_fn(get = "valid_before", pure, return_raw)]
    pub fn valid_before(ctx: NativeCallContext, ssh_certificate: &mut SshCertificate) -> RhaiResultOf<Dynamic> {
        ssh_certificate.value(&ctx, "the end", |issued| issued.valid_before.to_string().into())
    }

    /// The certificate as `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn certificate_to_string(ssh_certificate: &mut SshCertificate) -> String {
        match &ssh_certificate.facts {
            Facts::Known(issued) => format!("certificate `{}` (serial {})", ssh_certificate.name, issued.serial),
            Facts::Pending => format!("certificate `{}` (known after apply)", ssh_certificate.name),
            Facts::Missing => format!("certificate `{}` (not there)", ssh_certificate.name),
        }
    }
}
