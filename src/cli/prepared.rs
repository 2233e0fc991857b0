//! What a run is made of: inventory, hosts and script, without a mistake that could be found before a login.

use super::commands::tell;
use super::failure::CommandError;
use super::git::{Asking, Checkout};
use super::recorded::digest;
use super::saved_plan::files;
use super::session::Session;
use crate::inventory::Inventory;
use crate::script::World;
use rhai::AST;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// What a run is made of, checked and loaded before any host is contacted.
pub struct Prepared {
    pub(super) inventory: Arc<Inventory>,
    pub(super) world: Arc<World>,
    pub(super) hosts: Vec<String>,
    pub(super) script: Arc<AST>,
    /// How the playbook is called.
    pub(super) shown: String,
    /// A playbook runs again; a line of script on the command line is another one each time.
    pub(super) recurs: bool,
    /// What was checked out when the script was read.
    pub(super) checkout: LazyLock<Checkout, Box<dyn FnOnce() -> Checkout + Send>>,
    /// Digest of the files that were read; of a playbook only.
    pub(super) sources: Option<String>,
}

impl Prepared {
    /// The same on those of these hosts that are selected; `who` names them.
    ///
    /// # Errors
    /// None of them is in the inventory any more.
    pub(super) fn on(mut self, hosts: &[String], who: &str) -> Result<Self, CommandError> {
        let among: HashSet<&String> = hosts.iter().collect();
        self.hosts.retain(|host| among.contains(host));
        let gone: Vec<_> =
            hosts.iter().filter(|host| self.inventory.host(host).is_none()).map(String::as_str).collect();
        if !gone.is_empty() {
            tell(format!("warning: the inventory has no {} any more, which {who} was about", gone.join(", ")));
        }
        if self.hosts.is_empty() { Err(CommandError::no_host()) } else { Ok(self) }
    }

    /// Selected hosts in inventory order.
    pub(super) fn hosts(&self) -> &[String] {
        &self.hosts
    }
}

impl Session {
    /// Loads everything for a playbook and looks for mistakes in it.
    ///
    /// # Errors
    /// Every mistake that can be found without a host.
    pub fn prepare(&self, playbook: &Path) -> Result<Prepared, CommandError> {
        let checkout = self.checkout();
        let inventory = Arc::new(self.inventory()?);
        self.warn(&inventory);
        let hosts = self.selected(&inventory)?;
        let world = self.world(&inventory);
        let playbook = &self.project.playbook(playbook)?;
        let script = crate::script::check(&world, playbook)?;
        inventory.check_passwords(&hosts)?;
        self.fetch_secrets(&inventory, &world, &hosts, &script, "")?;
        let files = files(&self.project, inventory.files_read())?;
        let (shown, sources) = (self.project.shown(playbook), Some(digest(&files)));
        Ok(Prepared { inventory, world, hosts, script, shown, recurs: true, checkout, sources })
    }

    /// The same for a line of script.
    ///
    /// # Errors
    /// As [`Session::prepare`].
    pub fn prepare_text(&self, text: &str, shown: &str) -> Result<Prepared, CommandError> {
        let checkout = self.checkout();
        let inventory = Arc::new(self.inventory()?);
        self.warn(&inventory);
        let hosts = self.selected(&inventory)?;
        let world = self.world(&inventory);
        let script = crate::script::check_text(&world, text, shown)?;
        inventory.check_passwords(&hosts)?;
        self.fetch_secrets(&inventory, &world, &hosts, &script, text)?;
        Ok(Prepared {
            inventory,
            world,
            hosts,
            script,
            shown: shown.to_owned(),
            recurs: false,
            checkout,
            sources: None,
        })
    }

    fn checkout(&self) -> LazyLock<Checkout, Box<dyn FnOnce() -> Checkout + Send>> {
        if let Some(pinned) = self.pinned.clone() {
            return LazyLock::new(Box::new(|| pinned));
        }
        let asking = Asking::begin(&self.project.root);
        LazyLock::new(Box::new(|| asking.end()))
    }

    fn warn(&self, inventory: &Inventory) {
        if !self.flags.quiet {
            for warning in inventory.warnings() {
                let at = warning.position().map_or_else(String::new, |at| format!(" ({at})"));
                tell(format!("warning: {warning}{at}"));
            }
        }
    }
}
