//! What may go out under two versions of a policy at once: for a release that waits while another
//! version comes in force.
//!
//! A leaf goes only if both versions do the very same with it. Where the release schema lets it be
//! absent it is, else the two cannot be reconciled and a person decides.

use super::compile::Compiled;
use super::operation::Operation;
use super::plan::Node;
use crate::domain::LeafName;

/// What a release under the later of two versions must leave out for the sake of the earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Both {
    /// Leaves that are null.
    pub blank: Vec<LeafName>,
    /// Leaves that the later version requires and the earlier one passes otherwise, or not at all.
    pub conflicting: Vec<LeafName>,
}

/// Compares two versions for the same sender, recipient and message type.
pub fn both(before: &Compiled, after: &Compiled) -> Both {
    let mut both = Both::default();
    // the number of elements is told by any leaf in them: an array that was dropped stays away
    for (name, node) in after.plan().root() {
        visit(&format!("/{name}"), node, before, &mut both);
    }
    both.blank.sort();
    both.conflicting.sort();
    both
}

fn visit(at: &str, node: &Node, before: &Compiled, both: &mut Both) {
    match node {
        Node::Object(members) => {
            for (name, node) in members {
                visit(&format!("{at}/{name}"), node, before, both);
            }
        }
        Node::Objects { members, .. } => {
            let mut within = Both::default();
            for (name, node) in members {
                visit(&format!("{at}/*/{name}"), node, before, &mut within);
            }
            let count = members.values().map(leaves).sum::<usize>();
            let differing = within.blank.len() + within.conflicting.len();
            if differing == count {
                // nothing of it goes, so it is null as a whole
                within.blank.append(&mut within.conflicting);
            }
            both.blank.append(&mut within.blank);
            both.conflicting.append(&mut within.conflicting);
        }
        Node::Leaf(step) => {
            let was = before.operations().get(step.name.as_str()).unwrap_or(&Operation::Drop);
            if *was != step.operation {
                let list = if step.required() { &mut both.conflicting } else { &mut both.blank };
                list.push(step.name.clone());
            }
        }
    }
}

/// How many leaves lie below a node.
pub(super) fn leaves(node: &Node) -> usize {
    match node {
        Node::Object(members) | Node::Objects { members, .. } => members.values().map(leaves).sum(),
        Node::Leaf(_) => 1,
    }
}

/// Whether every leaf below a node is among `blank`.
pub(super) fn is_blank(node: &Node, blank: &[LeafName]) -> bool {
    match node {
        Node::Object(members) | Node::Objects { members, .. } => {
            members.values().all(|node| is_blank(node, blank))
        }
        Node::Leaf(step) => blank.contains(&step.name),
    }
}
