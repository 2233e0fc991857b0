//! A PostgreSQL server of our own, shared by all test processes, from the Debian package `postgresql`.
//!
//! The first test that needs it starts it in a temporary folder; a watcher stops it and removes the folder a few
//! seconds after the last test process is gone, however that ended.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The user of every database, with a password, so that a wrong one can be tried.
pub const USER: &str = "rhapsode";
/// Its password.
pub const PASSWORD: &str = "corr@ct/horse";

/// The server.
#[derive(Debug)]
pub struct Server {
    port: u16,
    folder: PathBuf,
    // Shared by the processes that use the server; the watcher waits until it can have it alone.
    _used: File,
}

/// A database with nothing in it.
#[derive(Debug)]
pub struct Database {
    /// Its name.
    pub name: String,
    server: &'static Server,
}

/// Gives the server; starts it when it does not run.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::join)
}

impl Database {
    /// Makes a database.
    pub fn new() -> Self {
        let server = server();
        let name = format!("t{}", ulid::Ulid::generate().to_string().to_lowercase());
        server.sql("postgres", &format!("CREATE DATABASE {name}"));
        Self { name, server }
    }

    /// Its URL, with user and password; without TLS, as on a trusted network.
    pub fn url(&self) -> String {
        format!("{}?sslmode=disable", self.server.url(USER, PASSWORD, &self.name))
    }

    /// Its URL with TLS, and with this authority or that of the system.
    pub fn tls_url(&self, mode: &str, authority: Option<&Path>) -> String {
        let authority = authority.map_or_else(String::new, |path| format!("&sslrootcert={}", path.display()));
        format!("{}?sslmode={mode}{authority}", self.server.url(USER, PASSWORD, &self.name))
    }

    /// Its URL on the unix socket.
    pub fn socket_url(&self) -> String {
        let folder = self.server.folder.display();
        format!("postgres://{USER}:corr%40ct%2Fhorse@/{}?host={folder}&port={}", self.name, self.server.port)
    }

    /// Asks it behind the store's back; rows as psql prints them, columns with `|` between.
    pub fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.server.sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

impl Server {
    /// A URL of this server.
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        let escaped = password.replace('@', "%40").replace('/', "%2F");
        format!("postgres://{user}:{escaped}@127.0.0.1:{}/{database}", self.port)
    }

    /// The certificate of the server, which it signed itself.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("server.crt")
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(program("psql"));
        psql.env("PGPASSWORD", PASSWORD).args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]);
        psql.args(["-p", &self.port.to_string(), "-U", USER, "-d", database, "-c", sql]);
        said(psql)
    }

    fn join() -> Self {
        let base = std::env::temp_dir().join(format!("rhapsode-postgres-{}", rustix::process::geteuid().as_raw()));
        std::fs::create_dir_all(&base).expect("a folder for the server");
        let open = |name: &str| {
            File::options().create(true).append(true).open(base.join(name)).expect("a lock file for the server")
        };
        // Only one process at a time starts or stops the server.
        let start = open("start.lock");
        start.lock().expect("locked");
        let used = open("used.lock");
        used.lock_shared().expect("locked");
        let folder = base.join("server");
        let port = running(&folder).unwrap_or_else(|| {
            launch(&folder);
            watch(&base);
            running(&folder).expect("the server runs")
        });
        Self { port, folder, _used: used }
    }
}

/// The port of the server, when it runs.
fn running(folder: &Path) -> Option<u16> {
    let status = as_owner("pg_ctl").args(["status", "-s", "-D"]).arg(folder.join("data")).output().ok()?;
    let port = std::fs::read_to_string(folder.join("port")).ok()?;
    status.status.success().then(|| port.trim().parse().ok())?
}

fn launch(folder: &Path) {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir(folder).expect("a folder for the server");
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    std::fs::write(folder.join("port"), port.to_string()).expect("written");
    std::fs::write(folder.join("password"), PASSWORD).expect("written");
    certify(folder);
    if rustix::process::geteuid().is_root() {
        said_by(Command::new("chown").args(["-R", "postgres:"]).arg(folder));
    }
    let mut initdb = as_owner("initdb");
    initdb.args(["--auth=scram-sha-256", "--username", USER, "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]);
    initdb.arg("--pwfile").arg(folder.join("password")).arg("-D").arg(folder.join("data"));
    said(initdb);
    let options = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={0} -c fsync=off -c max_connections=400 \
         -c ssl=on -c ssl_cert_file={0}/server.crt -c ssl_key_file={0}/server.key",
        folder.display()
    );
    let mut start = as_owner("pg_ctl");
    start.args(["start", "-s", "-w", "-D"]).arg(folder.join("data")).arg("-l").arg(folder.join("log"));
    start.arg("-o").arg(options).stdout(Stdio::null());
    said(start);
}

fn certify(folder: &Path) {
    // Without a configuration of ours, openssl makes the certificate one of an authority, which no server may have.
    let config = "[req]\ndistinguished_name = name\n[name]\n";
    std::fs::write(folder.join("openssl.cnf"), config).expect("written");
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-config"]).arg(folder.join("openssl.cnf"));
    openssl.args(["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=rhapsode-test", "-addext", "subjectAltName=IP:127.0.0.1"]);
    openssl.arg("-keyout").arg(folder.join("server.key")).arg("-out").arg(folder.join("server.crt"));
    said(openssl);
}

/// Stops the server once no test process uses it any more. It outlives us, so it holds none of our files.
fn watch(base: &Path) {
    let script = "cd \"$0\" || exit
while sleep 5; do
    flock start.lock sh -c 'flock -n used.lock true || exit 1; \"$@\"; rm -rf server' sh \"$@\" && exit
done";
    let mut stop = as_owner("pg_ctl");
    stop.args(["stop", "-s", "-m", "immediate", "-D"]).arg(base.join("server/data"));
    let mut watcher = Command::new("setsid");
    watcher.args(["--fork", "sh", "-c", script]).arg(base).arg(stop.get_program()).args(stop.get_args());
    watcher.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = watcher.status().expect("setsid of util-linux");
    assert!(started.success(), "the watcher of the server starts");
}

/// A program of the server as the user it may run as: never root.
fn as_owner(name: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program(name));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program(name));
    command
}

/// Debian keeps the programs of the server out of the path.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin").join(name)).collect();
    found.retain(|path| path.exists());
    found.sort();
    found.pop().unwrap_or_else(|| panic!("`{name}` is missing: apt-get install postgresql"))
}

fn said(mut command: Command) -> String {
    said_by(&mut command)
}

fn said_by(command: &mut Command) -> String {
    let output =
        command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?} said {text}{errors}", command.get_program());
    text.trim_end().to_owned()
}
