//! HTTP for providers: one client, and a way to wait for it on a thread that blocks.

use crate::secret::SecretError;
use std::future::Future;
use std::sync::Once;
use std::time::Duration;

/// How long an answer may take.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Chooses the implementation of TLS; the one that the state store uses as well.
pub fn use_ring() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        // Somebody was faster with the same choice.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// A client.
///
/// # Errors
/// There is no trust store.
pub fn client() -> Result<reqwest::Client, SecretError> {
    use_ring();
    let client = reqwest::Client::builder().timeout(TIMEOUT).build();
    client.map_err(|error| SecretError::new("cannot speak HTTPS").because(error))
}

/// Waits for an answer. Providers are asked on threads of their own, never on those of a runtime.
///
/// # Errors
/// What the future gives; the system has no room for a runtime.
pub fn wait<T>(answer: impl Future<Output = Result<T, SecretError>>) -> Result<T, SecretError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| SecretError::new("cannot wait for an answer").because(error))?.block_on(answer)
}
