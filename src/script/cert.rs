//! `cert::`

mod deploy;
pub mod handles;
mod issue;
mod kept;
mod options;
mod work;

pub use handles::{Bundle, Certificate};

use super::Done;
use super::error::RhaiResultOf;
use crate::ops::Entry;
use rhai::plugin::*;
use rhai::{Dynamic, ImmutableString, Map, NativeCallContext};

/// What an operation on the project takes, by its name.
pub fn entry(name: &str) -> Option<&'static Entry> {
    options::ENTRIES.iter().find(|entry| entry.name == name)
}

/// Whether a certificate stands before the map of arguments.
pub fn takes_certificate(name: &str) -> bool {
    matches!(name, "cert::present" | "cert::pkcs12" | "cert::crl")
}

/// Certificates and authorities, kept in the project and deployed to hosts.
#[export_module]
#[allow(clippy::module_inception)]
pub mod cert {
    use super::*;

    /// Keeps a root authority in the project.
    ///
    /// `name` is its folder below `pki/`; its private key is kept in the project's secrets and never sent to a host.
    /// `options` takes `cn` (default: the name) or `subject` (`"CN=Home,O=Ada"`, or a map), `key_type`
    /// (`"p384"`, the default, `"p256"`, `"ed25519"`, `"rsa2048"`, `"rsa3072"`, `"rsa4096"`), `days` (lifetime, default 2920) or
    /// `hours`, `renew_before` (`"90d"`, or days; it is renewed with the same key), `path_length` (authorities below it),
    /// `usage` (what it may issue certificates for: `"server"`, `"client"`, `"both"`), `sans` (names of its own),
    /// `permitted` and `excluded` (name constraints such as `"dns:internal"` or `"ip:10.0.0.0/8"`), `crl_urls`,
    /// `issuer_urls`, `crl_days`. It is done once a run, by whichever host comes first; a plan writes nothing. It is
    /// issued anew when something else is wanted of it, or when its end is near.
    /// Fails when the project has no secrets yet (`rhapsode secret init`).
    ///
    /// ```rhai
    /// let home = cert::ca("home", #{ cn: "Home CA", permitted: ["dns:internal"] });
    /// cert::trust("home", #{ certificate: home });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn ca(ctx: NativeCallContext, name: ImmutableString, options: Map) -> RhaiResultOf<Certificate> {
        issue::issue(&ctx, "cert::ca", &name, options)
    }

    /// Keeps a root authority of ECDSA P-384 for 8 years.
    #[rhai_fn(name = "ca", return_raw)]
    pub fn ca_plain(ctx: NativeCallContext, name: ImmutableString) -> RhaiResultOf<Certificate> {
        issue::issue(&ctx, "cert::ca", &name, Map::new())
    }

    /// Keeps an authority below another one.
    ///
    /// `options` takes `ca`, the authority above (what `cert::ca` or `cert::intermediate` gave, or its name), and as
    /// `cert::ca` does `cn` or `subject`, `key_type`, `days` or `hours` (default: it ends a day before its issuer),
    /// `renew_before`, `path_length`, `usage`, `sans`, `permitted`, `excluded`, `crl_urls`, `issuer_urls` and `crl_days`.
    /// Fails when the authority above must not have others below it, or ends before it.
    ///
    /// ```rhai
    /// let servers = cert::intermediate("home/servers", #{ ca: cert::ca("home"), path_length: 0 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn intermediate(ctx: NativeCallContext, name: ImmutableString, options: Map) -> RhaiResultOf<Certificate> {
        issue::issue(&ctx, "cert::intermediate", &name, options)
    }

    /// Keeps a certificate of a server, a client, or both.
    ///
    /// `name` is its folder below `pki/`. `options` takes `ca`, the authority (a value, or its name); `sans`, a text or
    /// an array (`"web.example"`, `"ip:10.0.0.1"`, `"uri:spiffe://home/web"`, `"email:ada@example.org"`); `usage`
    /// (`"server"`, `"client"` or `"both"`, the default); `cn` or `subject` (default: the first DNS name); `key_type`
    /// (default `"p256"`); `days` (lifetime, default 824) or `hours`; `renew_before` (default `"30d"`, at most a
    /// third of its lifetime); `key_usages`; `reuse_key` (keeps its key when it is issued anew). It is issued anew, and
    /// handlers in `notify` called, when anything else is wanted, its end is near, its issuer was replaced, or it was
    /// revoked. It is done once a run, by whichever host comes first; the others have the same certificate.
    /// Fails when the authority must not issue such names, or two calls want different things under one name.
    ///
    /// ```rhai
    /// let web = cert::issue("home/web", #{ ca: cert::ca("home"), sans: ["web.internal", "ip:10.0.0.1"], usage: "server" });
    /// cert::present("/etc/nginx/tls", web, #{ group: "www-data", notify: "reload nginx" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn issue(ctx: NativeCallContext, name: ImmutableString, options: Map) -> RhaiResultOf<Certificate> {
        super::issue::issue(&ctx, "cert::issue", &name, options)
    }

    /// Keeps a certificate that no authority issued.
    ///
    /// `options` takes what `cert::issue` does: `sans`, `usage`, `cn` or `subject`, `key_type`, `days` or `hours`,
    /// `renew_before`, `key_usages` and `reuse_key`.
    ///
    /// ```rhai
    /// let lab = cert::self_signed("lab", #{ sans: "lab.internal", days: 90 });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn self_signed(ctx: NativeCallContext, name: ImmutableString, options: Map) -> RhaiResultOf<Certificate> {
        issue::issue(&ctx, "cert::self_signed", &name, options)
    }

    /// A certificate of the project that was issued before: by `rhapsode pki`, or by another playbook.
    ///
    /// Fails when there is none.
    ///
    /// ```rhai
    /// cert::trust("office", #{ certificate: cert::named("office") });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn named(ctx: NativeCallContext, name: ImmutableString) -> RhaiResultOf<Certificate> {
        issue::named(&ctx, &name)
    }

    /// Revokes a certificate, once, and never issues it again: its authority's list has it from then on.
    ///
    /// `certificate` is a name, or what `cert::named` gave. `options` takes `reason`: `"unspecified"` (the default),
    /// `"key_compromise"`, `"affiliation_changed"`, `"superseded"`, `"cessation_of_operation"` (RFC 5280, 5.3.1).
    /// `cert::crl` publishes the list. Fails when the playbook issues it, too.
    ///
    /// ```rhai
    /// cert::revoke("home/laptop", #{ reason: "key_compromise" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn revoke(ctx: NativeCallContext, certificate: Dynamic, options: Map) -> RhaiResultOf<Done> {
        issue::revoke(&ctx, &certificate, options)
    }

    /// Revokes a certificate, once, without saying why.
    #[rhai_fn(name = "revoke", return_raw)]
    pub fn revoke_plain(ctx: NativeCallContext, certificate: Dynamic) -> RhaiResultOf<Done> {
        issue::revoke(&ctx, &certificate, Map::new())
    }

    /// Keeps a certificate and its key where a service reads them.
    ///
    /// `path` is a folder, made when it is missing: `fullchain.pem` (0644) and `privkey.pem` (0600) stand in it. A path
    /// that ends in `.pem` is one file with certificate, chain and key (0600), as haproxy reads it. `certificate` is what
    /// `cert::issue`, `cert::self_signed` or `cert::named` gave, or a map with `cert`, `key` (a secret), `chain` and
    /// `root` in PEM. `want` takes `owner` and `group`; `mode` of what holds the key, and `cert_mode`; other names, in the
    /// folder or as whole paths: `cert_path`, `key_path`; more files: `chain_path` (the issuers alone), `ca_path` (whom to
    /// trust), `combined_path` (all in one); `chain: false` leaves the issuers out of `cert_path`. All files are put in
    /// place together, the certificate first: where there is a key, there is its certificate.
    /// Fails for the certificate of an authority: its key stays in the project.
    ///
    /// ```rhai
    /// let db = cert::issue("home/db", #{ ca: "home", sans: "db.internal" });
    /// cert::present("/etc/postgresql/tls", db, #{
    ///     cert_path: "server.crt", key_path: "server.key", ca_path: "root.crt", owner: "postgres", group: "postgres",
    /// });
    /// cert::present("/etc/haproxy/certs/db.pem", db, #{ group: "haproxy", mode: "0640" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn present(ctx: NativeCallContext, path: Dynamic, certificate: Dynamic, want: Map) -> RhaiResultOf<Done> {
        deploy::present(&ctx, path, &certificate, want)
    }

    /// Keeps `fullchain.pem` and `privkey.pem` in a folder, or all in one file that ends in `.pem`.
    #[rhai_fn(name = "present", return_raw)]
    pub fn present_plain(ctx: NativeCallContext, path: Dynamic, certificate: Dynamic) -> RhaiResultOf<Done> {
        deploy::present(&ctx, path, &certificate, Map::new())
    }

    /// Keeps a certificate, its chain and its key in one encrypted file: PKCS#12, as browsers and phones import it.
    ///
    /// The file is made once and kept in the project's secrets, with its password, until certificate, chain, key or
    /// `friendly_name` change: an apply does not touch it otherwise. `want` takes `friendly_name` (default: the name of
    /// the certificate), `owner`, `group` and `mode` (default `"0600"`). The handle has `password`, a secret.
    /// Fails for the certificate of an authority.
    ///
    /// ```rhai
    /// let laptop = cert::issue("home/laptop", #{ ca: "home", sans: "email:ada@example.org", usage: "client" });
    /// let bundle = cert::pkcs12("/home/ada/laptop.p12", laptop, #{ owner: "ada" });
    /// file::put("/home/ada/laptop.password", #{ content: bundle.password, owner: "ada" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn pkcs12(ctx: NativeCallContext, path: Dynamic, certificate: Dynamic, want: Map) -> RhaiResultOf<Bundle> {
        deploy::pkcs12(&ctx, path, &certificate, want)
    }

    /// Keeps a certificate, its chain and its key in one encrypted file that only its owner reads.
    #[rhai_fn(name = "pkcs12", return_raw)]
    pub fn pkcs12_plain(ctx: NativeCallContext, path: Dynamic, certificate: Dynamic) -> RhaiResultOf<Bundle> {
        deploy::pkcs12(&ctx, path, &certificate, Map::new())
    }

    /// Keeps the list of what an authority revoked where a service reads it, in PEM.
    ///
    /// `ca` is the authority or its name. The list is signed anew when something was revoked, and before it ends: run
    /// such a playbook more often than that (`crl_days` of the authority, default 30; it is renewed in the last third).
    /// `want` takes `owner`, `group` and `mode` (default `"0644"`).
    ///
    /// ```rhai
    /// cert::crl("/etc/nginx/tls/revoked.pem", "home", #{ notify: "reload nginx" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn crl(ctx: NativeCallContext, path: Dynamic, ca: Dynamic, want: Map) -> RhaiResultOf<Done> {
        deploy::crl(&ctx, path, &ca, want)
    }

    /// Keeps the list of what an authority revoked where a service reads it.
    #[rhai_fn(name = "crl", return_raw)]
    pub fn crl_plain(ctx: NativeCallContext, path: Dynamic, ca: Dynamic) -> RhaiResultOf<Done> {
        deploy::crl(&ctx, path, &ca, Map::new())
    }

    /// Keeps authorities among those that the programs of the host trust.
    ///
    /// `want` takes `certificate` or `certificates`: authorities of the project, or texts in PEM with one or more in each;
    /// or `src`, such a file on this machine. `present: false` takes away what stands under the name. Where the host
    /// has `update-ca-certificates` (Debian, Ubuntu, Alpine, SUSE) or `update-ca-trust` (Fedora, RHEL, Arch), the files go
    /// where it looks, and it is called; else into `/etc/ssl/certs`, with links by the hash of the subject as OpenSSL
    /// looks them up. `folder` names another folder with such links.
    /// Fails when the store does not hold a certificate afterwards.
    ///
    /// ```rhai
    /// cert::trust("home", #{ certificate: cert::ca("home") });
    /// cert::trust("partner", #{ folder: "/etc/app/trusted", certificates: [cert::named("partner")] });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn trust(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        deploy::trust(&ctx, name, want)
    }

    /// Keeps an authority among those that the programs of the host trust.
    #[rhai_fn(name = "trust", return_raw)]
    pub fn trust_plain(ctx: NativeCallContext, name: Dynamic, certificate: Certificate) -> RhaiResultOf<Done> {
        deploy::trust(&ctx, name, Map::from([("certificate".into(), Dynamic::from(certificate))]))
    }
}
