//! What the playbook managed on a host and declares no more.

use super::actor::Actor;
use super::ledger::Owned;
use super::outcome::Stop;
use super::settings::{Becoming, Settings};
use crate::event::{Event, OpStatus, Orphan, OrphanFate};
use crate::inventory::{Escalation, Method};
use crate::ops::{Inverse, Undo, undo};
use std::sync::Arc;

/// Why nobody can tell what is orphaned, as a part of the playbook did not run.
const PARTLY: &str = "only a part of the playbook ran";

impl Actor {
    /// Ends the record of this host: what is unchanged is recorded, what is orphaned is told, and removed when asked.
    /// `whole` says that the playbook ran to its end. Gives the handlers that what was pruned used to notify.
    ///
    /// # Errors
    /// [`Stop`] of a removal.
    pub fn close_ledger(&self, whole: bool) -> Result<Vec<String>, Stop> {
        let whole = whole && !self.own().notes().stumbled && self.run.options.tags.is_open();
        self.record_declared();
        self.settle_rest(whole);
        if !whole {
            if self.run.options.prune {
                self.warn(format!("what is declared no more is not known, and nothing is pruned: {PARTLY}"));
            }
            return Ok(Vec::new());
        }
        let mut notified = Vec::new();
        let mut open = self.orphans();
        open.reverse();
        while !open.is_empty() {
            let mut waiting = Vec::new();
            let before = open.len();
            for orphan in open {
                match self.decide(&orphan, &mut notified)? {
                    (OrphanFate::Left, Some(why)) => waiting.push((orphan, why)),
                    (fate, reason) => self.tell_orphan(&orphan, fate, reason),
                }
            }
            // What goes may have been all that needed another one.
            if waiting.len() == before {
                waiting.iter().for_each(|(one, why)| self.tell_orphan(one, OrphanFate::Left, Some(why.clone())));
                break;
            }
            open = waiting.into_iter().map(|(orphan, _)| orphan).collect();
        }
        Ok(notified)
    }

    /// In the order in which they came.
    fn orphans(&self) -> Vec<Arc<Owned>> {
        let mut owned = self.run.remember().owned(self.own().name());
        owned.retain(|owned| self.is_orphaned(owned));
        owned
    }

    fn is_orphaned(&self, owned: &Owned) -> bool {
        let by_once = self.run.declared_once().contains(&(owned.thing.kind.clone(), owned.thing.id.clone()));
        let Some(host) = self.run.host(&owned.thing.host).or_else(|| self.run.here_named(&owned.thing.host)) else {
            return false;
        };
        let declared = host.declared();
        !by_once
            && !declared.has(&owned.thing.kind, &owned.thing.id)
            && !declared.vague.contains(&owned.thing.origin.op)
    }

    fn decide(&self, orphan: &Owned, notified: &mut Vec<String>) -> Result<(OrphanFate, Option<String>), Stop> {
        if orphan.thing.keep {
            return Ok((OrphanFate::Kept, Some("it was declared with `keep: true`".to_owned())));
        }
        if !orphan.shared_with.is_empty() {
            let others = orphan.shared_with.join("`, `");
            return Ok((OrphanFate::Kept, Some(format!("`{others}` manages it too"))));
        }
        let content = orphan.content.as_deref().and_then(|digest| self.run.remember().content(digest));
        match undo(&orphan.past(content.map(Into::into))) {
            Undo::Not(why) => {
                // A command leaves no state that anybody could look at later: once told, it is no news any more.
                if orphan.thing.kind == "command" {
                    self.give_up(orphan);
                }
                Ok((OrphanFate::CannotUndo, Some(why)))
            }
            _ if !self.run.options.prune => Ok((OrphanFate::Left, None)),
            Undo::Nothing => {
                self.give_up(orphan);
                Ok((OrphanFate::Pruned, Some("it was so before us: it stays, and is managed no more".to_owned())))
            }
            Undo::Run(inverses) => self.prune(orphan, &inverses, notified),
        }
    }

    fn prune(
        &self,
        orphan: &Owned,
        inverses: &[Inverse],
        notified: &mut Vec<String>,
    ) -> Result<(OrphanFate, Option<String>), Stop> {
        let settings = Settings { becoming: self.becoming_of(orphan), ..Settings::default() };
        let host = self.run.host(&orphan.thing.host).or_else(|| self.run.here_named(&orphan.thing.host));
        let host = host.expect("an orphan is on a host of the run");
        for inverse in inverses {
            let at = &orphan.thing.at;
            let outcome = self.on_host(Arc::clone(&host), || self.step_back(inverse, at, &settings))?;
            if outcome.status == Some(OpStatus::Changed) {
                notified.extend(orphan.thing.origin.notify.iter().cloned());
            }
            if let Some(why) = outcome.left {
                return Ok((OrphanFate::Left, Some(why)));
            }
        }
        self.give_up(orphan);
        Ok((OrphanFate::Pruned, None))
    }

    fn give_up(&self, orphan: &Owned) {
        if self.run.options.mode.applies() {
            self.run.remember().forgets(&orphan.thing.host, &orphan.thing.kind, &orphan.thing.id);
        }
    }

    /// As whom it was declared; a password comes from the inventory.
    fn becoming_of(&self, orphan: &Owned) -> Option<Becoming> {
        let acting = orphan.thing.origin.acting.as_deref()?;
        let named = acting.split_once(' ').and_then(|(method, user)| Some((Method::named(method)?, user)));
        let Some((method, user)) = named else { return Some(Becoming::Nobody) };
        Some(Becoming::User(Escalation { method, user: user.to_owned(), password: None }))
    }

    fn tell_orphan(&self, owned: &Owned, fate: OrphanFate, reason: Option<String>) {
        let orphan = Orphan {
            id: owned.address(),
            kind: owned.thing.kind.clone(),
            target: owned.thing.id.clone(),
            at: owned.thing.at.clone(),
            fate,
            reason,
        };
        self.run.emit(Event::Orphaned { host: self.own().name().to_owned(), orphan });
    }
}
