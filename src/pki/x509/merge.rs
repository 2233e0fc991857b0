//! How two branches' records and revocation lists of an authority become one.

use super::record::{Issued, Reason, Record, Revoked};
use crate::pki::merge::{Merged, Misfit, Sides};
use std::collections::BTreeSet;

/// What either side issued is issued, and what either side revoked is revoked.
pub(in crate::pki) fn merge_records(sides: Sides<&str>) -> Result<Merged, Misfit> {
    let Sides { base, ours, theirs } = sides.read(Record::parse)?;
    let issued = books(base.as_ref(), &ours, &theirs);
    let crl = ours.crl.max(theirs.crl);
    let head = |record: &Record| Record { issued: Vec::new(), crl: None, ..record.clone() };
    let (base, our, their) = (base.as_ref().map(head), head(&ours), head(&theirs));
    let (head, conflict) = match () {
        () if our == their || base.as_ref() == Some(&their) => (our, None),
        () if base.as_ref() == Some(&our) => (their, None),
        () => (our, Some(format!("both sides issued `{}` anew", ours.name))),
    };
    Ok(Merged { text: Record { issued, crl, ..head }.text(), conflict })
}

/// The later one; what it does not tell, the next one does.
pub(in crate::pki) fn merge_lists(sides: Sides<&str>) -> Result<Merged, Misfit> {
    let numbers = sides.read(|text| super::crl::number(text).ok_or_else(|| "it is no revocation list".to_owned()))?;
    let later = if numbers.theirs > numbers.ours { sides.theirs } else { sides.ours };
    Ok(Merged::clean(later.to_owned()))
}

/// All that either side issued. An entry that one side took out goes, where the other side left it alone.
fn books(base: Option<&Record>, ours: &Record, theirs: &Record) -> Vec<Issued> {
    let serials: BTreeSet<&str> = [ours, theirs].iter().flat_map(|side| &side.issued).map(|it| &*it.serial).collect();
    let entry = |serial: &&str| {
        let before = base.and_then(|base| base.entry(serial));
        match (ours.entry(serial), theirs.entry(serial)) {
            (Some(our), Some(their)) if before == Some(our) => Some(their.clone()),
            (Some(our), Some(their)) if before == Some(their) => Some(our.clone()),
            (Some(our), Some(their)) => {
                let revoked = graver(our.revoked.clone(), their.revoked.clone());
                Some(Issued { revoked, ..our.clone() })
            }
            (one, other) => one.or(other).filter(|left| before != Some(left)).cloned(),
        }
    };
    serials.iter().filter_map(entry).collect()
}

/// Of two verdicts the one that lets less through; of two alike the earlier one.
fn graver(one: Option<Revoked>, other: Option<Revoked>) -> Option<Revoked> {
    let passes = |revoked: &Revoked| (revoked.reason == Reason::CertificateHold, revoked.at);
    [one, other].into_iter().flatten().min_by_key(passes)
}

#[cfg(test)]
mod tests {
    use super::super::want::{Authority, Want};
    use super::*;
    use jiff::Timestamp;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn issued(serial: &str, revoked: Option<(i64, Reason)>) -> Issued {
        let revoked = revoked.map(|(second, reason)| Revoked { at: at(second), reason });
        Issued { serial: serial.into(), name: format!("web{serial}"), not_after: at(9), revoked }
    }

    fn record(crl: u64, issued: &[Issued]) -> Record {
        Record {
            format: super::super::record::FORMAT,
            name: "home".into(),
            serial: "00".into(),
            not_before: at(0),
            not_after: at(9),
            sha256: String::new(),
            chain_sha256: String::new(),
            key: "pki/home/key".into(),
            want: Want::Root(Authority::default()),
            pkcs12: None,
            crl: Some(crl),
            rotation: None,
            issued: issued.to_vec(),
        }
    }

    fn sides(base: &Record, ours: &Record, theirs: &Record) -> Merged {
        let (base, ours, theirs) = (base.text(), ours.text(), theirs.text());
        let merged = merge_records(Sides { base: Some(&base), ours: &ours, theirs: &theirs });
        merged.unwrap_or_else(|_| panic!("records"))
    }

    fn merged(base: &Record, ours: &Record, theirs: &Record) -> Record {
        let merged = sides(base, ours, theirs);
        assert_eq!(merged.conflict, None);
        Record::parse(&merged.text).expect("a record")
    }

    #[test]
    fn what_either_side_issued_is_kept_and_the_greater_number_of_lists() {
        let (base, ours) = (record(1, &[issued("05", None)]), record(2, &[issued("05", None), issued("06", None)]));
        let theirs = record(4, &[issued("01", None), issued("05", None)]);
        let both = record(4, &[issued("01", None), issued("05", None), issued("06", None)]);
        assert_eq!(merged(&base, &ours, &theirs), both);
        assert_eq!(merged(&base, &theirs, &ours), both);
    }

    #[test]
    fn nothing_becomes_valid_by_a_merge_that_one_side_took_back() {
        use Reason::{CertificateHold as Hold, KeyCompromise as Stolen, Superseded};
        for (before, our, their, expected) in [
            (None, None, Some((1, Stolen)), Some((1, Stolen))),
            (None, Some((2, Superseded)), Some((1, Stolen)), Some((1, Stolen))),
            (None, Some((1, Hold)), Some((2, Superseded)), Some((2, Superseded))),
            // Lifting a hold is a change; so is making it final.
            (Some((1, Hold)), None, Some((1, Hold)), None),
            (Some((1, Hold)), None, Some((2, Stolen)), Some((2, Stolen))),
        ] {
            let side = |revoked| record(1, &[issued("05", revoked)]);
            for (one, other) in [(our, their), (their, our)] {
                assert_eq!(merged(&side(before), &side(one), &side(other)), side(expected), "{our:?} {their:?}");
            }
        }
    }

    #[test]
    fn an_entry_that_one_side_took_out_is_gone() {
        let (with, without) = (record(1, &[issued("05", None)]), record(1, &[]));
        assert_eq!(merged(&with, &without, &with), without);
        let changed = record(1, &[issued("05", Some((1, Reason::Superseded)))]);
        assert_eq!(merged(&with, &without, &changed), changed, "the other side has something to say of it");
    }

    #[test]
    fn an_authority_that_both_sides_issued_anew_is_a_conflict() {
        let anew = |serial: &str| Record { serial: serial.into(), ..record(1, &[]) };
        assert_eq!(merged(&anew("00"), &anew("00"), &anew("02")), anew("02"));
        let both = sides(&anew("00"), &anew("01"), &anew("02"));
        assert_eq!(both.conflict.as_deref(), Some("both sides issued `home` anew"));
        assert_eq!(Record::parse(&both.text).expect("a record"), anew("01"));
    }
}
