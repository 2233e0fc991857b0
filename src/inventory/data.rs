//! Layers of data: what each says, and what comes out of them.
//!
//! A value of a higher layer replaces the one below. A key spelled `name+` asks for more: a map is merged into
//! the map below, key by key and deeply; a list is appended to the list below, without what is there already.
//! Only the outermost keys can ask; a list inside a merged map replaces.

use super::node::{Entry, Node};
use super::{InventoryError, Spot};
use indexmap::IndexMap;
use serde_json::Value;

/// One value of one layer.
#[derive(Debug, Clone)]
pub(super) struct Datum {
    /// The place of the key.
    pub at: Spot,
    pub value: Value,
    /// True when the key is spelled with `+`.
    pub merges: bool,
}

/// One layer: a data file, the data of a group or host in the inventory, or `--data`.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// What it is, for people: "group_data of `web`".
    pub layer: String,
    pub values: IndexMap<String, Datum>,
}

impl Block {
    /// Reads a map of data.
    pub fn read(layer: String, node: Node) -> Result<Self, InventoryError> {
        let mut block = Self { layer, values: IndexMap::new() };
        for entry in node.entries(&block.layer)? {
            block.put(entry)?;
        }
        Ok(block)
    }

    /// Adds one key.
    pub fn put(&mut self, entry: Entry) -> Result<(), InventoryError> {
        let Entry { key, at, value } = entry;
        let (name, merges) = match key.strip_suffix('+') {
            Some(name) => (name.to_owned(), true),
            None => (key, false),
        };
        if name.is_empty() {
            let error = InventoryError::at(&at, format!("a key without a name in {}", self.layer));
            return Err(error.hint("write `name+` to merge, `name` to replace"));
        }
        if let Some(first) = self.values.get(&name) {
            let message = format!("`{name}` is given twice in {}", self.layer);
            return Err(
                InventoryError::at(&at, message).hint(format!("the first is at {}: keep one of them", first.at))
            );
        }
        self.values.insert(name, Datum { at, value: value.to_value(), merges });
        Ok(())
    }
}

/// The value that comes out of layers of one key, lowest first.
pub(super) fn settle(key: &str, layers: &[&Datum]) -> Result<Value, InventoryError> {
    let mut value = Value::Null;
    let mut below: Option<&Datum> = None;
    for layer in layers {
        value = match (layer.merges, below) {
            (true, Some(below)) => merged(key, value, below, layer)?,
            _ => layer.value.clone(),
        };
        below = Some(layer);
    }
    Ok(value)
}

/// How many of the layers, counted from the highest, have a part in the value.
pub(super) fn winners(layers: &[&Datum]) -> usize {
    let merging = layers.iter().rev().take_while(|layer| layer.merges).count();
    (merging + 1).min(layers.len())
}

fn merged(key: &str, value: Value, below: &Datum, layer: &Datum) -> Result<Value, InventoryError> {
    match (value, layer.value.clone()) {
        (Value::Null, above) => Ok(above),
        (Value::Object(mut map), Value::Object(above)) => {
            deepen(&mut map, above);
            Ok(Value::Object(map))
        }
        (Value::Array(mut list), Value::Array(above)) => {
            for item in above {
                if !list.contains(&item) {
                    list.push(item);
                }
            }
            Ok(Value::Array(list))
        }
        (value, above) => {
            let message = format!("`{key}+` cannot merge {} into {}", kind(&above), kind(&value));
            let hint = format!("write `{key}` to replace the value of {}", below.at);
            Err(InventoryError::at(&layer.at, message).hint(hint))
        }
    }
}

fn deepen(map: &mut serde_json::Map<String, Value>, above: serde_json::Map<String, Value>) {
    for (key, value) in above {
        match (map.get_mut(&key), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => deepen(inner, value),
            (_, value) => drop(map.insert(key, value)),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn layer(value: Value, merges: bool) -> Datum {
        Datum { at: Spot::new("x.yaml", 1, 1), value, merges }
    }

    fn settled(layers: &[(Value, bool)]) -> Value {
        let layers: Vec<Datum> = layers.iter().map(|(value, merges)| layer(value.clone(), *merges)).collect();
        settle("k", &layers.iter().collect::<Vec<_>>()).expect("fits")
    }

    #[test]
    fn a_map_is_replaced_unless_merging_is_asked_for() {
        let below = json!({ "a": { "x": 1, "y": 2 }, "l": [1] });
        let above = json!({ "a": { "y": 3 }, "l": [2] });
        assert_eq!(settled(&[(below.clone(), false), (above.clone(), false)]), above);
        let both = json!({ "a": { "x": 1, "y": 3 }, "l": [2] });
        assert_eq!(settled(&[(below, false), (above, true)]), both);
    }

    #[test]
    fn a_list_is_appended_without_doubles() {
        assert_eq!(settled(&[(json!([1, 2]), false), (json!([2, 3]), true)]), json!([1, 2, 3]));
        assert_eq!(settled(&[(json!([1]), true)]), json!([1]));
    }

    #[test]
    fn what_cannot_be_merged_is_an_error() {
        let (below, above) = (layer(json!("text"), false), layer(json!({}), true));
        let error = settle("app", &[&below, &above]).expect_err("cannot merge");
        assert_eq!(error.message, "`app+` cannot merge a map into a text");
        assert_eq!(error.hint.as_deref(), Some("write `app` to replace the value of x.yaml:1:1"));
    }

    #[test]
    fn the_winners_reach_down_to_the_layer_that_replaces() {
        let layers = [layer(json!({}), false), layer(json!({}), false), layer(json!({}), true)];
        assert_eq!(winners(&layers.iter().collect::<Vec<_>>()), 2);
        assert_eq!(winners(&[&layers[0], &layers[1]]), 1);
        assert_eq!(winners(&[&layers[2]]), 1);
    }
}
