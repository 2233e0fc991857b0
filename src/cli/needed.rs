//! Fetches what a run needs to know before it begins: a locked vault stops it before the first change.

use super::failure::CommandError;
use super::session::Session;
use crate::inventory::{Inventory, Method};
use crate::script::{World, needed, needed_data};
use crate::secret::{Needed, reference};
use rhai::AST;
use std::sync::Arc;

impl Session {
    /// Fetches the secrets that the script names, those of data that it mentions, and the passwords of its hosts.
    ///
    /// What a script computes is fetched when it gets there; that it is missing is an error of that operation then.
    ///
    /// # Errors
    /// The first that cannot be had.
    pub(super) fn fetch_secrets(
        &self,
        inventory: &Inventory,
        world: &World,
        hosts: &[String],
        script: &Arc<AST>,
        text: &str,
    ) -> Result<(), CommandError> {
        let mut all = needed(world, script, hosts);
        for host in hosts.iter().filter_map(|name| inventory.host(name)) {
            let passwords = Method::ALL.into_iter().filter_map(|method| host.connection.passwords.get(method));
            let tokens = passwords.map(str::to_owned).chain(needed_data(world, text, host.data.iter()));
            for (reference, at) in tokens.filter_map(|token| reference(&token)) {
                if !all.iter().any(|known| known.reference == reference && known.certain) {
                    all.push(Needed { reference, at, certain: true });
                }
            }
        }
        Ok(self.secrets.ahead(&all)?)
    }
}
