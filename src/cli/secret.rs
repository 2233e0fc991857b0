//! `secret ...`: the secrets of a project.

mod edit;
mod start;
mod words;

pub use words::SecretVerb;

use super::commands::{say, say_json, tell};
use super::failure::{CommandError, Exit};
use super::merging::MergeWords;
use super::session::Session;
use super::table;
use crate::event::Failure;
use crate::secret::sops::{Document, Format, Identities, Recipient, Rules, SopsError, encrypt_age, merge, passphrase};
use crate::secret::{Resolve, SecretError, Store, random_value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

impl Session {
    /// `secret VERB`
    ///
    /// # Errors
    /// What the verb cannot do.
    pub fn secret(&self, verb: &SecretVerb) -> Result<Exit, CommandError> {
        let store = Store::of_project(&self.project.root);
        match verb {
            SecretVerb::Init { to } => start::init(&store, to, self.flags.quiet),
            SecretVerb::Set { name, file, generate, length, charset } => {
                let generated = generate.then_some((*length, charset.as_str()));
                self.set_secret(&store, name, file.as_deref(), generated)
            }
            SecretVerb::Get { name, reveal } => self.get_secret(name, *reveal),
            SecretVerb::Edit { file } => edit::edit(&store, file, self.flags.quiet),
            SecretVerb::List => self.list_secrets(&store),
            SecretVerb::Rm { name } => match store.rm(name)? {
                true => Ok(self.told(format!("`{name}` is removed"))),
                false => Err(CommandError::mistake(format!("there is no secret `{name}`"))
                    .hint("`rhapsode secret list` shows what there is")),
            },
            SecretVerb::Rotate => self.rekeyed(&store, &start::rules(&store)?, true),
            SecretVerb::Rekey { add, remove } => {
                let rules = start::changed(&store, &recipients(add)?, &recipients(remove)?)?;
                self.rekeyed(&store, &rules, false)
            }
            SecretVerb::Export { file, names, to } => export(&store, file, names, to),
            SecretVerb::Merge(words) => merge_files(words),
        }
    }

    fn set_secret(
        &self,
        store: &Store,
        name: &str,
        file: Option<&Path>,
        generated: Option<(usize, &str)>,
    ) -> Result<Exit, CommandError> {
        if let Some((length, charset)) = generated {
            store.put(name, random_value(name, length, charset)?.as_bytes())?;
            return Ok(self.told(format!("a random value is kept as `{name}`")));
        }
        store.expect(name)?;
        let value = match file {
            Some(path) => std::fs::read(path).map(Zeroizing::new).map_err(|error| {
                let failure = Failure::new(format!("cannot read `{}`", path.display()));
                CommandError::new(Exit::Invalid, Failure { causes: vec![error.to_string()], ..failure })
            })?,
            None => asked(name)?,
        };
        store.put(name, &value)?;
        Ok(self.told(format!("kept as `{name}`")))
    }

    fn told(&self, what: String) -> Exit {
        if !self.flags.quiet {
            tell(what);
        }
        Exit::Done
    }

    fn get_secret(&self, name: &str, reveal: bool) -> Result<Exit, CommandError> {
        let terminal = std::io::stdout().is_terminal();
        if !terminal && !reveal {
            let failure = Failure::new("a secret is shown on a terminal only");
            return Err(CommandError::new(Exit::Usage, failure).hint("add `--reveal` to write it elsewhere"));
        }
        let value = match name.contains(':') {
            true => Zeroizing::new(self.secrets.resolve(name)?.as_bytes().to_vec()),
            false => Store::of_project(&self.project.root).get(name)?,
        };
        let mut out = std::io::stdout();
        out.write_all(&value)?;
        if terminal && !value.ends_with(b"\n") {
            out.write_all(b"\n")?;
        }
        out.flush()?;
        Ok(Exit::Done)
    }

    fn list_secrets(&self, store: &Store) -> Result<Exit, CommandError> {
        let all = store.list()?;
        if self.flags.json {
            let names: Vec<_> =
                all.iter().map(|(name, kind)| serde_json::json!({ "name": name, "type": kind })).collect();
            say_json(&serde_json::json!({ "secrets": names }));
            return Ok(Exit::Done);
        }
        let header = ["NAME".to_owned(), "TYPE".to_owned()];
        let rows = all.into_iter().map(|(name, kind)| [name, kind.to_owned()]);
        say(table::aligned(std::iter::once(header).chain(rows)));
        Ok(Exit::Done)
    }

    fn rekeyed(&self, store: &Store, rules: &Rules, rotate: bool) -> Result<Exit, CommandError> {
        let changed = store.rekey(rules, rotate)?;
        for file in &changed {
            say(file.display().to_string());
        }
        if changed.is_empty() {
            return Ok(self.told("nothing to do".into()));
        }
        Ok(Exit::Done)
    }
}

/// A value from stdin, or asked for without showing it.
fn asked(name: &str) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    if std::io::stdin().is_terminal() {
        let value = passphrase(&format!("value of {name}"));
        return value
            .map(|value| Zeroizing::new(value.into_bytes()))
            .ok_or_else(|| CommandError::mistake("nothing was given"));
    }
    let mut value = Zeroizing::new(Vec::new());
    std::io::stdin().read_to_end(&mut value)?;
    if value.is_empty() {
        let hint = "write it to stdin, or run it at a terminal, which asks; `--file /dev/null` keeps an empty value";
        return Err(CommandError::mistake(format!("no value for `{name}` came from stdin")).hint(hint));
    }
    // `echo x | rhapsode secret set` means `x`; what has more lines is taken as it is.
    if value.iter().filter(|byte| **byte == b'\n').count() == 1 && value.ends_with(b"\n") {
        value.pop();
    }
    Ok(value)
}

/// Recipients as the command line names them.
fn recipients(words: &[String]) -> Result<Vec<Recipient>, CommandError> {
    let mut all = Vec::new();
    for word in words {
        all.extend(Recipient::read(word).map_err(|error| in_words(&error))?);
    }
    Ok(all)
}

fn in_words(error: &SopsError) -> CommandError {
    let failure = Failure { hint: error.hint(), ..Failure::of(error) };
    CommandError::new(Exit::Invalid, failure)
}

fn export(store: &Store, file: &Path, names: &[String], to: &[String]) -> Result<Exit, CommandError> {
    let all = store.list()?.into_iter().map(|(name, _)| name);
    let names: Vec<String> = if names.is_empty() { all.collect() } else { names.to_vec() };
    let mut values = serde_json::Map::new();
    for name in names {
        let value = store.get(&name)?;
        let value = match std::str::from_utf8(&value) {
            Ok(text) => text.into(),
            Err(_) => serde_json::json!({ "base64": STANDARD.encode(&value) }),
        };
        values.insert(name, value);
    }
    let recipients = match to.is_empty() {
        true => {
            let rules = Rules::of_project(store.root()).map_err(|error| in_words(&error))?;
            rules
                .of("secrets/main.sops.yaml")
                .map_err(|error| in_words(&error))?
                .map(|rule| rule.recipients)
                .unwrap_or_default()
        }
        false => recipients(to)?,
    };
    if recipients.is_empty() {
        let error = CommandError::mistake("this project names nobody to encrypt an export to");
        return Err(error.hint("name somebody: `--to age1...`, `--to ~/.ssh/id_ed25519.pub`"));
    }
    let plain = Zeroizing::new(serde_json::to_vec_pretty(&values).expect("a map has a JSON form"));
    let bytes = encrypt_age(&plain, &recipients, true).map_err(|error| in_words(&error))?.bytes();
    match file == Path::new("-") {
        true => std::io::stdout().write_all(&bytes)?,
        false => std::fs::write(file, bytes).map_err(|error| {
            let error = SecretError::new(format!("cannot write `{}`", file.display())).because(error);
            CommandError::from(error)
        })?,
    }
    Ok(Exit::Done)
}

/// The result stands in the place of our side; exit 1 tells git of conflicts.
fn merge_files(MergeWords { base, ours, theirs, path }: &MergeWords) -> Result<Exit, CommandError> {
    let identities = Identities::of_user().map_err(|error| in_words(&error))?;
    let open = |side: &Path| {
        let bytes = std::fs::read(side)?;
        Ok::<_, CommandError>(match bytes.iter().all(u8::is_ascii_whitespace) {
            true => None,
            false => Some(
                Document::open(&bytes, Format::of(path), &identities)
                    .map_err(|error| CommandError::from(error.of(format!("cannot merge `{}`", path.display()))))?,
            ),
        })
    };
    let (base, our, their) = (open(base)?, open(ours)?, open(theirs)?);
    let (Some(mut our), Some(their)) = (our, their) else {
        return Err(CommandError::mistake(format!("`{}` is empty on one side", path.display())));
    };
    let conflicts = merge(base.as_ref(), &mut our, &their).map_err(|error| in_words(&error))?;
    std::fs::write(ours, our.seal().map_err(|error| in_words(&error))?)?;
    if conflicts.is_empty() {
        return Ok(Exit::Done);
    }
    let names: Vec<String> = conflicts.iter().map(|name| format!("`{name}`")).collect();
    Err(CommandError::mistake(format!("both sides changed {} in `{}`", names.join(", "), path.display()))
        .hint("ours was kept: look at theirs with `git show`, set what is right, and `git add` the file"))
}
