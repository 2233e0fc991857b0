//! What to do where this machine gives no more.

use rustix::io::Errno;
use std::io::Error;

/// Something to do about an error that is a limit of this machine, of the user or of the control group; `None` for any
/// other error.
///
/// Spec: errors of open(2), fork(2), pthread_create(3) and write(2).
pub fn remedy(error: &Error) -> Option<&'static str> {
    Some(match Errno::from_io_error(error)? {
        Errno::MFILE => "raise the limit of open files (`ulimit -n`), or lower `--forks`",
        Errno::NFILE => "this machine has no more open files to give: raise `sysctl fs.file-max`",
        Errno::AGAIN => {
            "raise the limit of processes and threads (`ulimit -u`, `pids.max` of the control group, `TasksMax` of a \
             systemd unit), or take fewer hosts at once (`--forks`, `--limit`)"
        }
        Errno::NOMEM => "free some memory, or take fewer hosts at once (`--forks`, `--limit`)",
        Errno::NOSPC | Errno::DQUOT => "free some space on this machine",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_a_remedy_and_another_error_has_none() {
        let hint = |errno: Errno| remedy(&Error::from(errno));
        assert!(hint(Errno::MFILE).is_some_and(|hint| hint.contains("ulimit -n")));
        assert!(hint(Errno::AGAIN).is_some_and(|hint| hint.contains("pids.max")));
        assert_eq!(hint(Errno::NOENT), None);
        assert_eq!(remedy(&Error::other("a text")), None);
    }
}
