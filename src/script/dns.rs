//! `dns::`

mod facts;
mod make;
mod options;
mod work;

pub use work::Keys;

use super::error::RhaiResultOf;
use crate::ops::Entry;
use rhai::plugin::*;
use rhai::{Array, ImmutableString, Map, NativeCallContext};

/// What an operation on the project takes, by its name.
pub fn entry(name: &str) -> Option<&'static Entry> {
    options::ENTRIES.iter().find(|entry| entry.name == name)
}

/// Zones with their reverse zones, DNSSEC keys with their trust anchors, and TSIG keys.
#[export_module]
#[allow(clippy::module_inception)]
pub mod dns {
    use super::*;

    /// Keeps the key that signs the keys of some zones (KSK), and gives what others must know of it.
    ///
    /// `name` stands for the key in the project: its private half is kept in the secrets (`secrets/dns/ksk/`), the
    /// public one in `dns/ksk/`. `options` takes `zones` (a name or an array; default: `name`), which share it;
    /// `algorithm` of keys that are made (`"ecdsap256sha256"`, the default, or `"ed25519"`); `extra_anchors` (DNSKEY
    /// and DS records of others, which `anchors` has too); `ttl` of the DNSKEY records in seconds (default 3600). For a
    /// roll-over it takes `keys`, names of keys, the one that signs first (default `["ksk"]`): one that is not there is
    /// made; and `revoked`, keys that are published as given up (RFC 5011). It is done once a run, by whichever host
    /// comes first; a plan makes nothing, and what is in a key is known after apply then.
    ///
    /// Gives a map: `changed`, `name`, `zones`, `dnskey`, `ds` (SHA-256 and SHA-384) and `anchors` (for unbound and
    /// Knot Resolver) as records, `bind_anchors` (`trust-anchors` of named.conf), and of the first key `key_tag`,
    /// `algorithm` (its number) and `pem`: the private key, PKCS#8, a secret. `keys` has these three and `label` and
    /// `revoked` for every key. Fails when the project has no secrets yet (`rhapsode secret init`).
    ///
    /// ```rhai
    /// let ksk = dns::ksk("internal", #{ zones: ["internal", "podman", "nspawn"] });
    /// file::put("/etc/unbound/internal.key", #{ content: ksk.anchors });
    /// file::put("/etc/credstore/ksk.pem", #{ content: ksk.pem });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn ksk(ctx: NativeCallContext, name: ImmutableString, options: Map) -> RhaiResultOf<Map> {
        make::ksk(&ctx, &name, options)
    }

    /// Keeps the key signing key of one zone: ECDSA P-256 with SHA-256.
    #[rhai_fn(name = "ksk", return_raw)]
    pub fn ksk_plain(ctx: NativeCallContext, name: ImmutableString) -> RhaiResultOf<Map> {
        make::ksk(&ctx, &name, Map::new())
    }

    /// The files that BIND reads keys from: `K*.key` and `K*.private`, one pair a key and zone.
    ///
    /// `ksk` is what `dns::ksk` gave. Gives an array of maps: `file` (without the ending), `zone`, `key` (the public
    /// half) and `private_key`, a secret. In a plan in which a key is not made yet the host ends here.
    ///
    /// ```rhai
    /// for pair in dns::bind_files(dns::ksk("home.example")) {
    ///     file::put(`/etc/bind/keys/${pair.file}.key`, #{ content: pair.key });
    ///     file::put(`/etc/bind/keys/${pair.file}.private`, #{ content: pair.private_key, owner: "bind" });
    /// }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn bind_files(ctx: NativeCallContext, ksk: Map) -> RhaiResultOf<Array> {
        make::bind_files(&ctx, &ksk)
    }

    /// Keeps a TSIG key: a secret by which two servers, or a server and a client, know each other (RFC 8945).
    ///
    /// `name` is the name of the key, which both sides use. `options` takes `algorithm`: `"hmac-sha256"` (the default,
    /// a secret of 32 octets) or `"hmac-sha512"` (64). The secret is made once and kept in the project
    /// (`secrets/dns/tsig/`); a plan makes nothing, and it is known after apply then.
    ///
    /// Gives a map: `changed`, `name`, `algorithm`, and as secrets `secret` (base64), `bind` (a `key` statement, which
    /// `nsupdate -k` and `dig -k` read too), `knot` and `nsd` (a `key` section), and `client` (for `-y` of dig and
    /// nsupdate, where other users of the machine see it).
    ///
    /// ```rhai
    /// let key = dns::tsig("transfer-internal");
    /// file::put("/etc/bind/transfer.key", #{ content: key.bind, owner: "bind" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn tsig(ctx: NativeCallContext, name: ImmutableString, options: Map) -> RhaiResultOf<Map> {
        make::tsig(&ctx, &name, options)
    }

    /// Keeps a TSIG key by HMAC-SHA256.
    #[rhai_fn(name = "tsig", return_raw)]
    pub fn tsig_plain(ctx: NativeCallContext, name: ImmutableString) -> RhaiResultOf<Map> {
        make::tsig(&ctx, &name, Map::new())
    }

    /// Keeps the four TSIG keys of a zone: `transfer-ZONE`, `update-ZONE`, `acme-update-ZONE` and `notify-ZONE`.
    ///
    /// `options` is as for `dns::tsig`: `algorithm`. Gives a map of what `dns::tsig` gives: `transfer`, `update`,
    /// `acme_update`, `notify`; and of all four together `bind`, `knot`, `nsd` and `changed`.
    ///
    /// ```rhai
    /// let keys = dns::tsig_set("internal");
    /// file::put("/etc/knot/keys.conf", #{ content: keys.knot, owner: "knot" });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn tsig_set(ctx: NativeCallContext, zone: ImmutableString, options: Map) -> RhaiResultOf<Map> {
        make::tsig_set(&ctx, &zone, options)
    }

    /// Keeps the four TSIG keys of a zone, by HMAC-SHA256.
    #[rhai_fn(name = "tsig_set", return_raw)]
    pub fn tsig_set_plain(ctx: NativeCallContext, zone: ImmutableString) -> RhaiResultOf<Map> {
        make::tsig_set(&ctx, &zone, Map::new())
    }

    /// The file of a zone, with a serial that rises when the content changes, and only then.
    ///
    /// `options` takes `ns` (its name servers: a name or an array) and `hosts`: names with an address, an array of
    /// addresses, or a map of types of records (`#{ cname: "web" }`, `#{ mx: ["10 mail"], txt: "...", ttl: 60 }`), in
    /// which `address` may be of both kinds. Names are those of zone files: `@` is the zone, and what has no final dot
    /// stands below it; others than ASCII become punycode. A TXT record is a text, cut at 255 octets, or an array of
    /// strings. `contact` (default `"hostmaster"`) is an address of e-mail or a name. Times are in seconds: `ttl`
    /// (default 3600), `minimum` (of answers that there is nothing, default 3600), `refresh` (86400), `retry` (7200) and
    /// `expire` (3600000) of secondaries. `serial` is `"date"` (the default: `2026112000`), `"unix"` or `"increment"`.
    /// The last serial is kept in `dns/zones/`; it is done once a run, and a plan keeps nothing.
    ///
    /// Gives a map: `changed` (there is a new serial), `name`, `text`, `serial`, and `addresses` (maps with `name` and
    /// `address`). Fails for what servers would refuse: an alias beside other records, a server without an address.
    ///
    /// ```rhai
    /// let zone = dns::zone("home.example", #{
    ///     ns: "ns1",
    ///     hosts: #{ ns1: ["10.87.240.2", "fd00:87:240::2"], web: "10.87.240.10", www: #{ cname: "web" } },
    /// });
    /// file::put("/var/lib/knot/home.example.zone", #{ content: zone.text });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn zone(ctx: NativeCallContext, name: ImmutableString, options: Map) -> RhaiResultOf<Map> {
        make::zone(&ctx, &name, options)
    }

    /// The reverse zones of a network, as `dns::zone` gives zones: an array, as some networks take several.
    ///
    /// `network` is `"10.87.240.0/24"` or `"fd00:87:240::/64"`; any address of it will do. `options` takes what
    /// `dns::zone` takes, with names that are whole, whether their final dot is written or not: `ns`, `contact`,
    /// `ttl`, `minimum`, `refresh`, `retry`, `expire`, `serial`. `from` is an array of what `dns::zone` gave: the names
    /// of their addresses in this network. `hosts` maps addresses to a name or an array of names, and wins. A network
    /// smaller than a /24 has a zone after RFC 2317 (`128/25.2.0.192.in-addr.arpa.`); `classless: "dash"` writes
    /// `128-25`, and `"whole"` takes the /24. The maps have `delegation` too: lines for the zone around a classless
    /// one, else empty.
    ///
    /// ```rhai
    /// let zone = dns::zone("home.example", #{ ns: "ns1", hosts: #{ ns1: "10.87.240.2" } });
    /// for reverse in dns::reverse("10.87.240.0/24", #{ ns: "ns1.home.example", from: [zone] }) {
    ///     file::put(`/var/lib/knot/${reverse.name}zone`, #{ content: reverse.text });
    /// }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn reverse(ctx: NativeCallContext, network: ImmutableString, options: Map) -> RhaiResultOf<Array> {
        make::reverse(&ctx, &network, options)
    }

    /// The names of the reverse zones of a network.
    ///
    /// An end between two octets (IPv4) or hexadecimal digits (IPv6) takes several zones, one smaller than a /24 is
    /// called after RFC 2317. Fails when the text is no network.
    ///
    /// ```rhai
    /// for zone in dns::reverse_zones("10.88.0.1/16") { log(zone); }  // 88.10.in-addr.arpa.
    /// ```
    #[rhai_fn(return_raw)]
    pub fn reverse_zones(ctx: NativeCallContext, network: ImmutableString) -> RhaiResultOf<Array> {
        make::reverse_zones(&ctx, &network)
    }

    /// The name that the PTR records of an address stand under.
    ///
    /// For `10.87.240.1` it is `1.240.87.10.in-addr.arpa.`; IPv6 has a label for each of 32 digits. Fails when the text is no address.
    ///
    /// ```rhai
    /// log(dns::reverse_name("10.87.240.1"));
    /// ```
    #[rhai_fn(return_raw)]
    pub fn reverse_name(ctx: NativeCallContext, address: ImmutableString) -> RhaiResultOf<ImmutableString> {
        make::reverse_name(&ctx, &address)
    }
}
