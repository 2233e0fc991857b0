//! Groups: who is in them, below which others, and in which order they speak.

use super::builder::{DeclaredGroup, InventoryBuilder};
use super::{ALL, InventoryError, Spot};
use indexmap::{IndexMap, IndexSet};

/// A group as the inventory resolved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Hosts that it names itself, in declared order; of `all`, those in no other group.
    pub hosts: Vec<String>,
    /// Groups that it names as children, in declared order; of `all`, those in no other group.
    pub children: Vec<String>,
    /// Every host in it, through children too, in inventory order.
    pub members: Vec<String>,
    /// The length of the longest way down from `all`, which has 0.
    pub depth: usize,
}

/// Checks what groups name and puts them in order of precedence, lowest first: `all`, then by depth, then as declared.
///
/// # Errors
/// For a host or child nobody declares, a name of a host and a group, and a cycle.
pub(super) fn resolve(declared: &InventoryBuilder) -> Result<IndexMap<String, Group>, InventoryError> {
    check_names(declared)?;
    for (name, group) in &declared.groups {
        check_references(declared, name, group)?;
    }
    let depths = depths(declared)?;
    let mut groups: Vec<Group> = declared.groups.iter().map(|(name, group)| plain(name, group, depths[name])).collect();
    groups.retain(|group| group.name != ALL);
    groups.sort_by_key(|group| group.depth);
    groups.insert(0, whole(declared, &depths));
    for group in &mut groups {
        group.members = members(declared, &group.name);
    }
    Ok(groups.into_iter().map(|group| (group.name.clone(), group)).collect())
}

fn check_names(declared: &InventoryBuilder) -> Result<(), InventoryError> {
    let hint = "a selector could not tell them apart: rename one";
    if let Some(host) = declared.hosts.get(ALL) {
        return Err(
            InventoryError::at(&host.at, format!("host `{ALL}` has the name of the group of all hosts")).hint(hint)
        );
    }
    for (name, group) in &declared.groups {
        if let (Some(host), Some(at)) = (declared.hosts.get(name), &group.at) {
            let message = format!("group `{name}` has the name of the host of {}", host.at);
            return Err(InventoryError::at(at, message).hint(hint));
        }
    }
    Ok(())
}

fn check_references(declared: &InventoryBuilder, name: &str, group: &DeclaredGroup) -> Result<(), InventoryError> {
    for (host, at) in &group.hosts {
        if declared.hosts.contains_key(host) {
            continue;
        }
        let error = InventoryError::at(at, format!("unknown host `{host}` in group `{name}`"));
        return Err(match declared.groups.contains_key(host) {
            true => error.hint(format!("`{host}` is a group: name it under `children`")),
            false => {
                error.nearest(host, declared.hosts.keys().map(String::as_str), || "declare it under `hosts`".into())
            }
        });
    }
    for (child, at) in &group.children {
        if declared.groups.contains_key(child) && child != ALL {
            continue;
        }
        let error = InventoryError::at(at, format!("unknown group `{child}` in the children of `{name}`"));
        return Err(match (child == ALL, declared.hosts.contains_key(child)) {
            (true, _) => error.hint(format!("`{ALL}` is above every group and child of none")),
            (_, true) => error.hint(format!("`{child}` is a host: name it under `hosts`")),
            _ => {
                error.nearest(child, declared.groups.keys().map(String::as_str), || "declare it under `groups`".into())
            }
        });
    }
    Ok(())
}

/// The length of the longest way down to each group, parents before children (Kahn's topological order).
fn depths(declared: &InventoryBuilder) -> Result<IndexMap<String, usize>, InventoryError> {
    let children = |name: &str| declared.groups[name].children.iter().map(|(child, _)| child.as_str());
    let mut parents: IndexMap<&str, usize> = declared.groups.keys().map(|name| (name.as_str(), 0)).collect();
    for child in declared.groups.keys().flat_map(|name| children(name)) {
        parents[child] += 1;
    }
    let mut depths: IndexMap<String, usize> = declared.groups.keys().map(|name| (name.clone(), 1)).collect();
    let mut ready: Vec<&str> = parents.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    while let Some(name) = ready.pop() {
        let below = depths[name] + 1;
        for child in children(name) {
            depths[child] = depths[child].max(below);
            parents[child] -= 1;
            if parents[child] == 0 {
                ready.push(child);
            }
        }
    }
    let caught: IndexSet<&str> = parents.into_iter().filter(|(_, count)| *count > 0).map(|(name, _)| name).collect();
    if caught.is_empty() { Ok(depths) } else { Err(cycle(declared, &caught)) }
}

/// Each of the groups has a parent among them: going up must come back to where it was.
fn cycle(declared: &InventoryBuilder, caught: &IndexSet<&str>) -> InventoryError {
    let parent = |child: &str| {
        let names_it = |name: &&&str| declared.groups[**name].children.iter().any(|(name, _)| name == child);
        *caught.iter().find(names_it).expect("a group on a circle has a parent on it")
    };
    let mut way = IndexSet::new();
    let mut name = caught[0];
    while way.insert(name) {
        name = parent(name);
    }
    let circle: Vec<&str> = way.into_iter().skip_while(|seen| *seen != name).collect();
    let first = circle.iter().copied().min_by_key(|name| declared.groups.get_index_of(*name)).unwrap_or(name);
    let mut names: Vec<&str> =
        circle.iter().rev().copied().cycle().skip_while(|name| *name != first).take(circle.len()).collect();
    let last = names[names.len() - 1];
    names.push(first);
    let children = &declared.groups[last].children;
    let at = children.iter().find(|(name, _)| name == first).map(|(_, at)| at.clone());
    let message = format!("groups go round in a circle: `{}`", names.join(" -> "));
    InventoryError::at(&at.unwrap_or(Spot::whole("")), message)
        .hint(format!("take `{first}` out of the children of `{last}`"))
}

fn plain(name: &str, group: &DeclaredGroup, depth: usize) -> Group {
    Group {
        name: name.to_owned(),
        hosts: names(&group.hosts),
        children: names(&group.children),
        members: Vec::new(),
        depth,
    }
}

fn names(references: &[(String, Spot)]) -> Vec<String> {
    let names: IndexSet<&String> = references.iter().map(|(name, _)| name).collect();
    names.into_iter().cloned().collect()
}

fn whole(declared: &InventoryBuilder, depths: &IndexMap<String, usize>) -> Group {
    let grouped: IndexSet<&String> =
        declared.groups.values().flat_map(|group| group.hosts.iter().map(|(name, _)| name)).collect();
    let top = declared.groups.keys().filter(|name| *name != ALL && depths[*name] == 1);
    Group {
        name: ALL.to_owned(),
        hosts: declared.hosts.keys().filter(|name| !grouped.contains(name)).cloned().collect(),
        children: top.cloned().collect(),
        members: Vec::new(),
        depth: 0,
    }
}

fn members(declared: &InventoryBuilder, group: &str) -> Vec<String> {
    if group == ALL {
        return declared.hosts.keys().cloned().collect();
    }
    let (mut seen, mut open) = (IndexSet::new(), vec![group]);
    let mut hosts: IndexSet<&str> = IndexSet::new();
    while let Some(name) = open.pop() {
        if seen.insert(name) {
            let group = &declared.groups[name];
            hosts.extend(group.hosts.iter().map(|(name, _)| name.as_str()));
            open.extend(group.children.iter().map(|(name, _)| name.as_str()));
        }
    }
    let mut hosts: Vec<&str> = hosts.into_iter().collect();
    hosts.sort_by_cached_key(|name| declared.hosts.get_index_of(*name));
    hosts.into_iter().map(str::to_owned).collect()
}
