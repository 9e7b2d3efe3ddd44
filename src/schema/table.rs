//! Checked schema → leaf table: the one list of value positions that policies are written over.

use std::collections::BTreeMap;

use super::profile::{Member, Node};
use crate::domain::leaf::ArrayBounds;
use crate::domain::{Digest, Leaf, LeafName, LeafTable, MessageType};

/// The leaves of a checked schema, sorted by name.
pub(super) fn build(message: MessageType, schema: Digest, root: &Node) -> LeafTable {
    let mut table = LeafTable { message, schema, leaves: Vec::new(), arrays: BTreeMap::new() };
    add(&mut table, "", root, true);
    table.leaves.sort_by(|one, other| one.name.cmp(&other.name));
    table
}

/// `always`: whether every valid body, or every element of the array around, has this location.
fn add(table: &mut LeafTable, at: &str, node: &Node, always: bool) {
    match node {
        Node::Object(members) => add_members(table, at, members, always),
        Node::Objects(bounds, members) => {
            table.arrays.insert(at.to_owned(), ArrayBounds { ..*bounds });
            add_members(table, &format!("{at}/*"), members, true);
        }
        Node::Leaf(facts) => table.leaves.push(Leaf {
            name: LeafName::new(at),
            class: facts.class,
            identifier: facts.identifier.clone(),
            reference: facts.reference.clone(),
            shape: facts.shape.clone(),
            array: facts.array,
            required: always,
            label: facts.label.clone(),
        }),
    }
}

fn add_members(table: &mut LeafTable, at: &str, members: &BTreeMap<String, Member>, always: bool) {
    for (name, member) in members {
        add(table, &format!("{at}/{name}"), &member.node, always && member.required);
    }
}
