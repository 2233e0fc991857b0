//! Whether a host asks for a restart.

use super::Resource;
use crate::ops::OpError;
use crate::ops::touch::Altered;
use crate::remote::{Command, Output};

/// Whether an upgrade asked for a restart. There is one key, [`RebootFlag::KEY`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebootFlag {
    /// True when `/run/reboot-required` is there, or the modules of the running kernel are gone.
    pub required: bool,
}

impl RebootFlag {
    /// The one key of this kind.
    pub const KEY: &'static str = "restart";
}

impl Resource for RebootFlag {
    const KIND: &'static str = "restart flag";

    /// Alpine and Arch write no flag, but replace `/lib/modules/RELEASE` when the kernel is upgraded.
    fn script(_: &[String]) -> Command {
        Command::script(
            "if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then echo yes\n\
             elif [ -n \"$(ls /lib/modules 2>/dev/null)\" ] && [ ! -d \"/lib/modules/$(uname -r)\" ] && \
             [ ! -e /.dockerenv ] && [ ! -e /run/.containerenv ]; then echo yes\nelse echo no; fi",
        )
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let required = match output.text().as_str() {
            "yes" => true,
            "no" => false,
            _ => return Err(OpError::answer(Self::script(keys), &output.stdout)),
        };
        Ok(keys.iter().map(|_| Self { required }).collect())
    }

    fn is_absent(&self) -> bool {
        !self.required
    }

    fn outlasts(&self, _: &str, change: &Altered<'_>) -> bool {
        !change.concerns_any(&["/run", "/var/run", "/lib/modules", "/usr/lib/modules"])
    }
}
