//! Where secrets come from: one provider a scheme, asked once a run for each reference.

mod http;
mod kept;
mod local;
mod onepassword;
mod vault;

pub use kept::random_value;

use super::{Resolve, SecretError, Store};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use zeroize::Zeroizing;

/// Fetches the values of one scheme.
pub trait Provider: Send + Sync {
    /// The value of what stands behind `scheme:`.
    ///
    /// # Errors
    /// Why it cannot be had: what is missing or locked, and what to do.
    fn fetch(&self, reference: &str) -> Result<Zeroizing<Vec<u8>>, SecretError>;

    /// True when somebody at the terminal is asked: one question at a time, and none that may not be needed.
    fn asks(&self) -> bool {
        false
    }
}

/// Looks at what providers answer, before anybody has it.
pub trait Inspect: Send + Sync {
    /// Refuses a value.
    ///
    /// # Errors
    /// Why nobody may have it; without the value.
    fn inspect(&self, reference: &str, value: &str) -> Result<(), SecretError>;
}

/// A reference that a run is going to need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// `op://home/app/token`.
    pub reference: String,
    /// Where it stands: `playbooks/site.rhai:12:5`.
    pub at: Option<String>,
    /// False when it stands behind a condition: then it is an error only where it is used.
    pub certain: bool,
}

type Answer = Arc<OnceLock<Result<Zeroizing<String>, SecretError>>>;

/// All providers of a project, and what they answered.
pub struct Providers {
    schemes: BTreeMap<&'static str, Box<dyn Provider>>,
    names: Box<dyn Provider>,
    inspector: Option<Box<dyn Inspect>>,
    answers: Mutex<HashMap<String, Answer>>,
}

/// References fetched at the same time.
const TOGETHER: usize = 8;

impl Providers {
    /// Those of a project.
    pub fn of_project(root: &Path) -> Self {
        let store = Arc::new(Store::of_project(root));
        let mut schemes: BTreeMap<&'static str, Box<dyn Provider>> = BTreeMap::new();
        schemes.insert("env", Box::new(local::Env));
        schemes.insert("file", Box::new(local::Files(root.to_owned())));
        schemes.insert("cmd", Box::new(local::Cmd(root.to_owned())));
        schemes.insert("prompt", Box::new(local::Prompt));
        schemes.insert("op", Box::new(onepassword::OnePassword::default()));
        schemes.insert("vault", Box::new(vault::Vault::default()));
        schemes.insert("sops", Box::new(kept::Sops::new(Arc::clone(&store))));
        schemes.insert("age", Box::new(kept::Age(root.to_owned())));
        schemes.insert("generate", Box::new(kept::Generate(Arc::clone(&store))));
        Self { schemes, names: Box::new(kept::Names(store)), inspector: None, answers: Mutex::default() }
    }

    /// The same, with somebody who looks at every answer.
    #[must_use]
    pub fn inspected_by(mut self, inspector: impl Inspect + 'static) -> Self {
        self.inspector = Some(Box::new(inspector));
        self
    }

    /// The provider of a reference, and what it is asked.
    fn of<'a>(&self, reference: &'a str) -> Result<(&dyn Provider, &'a str), SecretError> {
        let Some((scheme, rest)) = reference.split_once(':') else { return Ok((&*self.names, reference)) };
        match self.schemes.get(scheme) {
            Some(provider) => Ok((&**provider, rest)),
            None => {
                let known: Vec<String> = self.schemes.keys().map(|scheme| format!("`{scheme}:`")).collect();
                let error = SecretError::new(format!("`{scheme}:` is no place for secrets"));
                Err(error.hint(format!("there are {}, and names of the project's own", known.join(", "))))
            }
        }
    }

    /// Fetches what a run needs, before it begins; several at the same time, questions at the terminal one by one.
    ///
    /// # Errors
    /// The first that cannot be had, in the order of `needed`. What may not be needed is no error yet.
    pub fn ahead(&self, needed: &[Needed]) -> Result<(), SecretError> {
        let asks = |needed: &Needed| self.of(&needed.reference).is_ok_and(|(provider, _)| provider.asks());
        let (questions, others): (Vec<&Needed>, Vec<&Needed>) = needed.iter().partition(|needed| asks(needed));
        let next = Mutex::new(others.iter());
        let fetch = || {
            while let Some(needed) = { next.lock().unwrap_or_else(PoisonError::into_inner).next() } {
                // Looked at below, in order.
                let _ = self.resolve(&needed.reference);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..TOGETHER.min(others.len()) {
                // What no thread fetches is fetched below.
                let _ = std::thread::Builder::new().spawn_scoped(scope, fetch);
            }
        });
        let certain = others.into_iter().chain(questions).filter(|needed| needed.certain);
        certain
            .map(|needed| self.resolve(&needed.reference).map_err(|error| error.placed(needed.at.as_deref())))
            .try_fold((), |(), answer| answer.map(drop))
    }
}

impl Resolve for Providers {
    fn resolve(&self, reference: &str) -> Result<Zeroizing<String>, SecretError> {
        let answer = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(answers.entry(reference.to_owned()).or_default())
        };
        let fetch = || {
            let (provider, rest) = self.of(reference)?;
            let bytes = provider.fetch(rest)?;
            let Ok(text) = std::str::from_utf8(&bytes) else {
                let error = SecretError::new(format!("the secret `{reference}` is no text"));
                return Err(error.hint("keep it in base64, and let the host decode it"));
            };
            self.inspector.as_ref().map_or(Ok(()), |inspector| inspector.inspect(reference, text))?;
            Ok(Zeroizing::new(text.to_owned()))
        };
        answer.get_or_init(fetch).clone()
    }
}

/// One line loses its line end, as `$(...)` has it; what has more lines (a key) keeps its last one.
fn one_line(mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    if bytes.iter().filter(|byte| **byte == b'\n').count() == 1 && bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Counting(Arc<AtomicUsize>);

    impl Provider for Counting {
        fn fetch(&self, reference: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            match reference {
                "missing" => Err(SecretError::new("missing")),
                other => Ok(Zeroizing::new(other.as_bytes().to_vec())),
            }
        }
    }

    fn counting() -> (Providers, Arc<AtomicUsize>) {
        let mut providers = Providers::of_project(Path::new("/nonexistent"));
        let count = Arc::new(AtomicUsize::new(0));
        providers.schemes.insert("count", Box::new(Counting(Arc::clone(&count))));
        (providers, count)
    }

    fn needed(reference: &str, certain: bool) -> Needed {
        Needed { reference: reference.into(), at: Some("site.rhai:1:2".into()), certain }
    }

    #[test]
    fn a_reference_is_fetched_once_however_many_ask() {
        let (providers, count) = counting();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| providers.resolve("count:a").map(|value| assert_eq!(*value, "a")).expect("there"));
            }
        });
        assert!(providers.resolve("count:missing").is_err() && providers.resolve("count:missing").is_err());
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn what_is_certain_must_be_there_before_the_run() {
        let (providers, _) = counting();
        assert_eq!(providers.ahead(&[needed("count:a", true), needed("count:missing", false)]), Ok(()));
        let error = providers.ahead(&[needed("count:a", true), needed("count:missing", true)]).expect_err("missing");
        assert_eq!(error.at.as_deref(), Some("site.rhai:1:2"));
    }

    #[test]
    fn an_unknown_scheme_names_those_there_are() {
        let (providers, _) = counting();
        let error = providers.resolve("keepass:x").expect_err("unknown");
        assert!(error.hint.is_some_and(|hint| hint.contains("`sops:`") && hint.contains("`vault:`")));
    }
}
