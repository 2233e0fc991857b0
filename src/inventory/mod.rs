//! Hosts, groups, variables.
//!
//! [`Loader`] reads inventories and the data files beside them. What a host is told comes from layers, low to high:
//!
//! 1. `group_data/all.yaml`, then the files of parent groups, then those of groups in declared order;
//! 2. the `data` of groups in the inventory, in the same order;
//! 3. `host_data/<host>.yaml`;
//! 4. the `data` of the host in the inventory;
//! 5. `--data`;
//! 6. what a script sets at run time.
//!
//! A value replaces the one below as a whole. A key spelled `name+` merges instead: a map deeply into the map
//! below, a list by appending what is not there yet. Connection settings know no merging: host over groups (later
//! ones win) over the `defaults` of the host's file.

mod ansible;
mod builder;
mod command;
mod data;
mod data_files;
mod error;
mod escalation;
mod explain;
mod files;
mod groups;
mod host;
mod load;
mod name;
mod nearest;
mod node;
mod overrides;
mod resolve;
mod selector;
mod settings;
mod spot;
mod whole;
mod words;
mod yaml;

pub use builder::InventoryBuilder;
pub use error::{InventoryError, InventoryWarning};
pub use explain::Layer;
pub use files::FileRead;
pub use groups::Group;
pub use host::{Connect, Connection, Escalation, Host, Method, Secrets};
pub use load::{Loader, RhaiLoader};
pub use name::ALL;
pub use nearest::nearest;
pub use selector::{FailedHosts, Selector, SelectorError};
pub use spot::Spot;
pub use whole::Inventory;
