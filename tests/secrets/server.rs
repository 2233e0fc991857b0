//! Servers of secrets inside of the test: a Vault with key-value engines, and 1Password Connect.
//!
//! They answer what the real ones answer for what is asked; `hvac` and the documentation of the API say what that is.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request: method, path with query, headers in lower case, body.
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// A server on a free port of this machine; it ends with the process.
pub struct Server {
    pub address: String,
    /// What was asked: `GET /v1/secret/data/app`.
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answer: impl Fn(&Request) -> (u16, Value) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(request) = read(&stream) {
                    log.lock().expect("no panic").push(format!(
                        "{} {}",
                        request.method,
                        request.path.split('?').next().unwrap_or_default()
                    ));
                    write(stream, answer(&request));
                }
            }
        });
        Self { address, asked }
    }

    /// How often a path was asked for.
    pub fn count(&self, request: &str) -> usize {
        self.asked.lock().expect("no panic").iter().filter(|asked| *asked == request).count()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((key, value)) = line.trim().split_once(": ") else { break };
        headers.push((key.to_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(key, _)| key == "content-length").map_or("0", |(_, value)| value);
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
}

fn write(mut stream: TcpStream, (status, body): (u16, Value)) {
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n");
    let _ = write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len());
}

pub const TOKEN: &str = "hvs.test-root-token";

/// A Vault with KV v2 at `secret/` and KV v1 at `old/`, tokens, AppRole and userpass.
pub fn vault() -> Server {
    Server::new(|request| {
        let path = request.path.trim_start_matches("/v1/").split('?').next().unwrap_or_default();
        let login = |token: &str| {
            let auth = json!({ "client_token": token, "accessor": "a", "policies": ["default"], "token_policies": ["default"],
                "metadata": {}, "lease_duration": 3600, "renewable": true, "entity_id": "e", "token_type": "service", "orphan": true });
            (
                200,
                json!({ "request_id": "r", "lease_id": "", "renewable": false, "lease_duration": 0, "data": null, "auth": auth }),
            )
        };
        match path {
            "auth/approle/login" if request.body["role_id"] == "role-1" && request.body["secret_id"] == "sid-1" => {
                return login(TOKEN);
            }
            "auth/userpass/login/ada" if request.body["password"] == "pw-1" => return login(TOKEN),
            path if path.starts_with("auth/") && path.contains("/login") => {
                return (400, json!({ "errors": ["invalid role or secret ID"] }));
            }
            _ => {}
        }
        if request.header("x-vault-token") != TOKEN {
            return (403, json!({ "errors": ["permission denied"] }));
        }
        let data = |data: Value| {
            let rest = json!({ "request_id": "r", "lease_id": "", "renewable": false, "lease_duration": 0, "wrap_info": null, "auth": null });
            let mut answer = rest.as_object().expect("a map").clone();
            answer.insert("data".into(), data);
            (200, Value::Object(answer))
        };
        let metadata = json!({ "created_time": "2026-01-01T00:00:00Z", "custom_metadata": null, "deletion_time": "", "destroyed": false, "version": 3 });
        match path {
            mount if mount.starts_with("sys/internal/ui/mounts/secret") => {
                data(json!({ "path": "secret/", "type": "kv", "options": { "version": "2" } }))
            }
            mount if mount.starts_with("sys/internal/ui/mounts/old") => {
                data(json!({ "path": "old/", "type": "kv", "options": { "version": "1" } }))
            }
            "secret/data/app/db" => {
                data(json!({ "data": { "password": "vlt-4711", "port": 5432 }, "metadata": metadata }))
            }
            "old/app" => data(json!({ "password": "kv1-4711" })),
            _ => (404, json!({ "errors": [] })),
        }
    })
}

/// A Connect server with one vault and one item.
pub fn connect() -> Server {
    const VAULT: &str = "hfnjvi6aymbsnfc2xeeoheizda";
    const ITEM: &str = "2fcbqwe9ndg175zg2dzwftvkpa";
    Server::new(|request| {
        if request.header("authorization") != "Bearer connect-token" {
            return (401, json!({ "status": 401, "message": "Invalid token signature" }));
        }
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let named = |key: &str, name: &str| query.is_empty() || query.contains(&format!("{key}+eq+%22{name}%22"));
        match path {
            "/v1/vaults" if named("name", "home") => (200, json!([{ "id": VAULT, "name": "home" }])),
            "/v1/vaults" => (200, json!([])),
            path if path == format!("/v1/vaults/{VAULT}/items") && named("title", "app") => {
                (200, json!([{ "id": ITEM, "title": "app", "vault": { "id": VAULT }, "category": "LOGIN" }]))
            }
            path if path == format!("/v1/vaults/{VAULT}/items") => (200, json!([])),
            path if path == format!("/v1/vaults/{VAULT}/items/{ITEM}") => (
                200,
                json!({ "id": ITEM, "title": "app", "fields": [
                    { "id": "password", "type": "CONCEALED", "purpose": "PASSWORD", "label": "password", "value": "con-4711" },
                    { "id": "x1", "label": "token", "section": { "id": "s1", "label": "api" }, "value": "sec-4711" },
                ]}),
            ),
            _ => (404, json!({ "status": 404, "message": "not found" })),
        }
    })
}
