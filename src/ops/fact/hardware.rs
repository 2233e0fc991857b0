//! `hardware.`

use super::args::Args;
use super::server::number;
use super::{Fact, fact};
use crate::remote::{Command, Output};
use serde_json::{Map, Value, json};
use std::net::Ipv6Addr;

pub(super) const FACTS: &[Fact] = &[
    fact("hardware.Cpus", &[], |_| Command::script("nproc 2>/dev/null || grep -c '^processor' /proc/cpuinfo"), number)
        .stable(),
    fact("hardware.Memory", &[], |_| memory(), number).stable(),
    fact("hardware.BlockDevices", &[], |_| Command::new("df").arg("-kP"), devices),
    fact("hardware.NetworkDevices", &[], |_| network(), |_, output| Some(interfaces(output)?.into())),
    fact("hardware.Ipv4Addrs", &[], |_| network(), |_, output| addresses(output, "ipv4")),
    fact("hardware.Ipv6Addrs", &[], |_| network(), |_, output| addresses(output, "ipv6")),
];

fn memory() -> Command {
    Command::script("while read -r k v u; do [ \"$k\" != MemTotal: ] || echo $((v / 1024)); done < /proc/meminfo")
}

/// Spec: POSIX.1-2024, df, "-P": one line a file system; the path may hold blanks.
fn devices(_: &Args, output: &Output) -> Option<Value> {
    let text = output.text();
    let mut devices = Map::new();
    for line in text.lines().skip(1).filter(|line| line.starts_with("/dev/")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [device, blocks, used, available, percent, ref path @ ..] = words[..] else { return None };
        let device_state = json!({
            "blocks": blocks.parse::<u64>().ok()?, "used": used.parse::<u64>().ok()?,
            "available": available.parse::<u64>().ok()?, "used_percent": percent.trim_end_matches('%').parse::<u64>().ok(),
            "mount": path.join(" "),
        });
        devices.insert(device.to_owned(), device_state);
    }
    Some(devices.into())
}

/// The kernel lists addresses of version 4 without their interface; that takes `ip` or `ifconfig`.
fn network() -> Command {
    Command::script(
        "for d in /sys/class/net/*; do [ -e \"$d/address\" ] || continue
echo \"link ${d##*/} $(cat \"$d/address\") $(cat \"$d/mtu\") $(cat \"$d/operstate\")\"; done
while read -r a i p s f n; do echo \"v6 $n $a $((0x$p))\"; done 2>/dev/null < /proc/net/if_inet6
if command -v ip >/dev/null; then ip -4 -o addr show 2>/dev/null | while read -r i n f a r; do echo \"v4 ${n%:} $a\"; done
elif command -v ifconfig >/dev/null; then
n=; ifconfig -a 2>/dev/null | while IFS= read -r l; do
case $l in [!\\ ]*) n=${l%%[: ]*} ;; *inet\\ *) l=${l#*inet }; l=${l#addr:}; echo \"v4 $n ${l%% *}\" ;; esac; done
fi; :",
    )
}

fn interfaces(output: &Output) -> Option<Map<String, Value>> {
    let text = output.text();
    let mut interfaces: Map<String, Value> = Map::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let name = *words.get(1)?;
        let entry = interfaces.entry(name).or_insert_with(|| json!({ "ipv4": [], "ipv6": [] }));
        match words[..] {
            ["link", _, ether, mtu, state] => {
                entry["ether"] = ether.into();
                entry["mtu"] = mtu.parse::<u64>().ok().into();
                entry["state"] = state.into();
            }
            ["v4", _, address] => push(&mut entry["ipv4"], address.to_owned()),
            ["v6", _, digits, prefix] => push(&mut entry["ipv6"], format!("{}/{prefix}", ipv6(digits)?)),
            _ => {}
        }
    }
    Some(interfaces)
}

fn push(list: &mut Value, address: String) {
    if let Value::Array(list) = list {
        list.push(address.into());
    }
}

/// 32 hexadecimal digits.
fn ipv6(digits: &str) -> Option<Ipv6Addr> {
    u128::from_str_radix(digits, 16).ok().map(Ipv6Addr::from)
}

/// Addresses by interface, without their prefix length.
fn addresses(output: &Output, version: &str) -> Option<Value> {
    let interfaces = interfaces(output)?;
    let plain = |entry: &Value| {
        let list = entry[version].as_array()?.iter().filter_map(Value::as_str);
        let list: Vec<&str> = list.map(|address| address.split('/').next().unwrap_or(address)).collect();
        (!list.is_empty()).then(|| Value::from(list))
    };
    Some(
        interfaces.iter().filter_map(|(name, entry)| Some((name.clone(), plain(entry)?))).collect::<Map<_, _>>().into(),
    )
}

/// Addresses of this host in /proc/net/fib_trie: the line before `/32 host LOCAL`.
pub(super) fn ipv4_of_trie(lines: &[&str]) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for pair in lines.windows(2) {
        let Some(address) = pair[0].trim_start().strip_prefix("|-- ") else { continue };
        let own = pair[1].trim_start() == "/32 host LOCAL" && !address.starts_with("127.");
        if own && !addresses.iter().any(|known| known == address) {
            addresses.push(address.to_owned());
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_links_with_their_addresses() {
        let text = "link eth0 02:42:ac:11:00:06 1500 up\nlink lo 00:00:00:00:00:00 65536 unknown\n\
                    v6 lo 00000000000000000000000000000001 128\nv4 lo 127.0.0.1/8\nv4 eth0 172.17.0.6/16\n";
        let output = Output { stdout: text.into(), ..Output::default() };
        let read = interfaces(&output).expect("parses");
        assert_eq!(read["eth0"]["ipv4"], json!(["172.17.0.6/16"]));
        assert_eq!((&read["lo"]["ipv6"], &read["lo"]["mtu"]), (&json!(["::1/128"]), &json!(65536)));
        assert_eq!(addresses(&output, "ipv6"), Some(json!({"lo": ["::1"]})));
    }
}
