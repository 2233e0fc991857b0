//! `ssh::`

pub mod handles;
mod make;
mod options;
mod work;

pub use handles::{SshCertificate, SshKey};

use super::{Done, RhaiResultOf, ensure};
use crate::ops::Entry;
use rhai::plugin::*;
use rhai::{Array, Dynamic, ImmutableString, Map, NativeCallContext};

/// What an operation on the project takes, by its name.
pub fn entry(name: &str) -> Option<&'static Entry> {
    options::ENTRIES.iter().find(|entry| entry.name == name)
}

/// The SSH server, the keys of known hosts, and the project's own keys and certificates of OpenSSH.
#[export_module]
#[allow(clippy::module_inception)]
pub mod ssh {
    use super::*;

    /// Sets options of the SSH server, without the risk of being locked out.
    ///
    /// `options` maps keywords of sshd_config(5) to a text, a number, a boolean (`yes` or `no`) or an array (one line
    /// each). `"Match User git"` with a map makes a block. They are all the options of ours: what an earlier run set
    /// and is left out now is gone. They stand in `/etc/ssh/sshd_config.d/00-rhapsode.conf`, or at the top of the main
    /// file where that includes no drop-ins first. `sshd -t` must accept them, and after the reload a login on a fresh
    /// connection must succeed while the old one is still open; else the files are brought back and sshd reloaded.
    ///
    /// ```rhai
    /// ssh::server(#{ PasswordAuthentication: false, PermitRootLogin: "prohibit-password", AllowUsers: ["ada", "ci"] });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn server(ctx: NativeCallContext, options: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "ssh::server", options.into(), Map::new())
    }

    /// Sets options of the SSH server, with common arguments.
    #[rhai_fn(name = "server", return_raw)]
    pub fn server_with(ctx: NativeCallContext, options: Map, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "ssh::server", options.into(), want)
    }

    /// Keeps the keys by which ssh on the host recognises another host.
    ///
    /// `want` takes `key` (a text or an array, as in a `.pub` file; another key of the same type is replaced), or
    /// `scan` (true: while none is known, take those that the host shows now), `port` (default 22), `user` (whose
    /// `~/.ssh/known_hosts`; default: who runs the operations), `system` (true: `/etc/ssh/ssh_known_hosts`) and
    /// `present` (false: no keys of that host). With `authority: true` the keys are those of authorities that certify
    /// hosts (`@cert-authority`): exactly these, and the name may be a pattern such as `*.example.org`. `hash: true`
    /// hides the names of lines that are added, as `ssh-keygen -H` does. Hashed names are recognised; lines with another
    /// marker stay.
    /// Fails when a scan gets no answer.
    ///
    /// ```rhai
    /// ssh::known_host("git.example", #{ key: "ssh-ed25519 AAAA...", user: "deploy" });
    /// ssh::known_host("*.example.org", #{ key: ssh::ca("hosts").public_key, authority: true, system: true });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn known_host(ctx: NativeCallContext, name: Dynamic, want: Map) -> RhaiResultOf<Done> {
        ensure(&ctx, "ssh::known_host", name, want)
    }

    /// Keeps a key pair in the project: made once, by whichever host comes first; a plan writes nothing.
    ///
    /// The public key stands in `pki/ssh/NAME.pub`, the private one in the project's secrets, as `pki/ssh/NAME/key`.
    /// `options` takes `type` (`"ed25519"`, the default, `"ecdsa-p256"`, `"ecdsa-p384"` or `"rsa"`), `bits` of an RSA key
    /// (3072, the default, or 4096) and `comment` (default: the name). What it gives has `public_key`, `private_key` (a
    /// secret), `fingerprint`, `name`, `changed` and `skipped`.
    /// Fails when there is one of another type: a key that others trust is not replaced. Fails when the project has no
    /// secrets yet (`rhapsode secret init`).
    ///
    /// ```rhai
    /// let deploy = ssh::key("deploy", #{ comment: "deploy@home" });
    /// user::keys("app", #{ keys: deploy.public_key });
    /// file::put("/home/ci/.ssh/id_ed25519", #{ content: deploy.private_key, owner: "ci" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn key(ctx: NativeCallContext, name: ImmutableString, options: Map) -> RhaiResultOf<SshKey> {
        make::key(&ctx, "ssh::key", &name, options)
    }

    /// Keeps an Ed25519 key pair in the project.
    #[rhai_fn(name = "key", return_raw)]
    pub fn key_plain(ctx: NativeCallContext, name: ImmutableString) -> RhaiResultOf<SshKey> {
        make::key(&ctx, "ssh::key", &name, Map::new())
    }

    /// Keeps an authority in the project, which certifies keys of hosts or of users.
    ///
    /// `options` takes `type`, `bits` and `comment`, as for `ssh::key`. What it issued and revoked stands in `pki/ssh/NAME/authority.json`. Its private key
    /// stays in the project's secrets: nothing gives it to a script.
    ///
    /// ```rhai
    /// let users = ssh::ca("users");
    /// file::put("/etc/ssh/user_ca.pub", #{ content: users.public_key + "\n" });
    /// ssh::krl("/etc/ssh/revoked_keys", users);
    /// ssh::server(#{ TrustedUserCAKeys: "/etc/ssh/user_ca.pub", RevokedKeys: "/etc/ssh/revoked_keys" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn ca(ctx: NativeCallContext, name: ImmutableString, options: Map) -> RhaiResultOf<SshKey> {
        make::key(&ctx, "ssh::ca", &name, options)
    }

    /// Keeps an authority with an Ed25519 key in the project.
    #[rhai_fn(name = "ca", return_raw)]
    pub fn ca_plain(ctx: NativeCallContext, name: ImmutableString) -> RhaiResultOf<SshKey> {
        make::key(&ctx, "ssh::ca", &name, Map::new())
    }

    /// Certifies a key of the host that is there, and puts the certificate beside it; the private key never leaves it.
    ///
    /// `ca` is what `ssh::ca` gave, or its name. `want` takes `key` (the public key on the host, default
    /// `/etc/ssh/ssh_host_ed25519_key.pub`), `principals` (the names by which clients call the host; default: its name
    /// and its address in the inventory), `days` (how long it is valid, default 365; `0.5` is twelve hours), `renew_days`
    /// (how long before its end it is issued anew; default: a third of it, 30 at most), `key_id` (default: the host's
    /// name), and `owner`, `group` and `mode` of the file. It is issued anew when any of this or the key changes, and when
    /// it was revoked; the plan tells why. sshd shows it once `HostCertificate` names it, and after a reload.
    /// Fails when the host has no such key.
    ///
    /// ```rhai
    /// handler("reload sshd", |h| { service::reloaded("ssh"); });
    /// ssh::host_certificate("hosts", #{ principals: [host.name, host.addr], notify: "reload sshd" });
    /// ssh::server(#{ HostCertificate: "/etc/ssh/ssh_host_ed25519_key-cert.pub" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn host_certificate(ctx: NativeCallContext, ca: Dynamic, want: Map) -> RhaiResultOf<Done> {
        make::host_certificate(&ctx, &ca, want)
    }

    /// Certifies the Ed25519 key of the host for its name and its address, for a year.
    #[rhai_fn(name = "host_certificate", return_raw)]
    pub fn host_certificate_plain(ctx: NativeCallContext, ca: Dynamic) -> RhaiResultOf<Done> {
        make::host_certificate(&ctx, &ca, Map::new())
    }

    /// Keeps a certificate of a user in the project.
    ///
    /// `name` is its own: a person, or a person and a machine. `options` takes `ca` (what `ssh::ca` gave, or its name),
    /// `key` (what `ssh::key` gave, its name, or a public key as text), `principals` (the accounts that it opens), `days`
    /// (how long it is valid, default 90; `0.5` is twelve hours), `renew_days` (how long before its end it is issued anew;
    /// default: a third of it, 30 at most), `key_id` (what sshd writes to its log; default: the name), `options` (critical
    /// options: a map with `force-command`, `source-address`, `verify-required`) and `extensions` (an array; default: those
    /// of ssh-keygen, `permit-pty` and so on). What it gives has `certificate`, `serial`, `valid_before`, `name`,
    /// `changed` and `skipped`. It is issued anew when any of this changes; the plan tells why.
    /// Fails when the name or the key was revoked.
    ///
    /// ```rhai
    /// let ada = ssh::user_certificate("ada@laptop", #{
    ///     ca: "users", key: "ssh-ed25519 AAAA...", principals: ["ada", "deploy"], days: 30,
    ///     options: #{ "source-address": "192.0.2.0/24" }, extensions: ["permit-pty"],
    /// });
    /// file::put("/home/ada/.ssh/id_ed25519-cert.pub", #{ content: ada.certificate + "\n", owner: "ada" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn user_certificate(
        ctx: NativeCallContext,
        name: ImmutableString,
        options: Map,
    ) -> RhaiResultOf<SshCertificate> {
        make::user_certificate(&ctx, &name, options)
    }

    /// Sees that an authority has revoked something, for good; `ssh::krl` tells hosts of it.
    ///
    /// `what` is a serial number, a public key (no certificate of it counts), the name of a certificate (all that were
    /// issued under it; none is again), or an array of these. `options` takes `reason`, a text for people.
    /// Fails when the authority issued nothing of the kind.
    ///
    /// ```rhai
    /// ssh::revoked("users", ["ada@laptop", 7], #{ reason: "stolen" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn revoked(ctx: NativeCallContext, ca: Dynamic, what: Dynamic, options: Map) -> RhaiResultOf<Done> {
        make::revoked(&ctx, &ca, &what, options)
    }

    /// Sees that an authority has revoked something, without saying why.
    #[rhai_fn(name = "revoked", return_raw)]
    pub fn revoked_plain(ctx: NativeCallContext, ca: Dynamic, what: Dynamic) -> RhaiResultOf<Done> {
        make::revoked(&ctx, &ca, &what, Map::new())
    }

    /// Keeps the list of what an authority revoked where sshd (`RevokedKeys`) or ssh (`RevokedHostKeys`) reads it.
    ///
    /// It is a key revocation list of OpenSSH, which `ssh-keygen -Q -l -f` shows. `want` takes `owner`, `group` and `mode`
    /// (default `"0644"`). It is there even when nothing is revoked: without the file sshd would refuse every key.
    ///
    /// ```rhai
    /// ssh::krl("/etc/ssh/revoked_keys", "users");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn krl(ctx: NativeCallContext, path: Dynamic, ca: Dynamic, want: Map) -> RhaiResultOf<Done> {
        make::krl(&ctx, path, &ca, want)
    }

    /// Keeps the list of what an authority revoked where sshd or ssh reads it.
    #[rhai_fn(name = "krl", return_raw)]
    pub fn krl_plain(ctx: NativeCallContext, path: Dynamic, ca: Dynamic) -> RhaiResultOf<Done> {
        make::krl(&ctx, path, &ca, Map::new())
    }

    /// Lines of `known_hosts` by which clients trust an authority for hosts: `@cert-authority *.example.org ...`.
    ///
    /// `ca` is what `ssh::ca` gave, or its name; `hosts` a name or pattern of hosts, or an array. `options` takes `hash`
    /// (true: names are hashed, as `ssh-keygen -H` does; not possible for patterns). `ssh::known_host` keeps such a line in
    /// a file on the host, among others.
    ///
    /// ```rhai
    /// file::put("/srv/www/known_hosts", #{ content: ssh::cert_authority("hosts", ["*.example.org", "[bastion]:2222"]) });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn cert_authority(ctx: NativeCallContext, ca: Dynamic, hosts: Dynamic, options: Map) -> RhaiResultOf<Dynamic> {
        make::cert_authority_with(&ctx, &ca, &hosts, &options)
    }

    /// Lines of `known_hosts` by which clients trust an authority for hosts, names in clear.
    #[rhai_fn(name = "cert_authority", return_raw)]
    pub fn cert_authority_plain(ctx: NativeCallContext, ca: Dynamic, hosts: Dynamic) -> RhaiResultOf<Dynamic> {
        make::cert_authority_with(&ctx, &ca, &hosts, &Map::new())
    }

    /// One list for `authorized_keys` of several: each key once, on a line of its own, whatever a file ends with.
    ///
    /// A source is a file of the project, a text with keys, or what `ssh::key` gave. Comments are left out, options stay.
    /// Fails for a line that is no public key.
    ///
    /// ```rhai
    /// let keys = ssh::authorized_keys(["keys/developers.pub", ssh::key("provision")]);
    /// user::keys("root", #{ keys: keys, exclusive: true });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn authorized_keys(ctx: NativeCallContext, sources: Array) -> RhaiResultOf<Dynamic> {
        make::authorized_keys(&ctx, &sources)
    }
}
