//! Key revocation lists.
//!
//! Spec: PROTOCOL.krl of OpenSSH.

use super::record::Record;
use ssh_key::PublicKey;

const MAGIC: &[u8; 8] = b"SSHKRL\n\0";
const FORMAT: u32 = 1;
const SECTION_CERTIFICATES: u8 = 1;
const SECTION_EXPLICIT_KEY: u8 = 2;
const SERIAL_LIST: u8 = 0x20;

/// The list of what an authority revoked. It depends on the record alone: what did not change has the same bytes.
pub fn krl(authority: &PublicKey, record: &Record) -> Vec<u8> {
    let mut list = Vec::from(MAGIC);
    list.extend(FORMAT.to_be_bytes());
    list.extend((record.revoked.len() as u64).to_be_bytes());
    let made = record.revoked.iter().map(|revoked| revoked.at.as_second()).max().unwrap_or_default();
    list.extend(made.to_be_bytes());
    list.extend(0u64.to_be_bytes());
    string(&mut list, b"");
    string(&mut list, b"");
    let mut serials: Vec<u64> = record.revoked.iter().flat_map(|revoked| revoked.serials.iter().copied()).collect();
    serials.sort_unstable();
    serials.dedup();
    if !serials.is_empty() {
        let mut section = Vec::new();
        string(&mut section, &blob(authority));
        string(&mut section, b"");
        section.push(SERIAL_LIST);
        string(&mut section, &serials.into_iter().flat_map(u64::to_be_bytes).collect::<Vec<u8>>());
        list.push(SECTION_CERTIFICATES);
        string(&mut list, &section);
    }
    let mut keys: Vec<Vec<u8>> = record.revoked.iter().filter_map(|revoked| revoked.key.as_ref()).map(blob).collect();
    keys.sort_unstable();
    keys.dedup();
    if !keys.is_empty() {
        let mut section = Vec::new();
        keys.iter().for_each(|key| string(&mut section, key));
        list.push(SECTION_EXPLICIT_KEY);
        string(&mut list, &section);
    }
    list
}

fn blob(key: &PublicKey) -> Vec<u8> {
    key.to_bytes().expect("a key that was read can be written")
}

/// RFC 4251, 5: `string`.
fn string(list: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("far below 4 GiB");
    list.extend(length.to_be_bytes());
    list.extend(bytes);
}
