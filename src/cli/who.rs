//! Who runs this, and where.

/// The user and the machine that run this.
pub(super) fn whoami() -> (String, String) {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    let user = user.unwrap_or_else(|_| named(rustix::process::geteuid().as_raw()));
    (user, rustix::system::uname().nodename().to_string_lossy().into_owned())
}

/// The name of a user number, as passwd(5) has it.
fn named(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let number = uid.to_string();
    let mut entries = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let entry = entries.find(|entry| entry.get(2) == Some(&number.as_str()));
    entry.map_or_else(|| number.clone(), |entry| entry[0].to_owned())
}

/// Both in one word: `ada@desk`.
pub(super) fn who() -> String {
    let (user, machine) = whoami();
    format!("{user}@{machine}")
}
