//! Real connections as the engine sees them.

use super::reach::{Line, Reach};
use crate::connect;
use crate::inventory::{Escalation, Host};
use crate::remote::{Shell, ShellError};
use std::sync::Arc;
use std::time::Duration;

/// Reaches hosts as their inventory entries say.
pub struct Connected(pub connect::Settings);

impl Reach for Connected {
    fn line(&self, host: &Host) -> Arc<dyn Line> {
        Arc::new(ConnectedLine(connect::Host::new(&host.name, &host.connection, &self.0)))
    }
}

struct ConnectedLine(connect::Host);

impl Line for ConnectedLine {
    fn login(&self, becoming: Option<&Escalation>) -> Result<Duration, ShellError> {
        self.0.login(becoming)
    }

    fn shell(&self, becoming: Option<&Escalation>) -> Box<dyn Shell> {
        self.0.shell(becoming)
    }

    fn exchanges(&self) -> u64 {
        self.0.exchanges()
    }

    fn forget(&self) {
        self.0.forget();
    }

    fn rest(&self) {
        self.0.rest();
    }

    fn close(&self) {
        self.0.close();
    }
}
