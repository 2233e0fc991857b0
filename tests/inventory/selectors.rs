//! Who is selected.

use super::Project;
use proptest::prelude::*;
use rhapsode::inventory::{Inventory, Selector, SelectorError};
use rstest::rstest;

fn fleet() -> Inventory {
    let text = "hosts: { db1: , db2: , web-1: , web-2: , lb: }\ngroups:\n  web: { hosts: [web-2, web-1] }\n  db: { hosts: [db1, db2] }\n  site: { children: [web, db] }\n  none:\n";
    Project::of(text).loaded("inv.yaml")
}

#[rstest]
#[case("all", "db1 db2 web-1 web-2 lb")]
#[case("web", "web-1 web-2")]
#[case("web-1", "web-1")]
#[case("site & !db1", "db2 web-1 web-2")]
#[case("web | db1", "db1 web-1 web-2")]
#[case("web,lb", "web-1 web-2 lb")]
#[case("db*", "db1 db2")]
#[case("w?b", "web-1 web-2")]
#[case("web-[!1]", "web-2")]
#[case("web-[1..2]", "web-1 web-2")]
#[case("!site", "lb")]
#[case("!!lb", "lb")]
#[case("site & !(web-1 | db)", "web-2")]
#[case("lb | site & web", "web-1 web-2 lb")]
#[case("(lb | site) & web", "web-1 web-2")]
#[case("lb | (!site)", "lb")]
#[case("@failed", "db2 lb")]
#[case("@failed & db", "db2")]
#[case("!@failed & !web", "db1")]
fn a_selector_selects_in_inventory_order(#[case] text: &str, #[case] wanted: &str) {
    let failed = || vec!["lb".to_owned(), "db2".to_owned(), "gone".to_owned()];
    let selected = Selector::parse(text).and_then(|selector| selector.select(&fleet(), &failed)).expect("selects");
    assert_eq!(selected.join(" "), wanted);
}

#[rstest]
#[case("", 1, "a name is missing")]
#[case("web &", 6, "a name is missing")]
#[case("web db", 5, "an operator is missing")]
#[case("(web | db", 1, "`(` is not closed")]
#[case("web)", 4, "`)` closes nothing")]
#[case("web, !db1", 6, "`!` in a union would take nearly every host")]
#[case("@faild", 1, "`@faild` is nothing known")]
#[case("web & x[", 7, "`x[` is no glob: unclosed character class; missing ']'")]
fn a_broken_selector_names_the_column(#[case] text: &str, #[case] wanted: usize, #[case] said: &str) {
    let error = Selector::parse(text).expect_err("broken");
    let SelectorError::Syntax { column, message, hint, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*column, message.as_str()), (wanted, said));
    assert!(!hint.is_empty() && !error.is_no_match());
}

#[test]
fn an_unknown_name_differs_from_no_match() {
    let select = |text: &str| Selector::parse(text).expect("parses").select(&fleet(), &Vec::new).expect_err("none");
    let unknown = select("db & wbe");
    assert_eq!(unknown.to_string(), "unknown host or group `wbe` at column 6 of the selector `db & wbe`");
    assert_eq!((unknown.hint(), unknown.is_no_match()), ("did you mean `web`?", false));
    for (text, hint) in [
        ("web & db", "`inventory graph`"),
        ("none", "`inventory graph`"),
        ("zz*", "`inventory graph`"),
        ("@failed", "no host failed"),
    ] {
        let error = select(text);
        assert!(error.is_no_match() && error.hint().starts_with(hint), "{text}: {error:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_selector_panic(text in "[a-z0-9 &|,!()*?\\[\\]{}@.\\\\-]{0,24}|\\PC{0,24}") {
        if let Ok(selector) = Selector::parse(&text) {
            let _ = selector.select(&fleet(), &Vec::new);
        }
    }

    #[test]
    fn no_text_makes_an_inventory_panic(text in "(hosts|groups|defaults|[a-c]|children|data|sudo|[ :\n{}\\[\\],\\-&*!+]|1){0,40}") {
        let project = Project::of(&text);
        let _ = project.load("inv.yaml");
    }
}
