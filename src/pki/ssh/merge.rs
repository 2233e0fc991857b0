//! How two branches' records of an authority become one.

use super::record::Record;
use crate::pki::merge::{Merged, Misfit, Sides};

/// What either side issued is issued, and what either side revoked is revoked. A serial that both sides gave stands
/// there twice; of two certificates with one serial the second one is issued again when it is asked for.
pub(in crate::pki) fn merge_records(sides: Sides<&str>) -> Result<Merged, Misfit> {
    let Sides { base, ours, theirs } = sides.read(|text| Record::parse(text).map_err(|error| error.to_string()))?;
    let base = base.unwrap_or_default();
    let issued = Sides { base: Some(&*base.issued), ours: &ours.issued, theirs: &theirs.issued };
    let revoked = Sides { base: Some(&*base.revoked), ours: &ours.revoked, theirs: &theirs.revoked };
    let mut merged = Record {
        last_serial: ours.last_serial.max(theirs.last_serial),
        issued: issued.united(),
        revoked: revoked.united(),
    };
    // Whoever merges whom, the same one is the first.
    merged.issued.sort_by(|one, other| (one.serial, &one.name).cmp(&(other.serial, &other.name)));
    merged.revoked.sort_by_key(|revoked| revoked.at);
    Ok(Merged::clean(merged.text()))
}
