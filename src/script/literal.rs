//! Maps that stand in a script as they are.

use rhai::{Dynamic, Expr, Map, Position};

/// One entry of a map.
pub struct Pair {
    /// The key.
    pub key: String,
    /// Place of the key.
    pub key_at: Position,
    /// The value, where it is constant.
    pub value: Option<Dynamic>,
    /// Place of the value.
    pub at: Position,
}

/// The entries of a map literal, and its place.
pub fn map_literal(expr: &Expr) -> Option<(Vec<Pair>, Position)> {
    match expr {
        Expr::Map(map, at) => {
            let pairs = map.0.iter().map(|(key, value)| Pair {
                key: key.name.to_string(),
                key_at: key.pos,
                value: value.get_literal_value(None),
                at: value.position(),
            });
            Some((pairs.collect(), *at))
        }
        Expr::DynamicConstant(value, at) => {
            let map = value.read_lock::<Map>()?;
            let pair = |(key, value): (&rhai::Identifier, &Dynamic)| Pair {
                key: key.to_string(),
                key_at: *at,
                value: Some(value.clone()),
                at: *at,
            };
            Some((map.iter().map(pair).collect(), *at))
        }
        _ => None,
    }
}

/// The value under a key of a map literal.
pub fn map_entry<'a>(expr: &'a Expr, key: &str) -> Option<&'a Expr> {
    match expr {
        Expr::Map(map, _) => map.0.iter().find(|(name, _)| name.name == key).map(|(_, value)| value),
        _ => None,
    }
}
