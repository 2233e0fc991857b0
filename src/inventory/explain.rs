//! Where a value comes from.

use super::data::{Datum, winners};
use super::{Inventory, InventoryError, Spot, nearest};
use serde_json::Value;

/// What one layer says about a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// What the layer is, for people: "group_data of `web`".
    pub layer: String,
    /// Its place: `inventories/group_data/web.yaml:3:1`.
    pub source: String,
    /// What it says.
    pub value: Value,
    /// True when it asks to be merged into the layers below.
    pub merges: bool,
    /// True when it has a part in the value that the host gets.
    pub wins: bool,
}

impl Inventory {
    /// What each layer says about a key of a host's data, lowest first; empty when none does.
    pub fn explain(&self, host: &str, key: &str) -> Vec<Layer> {
        let blocks = self.layers.get(host).into_iter().flatten();
        let found: Vec<(&str, &Datum)> =
            blocks.filter_map(|block| Some((block.layer.as_str(), block.values.get(key)?))).collect();
        let data: Vec<&Datum> = found.iter().map(|(_, datum)| *datum).collect();
        let losers = found.len() - winners(&data);
        let layer = |(index, (layer, datum)): (usize, &(&str, &Datum))| Layer {
            layer: (*layer).to_owned(),
            source: datum.at.to_string(),
            value: datum.value.clone(),
            merges: datum.merges,
            wins: index >= losers,
        };
        found.iter().enumerate().map(layer).collect()
    }

    /// The error for a host nobody declares.
    pub fn unknown_host(&self, name: &str) -> InventoryError {
        let error = InventoryError::at(&Spot::whole(""), format!("unknown host `{name}`"));
        match nearest(name, self.hosts.keys().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`inventory list` shows every host"),
        }
    }

    /// The error for a key that no layer of the host's data has.
    pub fn unknown_key(&self, host: &str, key: &str) -> InventoryError {
        let error = InventoryError::at(&Spot::whole(""), format!("no data `{key}` for host `{host}`"));
        match self.hosts.get(host).and_then(|host| host.nearest_data_key(key)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("`inventory explain {host}` shows every key")),
        }
    }
}
