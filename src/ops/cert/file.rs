//! `cert::pkcs12` and `cert::crl`: files that the project holds, as they stand on a host.

use crate::ops::args::{Content, Mode};
use crate::ops::file::{HostPath, SmallFile};
use crate::ops::managed::{Args, Managed};
use crate::ops::{OpError, Operation, Plan, View};
use serde::Deserialize;

macro_rules! deployed {
    ($(#[$doc:meta])* $name:ident, $op:literal, $mode:literal $(, $extra:ident: $type:ty)*) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            path: HostPath,
            content: Content,
            owner: Option<String>,
            group: Option<String>,
            mode: Option<Mode>,
            $(
                /// For the binding, which makes the content.
                #[allow(dead_code, reason = "known, so that it is no unknown argument")]
                $extra: Option<$type>,
            )*
        }

        impl Operation for $name {
            const NAME: &'static str = $op;
            const TARGET: &'static str = "path";
            type Seen = SmallFile;

            fn manages(args: &Args<'_>) -> Vec<Managed> {
                vec![args.path("file").content(args)]
            }

            fn probe(&self, view: &mut View<'_>) -> Result<SmallFile, OpError> {
                SmallFile::see(view, self.path.as_str())
            }

            fn plan(&self, seen: &SmallFile) -> Result<Plan, OpError> {
                let mode = self.mode.map_or($mode, |mode| mode.0);
                let whole = seen.whole(&self.content.0, mode, self.owner.as_deref(), self.group.as_deref());
                Ok(Plan::of(seen.ensure(&whole)?))
            }
        }
    };
}

deployed!(
    /// A certificate, its chain and its key in one encrypted file.
    Pkcs12, "cert::pkcs12", 0o600, friendly_name: String
);
deployed!(
    /// The list of what an authority revoked.
    Crl, "cert::crl", 0o644
);
